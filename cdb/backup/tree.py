"""A server's data directory as one compressed file, and back."""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from cdb.backup.errors import BackupError

_NOT_KEPT: Final = frozenset({"lock", "queries.active"})  # of the process that had it open
_BLOCK: Final = "meta.json"  # is in each block of Prometheus, which is never written to again
_LEVEL: Final = 1  # Prometheus' data are compressed already


def copy(source: Path, target: Path) -> None:
    """Copy a stopped server's data to *target* on the same disk; what is never written to again is linked.

    So the server is away for moments, however much it has stored.
    """
    blocks = {file.parent for file in source.glob(f"*/{_BLOCK}")}

    def one(old: str, new: str) -> None:
        if blocks.isdisjoint(Path(old).parents):
            shutil.copy2(old, new)
        else:
            os.link(old, new)

    shutil.copytree(source, target, copy_function=one, ignore=shutil.ignore_patterns(*_NOT_KEPT))


def pack(source: Path, target: Path) -> None:
    """Write the files below *source* to the compressed tar file *target*."""
    with tarfile.open(target, "w:gz", compresslevel=_LEVEL) as tar:
        tar.add(source, arcname=".")


def unpack(source: Path, target: Path) -> None:
    """Make the folder *target* from a compressed tar file; raise BackupError for one that reaches outside of it."""
    target.mkdir(mode=0o700)
    try:
        with tarfile.open(source, "r:gz") as tar:
            for entry in tar:
                _place(tar, entry, target)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupError(f"{source.name} cannot be unpacked: {error}") from error


def _place(tar: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> None:
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts or not (entry.isfile() or entry.isdir()):
        raise BackupError(f"{entry.name!r:.80} is no file below a server's data")
    place = target / path
    if entry.isdir():
        place.mkdir(exist_ok=True)
    elif stream := tar.extractfile(entry):
        with place.open("xb") as file:
            shutil.copyfileobj(stream, file)
