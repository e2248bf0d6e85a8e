"""A server's data directory as one compressed file, and back."""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from cdb.running.errors import BackupError

RESTORE: Final = ".cdb-restore"
"""Folder of the new data beside those of a part in a container while they are replaced."""
REPLACED: Final = ".cdb-replaced"
"""Folder of the old data meanwhile."""
_NOT_SAVED: Final = frozenset({"lock", "queries.active"})  # of the process that had it open
_OURS: Final = frozenset({(RESTORE,), (REPLACED,)})
_BLOCK: Final = "meta.json"  # is in each block of Prometheus, which is never written to again
_LEVEL: Final = 1  # Prometheus' data are compressed already


def copy(source: Path, target: Path) -> None:
    """Copy a stopped server's data to *target* on the same disk; links what is never written to again.

    So the server is away for moments only, however much it has stored.
    """
    blocks = {file.parent for file in source.glob(f"*/{_BLOCK}")}

    def one(old: str, new: str) -> None:
        if blocks.isdisjoint(Path(old).parents):
            shutil.copy2(old, new)
        else:
            os.link(old, new)

    shutil.copytree(source, target, copy_function=one, ignore=shutil.ignore_patterns(*_NOT_SAVED))


def pack(source: Path, target: Path) -> None:
    """Write the files below *source* to the compressed tar file *target*."""
    with tarfile.open(target, "w:gz", compresslevel=_LEVEL) as tar:
        tar.add(source, arcname=".")


def repack(source: Path, target: Path) -> None:
    """Write the files of the one folder in the tar file *source* as `pack` writes them.

    Raises BackupError for what is neither file nor folder.
    """
    try:
        with tarfile.open(source) as old, tarfile.open(target, "w:gz", compresslevel=_LEVEL) as new:
            for entry in old:
                path = PurePosixPath(*PurePosixPath(entry.name).parts[1:])
                if not _NOT_SAVED.isdisjoint(path.parts) or path.parts[:1] in _OURS:
                    continue
                if not (entry.isfile() or entry.isdir()):
                    raise BackupError(f"{entry.name!r:.80} is neither a file nor a folder")
                entry.name, entry.pax_headers = str(path), {}  # its name would be there, too
                new.addfile(entry, old.extractfile(entry) if entry.isfile() else None)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{source.name} cannot be read: {error}") from error


def refuse_strangers(source: Path) -> None:
    """Raise BackupError unless a compressed tar file has only files and folders, all below where it is unpacked."""
    try:
        with tarfile.open(source, "r:gz") as tar:
            for entry in tar:
                _refuse_stranger(entry)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupError(f"{source.name} cannot be unpacked: {error}") from error


def unpack(source: Path, target: Path) -> None:
    """Make the folder *target* from a compressed tar file; raises BackupError if it reaches outside of it."""
    target.mkdir(mode=0o700)
    try:
        with tarfile.open(source, "r:gz") as tar:
            for entry in tar:
                _place(tar, entry, target)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupError(f"{source.name} cannot be unpacked: {error}") from error


def _place(tar: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> None:
    _refuse_stranger(entry)
    place = target / entry.name
    if entry.isdir():
        place.mkdir(exist_ok=True)
    elif stream := tar.extractfile(entry):
        with place.open("xb") as file:
            shutil.copyfileobj(stream, file)


def _refuse_stranger(entry: tarfile.TarInfo) -> None:
    path = PurePosixPath(entry.name)
    if path.is_absolute() or ".." in path.parts or not (entry.isfile() or entry.isdir()):
        raise BackupError(f"{entry.name!r:.80} is not a file or folder inside the data folder")
