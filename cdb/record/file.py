"""The file that is recorded: it has another name until it is whole."""

import gzip
import io
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TextIO, cast

from cdb.kit.errors import Refused, in_words
from cdb.kit.files import STANDARD_OUTPUT

PACKED: Final = ".csv.gz"
ENDINGS: Final = (PACKED, ".csv")
_LEVEL: Final = 6


def refuse_existing(target: Path) -> None:
    """Raise Refused if there is a file called *target*."""
    if os.path.lexists(target):
        raise Refused(f"{target} already exists: choose another name")


@contextmanager
def tape_file(target: Path) -> Iterator[TextIO]:
    """Open a file for lines, packed if the name says so, that is called *target* once the block has ended.

    If the block fails there is no file. No file is ever replaced. Standard output is not packed. Raises Refused.
    """
    if target == STANDARD_OUTPUT:
        yield sys.stdout
        sys.stdout.flush()
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with partial.open("xb") as raw:
            with ExitStack() as layers:
                inner: BinaryIO = raw
                if target.name.endswith(PACKED):
                    packed = gzip.GzipFile(target.name.removesuffix(".gz"), "wb", _LEVEL, raw)
                    inner = cast("BinaryIO", layers.enter_context(packed))
                text = io.TextIOWrapper(inner, encoding="utf-8", newline="", write_through=False)
                layers.callback(text.detach)  # closes neither: each layer is closed where it was opened
                layers.callback(text.flush)
                yield text
            raw.flush()
            os.fsync(raw.fileno())
        _put_in_place(partial, target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Refused(f"{target} cannot be written: {in_words(error)}") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _put_in_place(partial: Path, target: Path) -> None:
    """Give the whole file its name; if somebody else has taken that meanwhile, keep it under another one."""
    ending = next(ending for ending in ENDINGS if target.name.endswith(ending))
    free = target
    while True:
        try:
            free.open("xb").close()
            break
        except FileExistsError:
            free = target.with_name(f"{target.name.removesuffix(ending)}-{time.time_ns()}{ending}")
    partial.replace(free)
    if free != target:
        raise Refused(f"{target} was made meanwhile by somebody else; the recording is {free}")
