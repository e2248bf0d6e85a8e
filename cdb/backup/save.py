"""Make an archive of a running stack."""

import tempfile
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import httpx

from cdb.backup import archive, ledger
from cdb.backup.errors import BackupError
from cdb.backup.manifest import FORMAT, Manifest
from cdb.backup.premises import TREES, Premises
from cdb.kit.errors import Away
from cdb.kit.prometheus import Prometheus, QueryRefused
from cdb.running.native.ports import HOST
from services.ledger.connection import SCHEMA_VERSION

LEDGER: Final = "ledger.dump"
_SUFFIX: Final = ".cdb-backup.tar"
_TIMEOUT_S: Final = 5.0

Say = Callable[[str], None]


def tree_member(part: str) -> str:
    """Return the name in the archive of a part's data."""
    return f"{part}.tar.gz"


def target_file(target: Path, now: datetime) -> Path:
    """Return the file for *target*: itself, or in the folder that it is one called after the time."""
    return target / f"cdb-{now:%Y%m%dT%H%M%SZ}{_SUFFIX}" if target.is_dir() else target


def save(premises: Premises, target: Path, *, now: datetime, say: Say) -> Manifest:
    """Write the archive *target*, saying what is done; return what is in it.

    The ledger is that of one moment, and nobody waits for it. Prometheus and the receiver are stopped for moments, one
    after the other; Alertmanager sends again what the receiver missed. Raise BackupError, StackError, ServerAway or
    OSError, and then there is no archive.
    """
    if target.exists():
        raise BackupError(f"{target} exists; choose another name, or a folder")
    programs = premises.programs()
    facts = _facts(premises)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".cdb-backup-") as folder:
        files = {LEDGER: Path(folder, LEDGER)}
        say("ledger: saving it as it is now")
        ledger.dump(programs, files[LEDGER])
        rows = ledger.count_rows(programs, files[LEDGER])
        say(f"ledger: {sum(rows.values()):,} rows, {_size(files[LEDGER])}; read back once")
        for part in (name for name in TREES if name in premises.parts):
            files[tree_member(part)] = Path(folder, tree_member(part))
            say(f"{part}: stopping it for moments to copy its data")
            premises.save_tree(part, files[tree_member(part)])
            say(f"{part}: {_size(files[tree_member(part)])}")
        manifest = Manifest(
            format=FORMAT,
            made_at=now.isoformat(timespec="seconds"),
            project=version("claire-de-binare"),
            ledger_schema=SCHEMA_VERSION,
            postgres=ledger.server_major(programs.ask),
            ledger_rows=rows,
            members={name: archive.described(file) for name, file in files.items()},
            prometheus=facts[0],
            series=facts[1],
            notifications=facts[2],
        )
        archive.write(target, manifest, files)
    return manifest


def prometheus_version(premises: Premises) -> str:
    """Return the version of the Prometheus that runs; raise BackupError if it does not answer."""
    with Prometheus(f"http://{HOST}:{premises.ports.prometheus}") as server:
        try:
            return server.version()
        except (Away, QueryRefused) as error:
            raise BackupError(f"{error}: {premises.status}") from error


def _facts(premises: Premises) -> tuple[str, int, int]:
    """Return the version of Prometheus, how many series it has in memory, and how many notifications are kept."""
    series = notifications = 0
    running = ""
    if "prometheus" in premises.parts:
        running = prometheus_version(premises)
        series = _number(premises, "prometheus", "/api/v1/status/tsdb", "data", "headStats", "numSeries")
    if "alert_receiver" in premises.parts:
        notifications = _number(premises, "alert_receiver", "/api/notifications?limit=1", "total")
    return running, series, notifications


def _number(premises: Premises, name: str, path: str, *keys: str) -> int:
    port = premises.ports.of(name)
    try:
        answer = httpx.get(f"http://{HOST}:{port}{path}", timeout=_TIMEOUT_S, trust_env=False)
        found = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise BackupError(f"port {port} does not answer as it should ({error}): {premises.status}") from error
    for key in keys:
        found = found[key]
    return int(found)


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
