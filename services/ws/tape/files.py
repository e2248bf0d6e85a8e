"""The lines of a file of trades: plain text, gzip, or a zip with one CSV file inside, whatever its name says."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, cast

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_DAMAGED: Final = (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError)


class NotATape(Exception):
    """The file is no table of trades. *what* says what is wrong and what it must look like, the text names it too."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.what = what


def lines_of(path: Path) -> Generator[str, None, None]:
    """Yield the lines of *path* with their ends; close it unless all are taken. Raises NotATape if it is unreadable."""
    try:
        with ExitStack() as stack:
            unpacked = _unpacked(stack.enter_context(path.open("rb")), path, stack)
            encoding = "utf-16" if unpacked.peek(2)[:2] in _UTF_16 else "utf-8-sig"
            text = io.TextIOWrapper(unpacked, encoding=encoding, errors="replace", newline="")
            yield from stack.enter_context(text)
    except _DAMAGED as error:
        raise NotATape(path, f"the file is damaged or incomplete: {error}") from error
    except OSError as error:
        raise NotATape(path, error.strerror or str(error)) from error


def _unpacked(raw: io.BufferedReader, path: Path, stack: ExitStack) -> io.BufferedReader:
    start = raw.peek(len(_ZIP))
    if start.startswith(_GZIP):
        return io.BufferedReader(stack.enter_context(gzip.GzipFile(fileobj=raw)))
    if start.startswith(_ZIP):
        return io.BufferedReader(stack.enter_context(_only_table(stack.enter_context(zipfile.ZipFile(raw)), path)))
    return raw


def _only_table(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipExtFile:
    names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
    tables = [name for name in names if name.lower().endswith(".csv")]
    if len(tables) != 1:
        found = ", ".join((tables or names)[:3]) or "nothing"
        raise NotATape(path, f"a zip must have one .csv file inside, this one has {len(tables)} ({found:.120})")
    try:
        return cast("zipfile.ZipExtFile", archive.open(tables[0]))
    except RuntimeError as error:  # encrypted, or packed in a way that Python does not know
        raise NotATape(path, f"{tables[0]} cannot be read ({error!s:.80}); unpack it first") from error
