"""The archive: one tar file, its manifest first, every other member with its size and digest in it."""

import io
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Final

from cdb.backup.manifest import Manifest, Member, decode, encode
from cdb.running.errors import BackupError

MANIFEST: Final = "manifest.json"
_MOST_MANIFEST_BYTES: Final = 1_000_000
_CHUNK: Final = 1 << 20


def described(file: Path) -> Member:
    """Measure size and digest of *file*."""
    with file.open("rb") as stream:
        return Member(bytes=file.stat().st_size, sha256=file_digest(stream, "sha256").hexdigest())


@contextmanager
def claimed(target: Path) -> Iterator[None]:
    """Make an empty file *target*; if the block fails, remove it again.

    No file is ever replaced, whatever file system it is on. Raises BackupError.
    """
    try:
        target.open("xb").close()
    except FileExistsError as error:
        raise BackupError(f"{target} already exists; choose another name, or a directory") from error
    except OSError as error:
        if not target.parent.exists():
            raise BackupError(f"the directory {target.parent} does not exist") from error
        raise BackupError(f"{target} cannot be written: {error.strerror}") from error
    try:
        yield
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def write(target: Path, manifest: Manifest, files: Mapping[str, Path], *, partial: Path) -> None:
    """Write an archive, readable by its owner only; until it is whole it is called *partial*.

    Raises BackupError if the file exists.
    """
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            _add_bytes(tar, MANIFEST, encode(manifest))
            for name, file in files.items():
                tar.add(file, arcname=name, filter=_anonymous)
        stream.flush()
        os.fsync(stream.fileno())
    with claimed(target):
        partial.replace(target)


class Archive:
    """An archive, open for reading, that was found whole."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar = tar
        self.manifest = manifest

    def extract(self, name: str, into: Path) -> Path:
        """Write the member *name* into the folder *into*; gives the file."""
        target = into / name
        try:
            with target.open("xb") as file:
                shutil.copyfileobj(_stream(self._tar, name), file, _CHUNK)
        except OSError as error:
            raise BackupError(f"{target} cannot be written: {error.strerror}") from error
        return target


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open *path*, and check every member against the manifest. Raises BackupError unless it is a whole archive."""
    with ExitStack() as cleanup:
        try:
            tar = cleanup.enter_context(tarfile.open(path, "r:"))
            manifest = decode(_manifest(tar))
            _refuse_damage(tar, manifest)
        except (tarfile.TarError, EOFError) as error:
            raise BackupError(f"{path} is not a complete archive of cdb backup: {error}") from error
        except BackupError as error:
            raise BackupError(f"{path}: {error}") from error
        yield Archive(tar, manifest)


def _manifest(tar: tarfile.TarFile) -> bytes:
    first = tar.next()
    if first is None or first.name != MANIFEST or first.size > _MOST_MANIFEST_BYTES:
        raise BackupError(f"not an archive of cdb backup: it does not begin with {MANIFEST}")
    return _stream(tar, MANIFEST).read()


def _refuse_damage(tar: tarfile.TarFile, manifest: Manifest) -> None:
    there = {*tar.getnames()} - {MANIFEST}
    if there != manifest.members.keys():
        raise BackupError(
            f"the archive is damaged: it contains {', '.join(sorted(there))}, not {', '.join(sorted(manifest.members))}"
        )
    for name, member in manifest.members.items():
        if file_digest(_stream(tar, name), "sha256").hexdigest() != member.sha256:
            raise BackupError(f"the archive is damaged: {name} differs from what was saved (wrong sha256)")


def _stream(tar: tarfile.TarFile, name: str) -> io.BufferedReader:
    try:
        found = tar.extractfile(name)
    except KeyError:
        found = None
    if not isinstance(found, io.BufferedReader):
        raise BackupError(f"the archive is damaged: {name} in it is not a file")
    return found


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    tar.addfile(entry, io.BytesIO(data))


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
