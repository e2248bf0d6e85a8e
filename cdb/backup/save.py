"""Make an archive of a running stack."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

import httpx

from cdb.backup import archive, ledger
from cdb.backup.manifest import FORMAT, Manifest
from cdb.kit.errors import CommandError, in_words
from cdb.running.base import LedgerPrograms, RunningStack
from cdb.running.errors import BackupError
from cdb.running.native import PartStatus
from services.ledger.connection import SCHEMA_VERSION

LEDGER: Final = "ledger.dump"
DATA_OF: Final = ("prometheus", "cdb_console")
"""Parts whose data directories are saved."""
_SUFFIX: Final = ".cdb-backup.tar"
_READY_AGAIN_S: Final = 60.0
_DUMPED: Final = 4
"""How many times smaller a table is in a compressed dump, about."""

Say = Callable[[str], None]


def member_of(part: str) -> str:
    """Name of a part's data in the archive."""
    return f"{part}.tar.gz"


def target_file(target: Path, now: datetime) -> Path:
    """Archive path: *target* itself, or a time-stamped file in it if it is a folder."""
    return target / f"cdb-{now:%Y%m%dT%H%M%SZ}{_SUFFIX}" if os.path.isdir(target) else target


def save(stack: RunningStack, target: Path, *, now: datetime, say: Say) -> Manifest:
    """Write the archive *target*, saying what is done.

    The ledger is that of one moment, and nobody waits for it. Prometheus and the console are stopped for moments, one
    after the other; Alertmanager sends again what the console missed. Raises BackupError, StackError or ServerAway;
    then there is no archive.
    """
    mark = f".cdb-backup-{sha256(bytes(stack.state_dir)).hexdigest()[:12]}-"
    with archive.claimed(target):  # what is wrong with the place is said before the work
        target.unlink()
    for left in target.parent.glob(f"{mark}*"):  # only one backup of a stack runs at a time, so that one was killed
        shutil.rmtree(left, ignore_errors=True)
    programs = stack.ledger_programs()
    parts = {name: part for name in DATA_OF if (part := stack.part(name))}
    _refuse_full_disk(stack, programs, parts, target.parent)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=mark) as folder:
            return _save(stack, programs, parts, Path(folder), target, now=now, say=say)
    except (OSError, BackupError) as error:
        why = in_words(error) if isinstance(error, OSError) else error
        raise BackupError(f"{target} was not written: {why}") from error


def _save(
    stack: RunningStack,
    programs: LedgerPrograms,
    parts: Mapping[str, PartStatus],
    folder: Path,
    target: Path,
    *,
    now: datetime,
    say: Say,
) -> Manifest:
    prometheus = prometheus_version(stack) if "prometheus" in parts else ""
    series = _series(stack) if "prometheus" in parts else 0
    notifications = (
        _number(stack, "cdb_console", "/api/notifications?limit=1", "total") if "cdb_console" in parts else 0
    )
    files = {LEDGER: folder / LEDGER}
    say("ledger: saving")
    ledger.dump(programs, files[LEDGER])
    rows = ledger.count_rows(programs, files[LEDGER])
    say(f"ledger: {sum(rows.values()):,} rows, {_size(files[LEDGER])}; verified")
    for name, part in parts.items():
        file = files[member_of(name)] = folder / member_of(name)
        say(f"{name}: stopping it briefly to copy its data")
        stack.save_data(name, file)
        if part.active:
            stack.wait_ready([part.name], _READY_AGAIN_S)
        say(f"{name}: {_size(file)}")
    manifest = Manifest(
        format=FORMAT,
        made_at=now.isoformat(timespec="seconds"),
        project=version("claire-de-binare"),
        ledger_schema=SCHEMA_VERSION,
        postgres=ledger.server_major(programs),
        ledger_rows=rows,
        members={name: archive.described(file) for name, file in files.items()},
        prometheus=prometheus,
        series=series,
        notifications=notifications,
    )
    archive.write(target, manifest, files, partial=folder / "archive")
    return manifest


def _refuse_full_disk(stack: RunningStack, programs: LedgerPrograms, parts: Iterable[str], folder: Path) -> None:
    data = sum(stack.stored_bytes(part) for part in parts)
    dump = ledger.stored_bytes(programs) // _DUMPED
    refuse_lack_of_room(folder, 2 * (data + dump))  # in files of their own, and then in the archive


def refuse_lack_of_room(folder: Path, needed: int) -> None:
    """Raise BackupError unless about *needed* bytes are free where *folder* is."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BackupError(
            f"{folder} has {free / 1e6:,.1f} MB free, and about {needed / 1e6:,.1f} MB are needed: make room first"
        )


def prometheus_version(stack: RunningStack) -> str:
    """Version of the Prometheus that runs; raises BackupError if it does not answer."""
    try:
        return stack.prometheus.version()
    except CommandError as error:
        raise BackupError(f"{error}: {stack.status_command}") from error


def _series(stack: RunningStack) -> int:
    return _number(stack, "prometheus", "/api/v1/status/tsdb", "data", "headStats", "numSeries")


def _number(stack: RunningStack, port: str, path: str, *keys: str) -> int:
    try:
        found = stack.http.get(stack.url(port, path)).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise BackupError(
            f"{stack.url(port)} gave an unexpected answer ({error}): run {stack.status_command}"
        ) from error
    for key in keys:
        found = found[key]
    return int(found)


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
