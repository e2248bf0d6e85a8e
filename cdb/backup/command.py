"""`cdb backup` and `cdb restore`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cdb.backup.manifest import Manifest
from cdb.backup.restore import restore as restore_archive
from cdb.backup.save import save, target_file
from cdb.kit.errors import REFUSED
from cdb.kit.failures import exit_codes
from cdb.kit.help import BACKUP
from cdb.kit.options import JsonOption
from cdb.kit.output import print_json
from cdb.running.base import RunningStack
from cdb.running.stack import running_stack


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command(rich_help_panel=BACKUP)(backup)
    app.command(rich_help_panel=BACKUP)(restore)


def backup(
    target: Annotated[
        Path, typer.Argument(help="Archive file to create, or a directory. In a directory, the name contains the time.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Save the running stack's ledger, Prometheus data and notifications to one archive.

    Trading continues; the ledger is saved as one consistent snapshot. Prometheus and the console each stop
    briefly. Not saved: .env with its secrets (keep a copy in a safe place), the bus, Jaeger's traces, Alertmanager's
    silences, Grafana's database (the dashboards are files in this repository).
    With CDB_STACK=compose it saves the Docker stack; the archive format is the same.

    Exit code: 0 saved, 1 failed (no archive is written), 3 the stack is not running.

    Example: cdb backup /var/backups
    """
    now = datetime.now(UTC)
    with _held() as stack:
        file = target_file(target, now)
        manifest = save(stack, file, now=now, say=_say)
    _report(manifest, file, as_json=as_json, done="saved to")
    _say("The archive does not include .env: keep a copy of .env in a safe place.")


def restore(
    archive: Annotated[Path, typer.Argument(help="Archive written by `cdb backup`.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Overwrite a ledger that already contains trades.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Replace the running stack's ledger, metrics and notifications with those in an archive.

    The archive is checked first; nothing changes if it is damaged or incompatible. The services stop during the
    restore, then trading continues from the restored ledger. A ledger of an older version is migrated.
    With CDB_STACK=compose it restores the Docker stack, from an archive of either stack.

    Exit code: 0 restored, 1 failed, 3 the stack is not running.

    Example: cdb restore cdb-20261123T120000Z.cdb-backup.tar --yes
    """
    with _held() as stack:
        manifest = restore_archive(stack, archive, overwrite=yes, say=_say)
    _report(manifest, archive, as_json=as_json, done="restored from")
    _say("Check the result: cdb audit, cdb doctor --wait 60s")


@contextmanager
def _held() -> Iterator[RunningStack]:
    """Find the running stack, and keep other commands from changing it meanwhile."""
    with exit_codes():
        stack = running_stack().require_running()
    with exit_codes(REFUSED), closing(stack), stack.held():
        yield stack


def _report(manifest: Manifest, file: Path, *, as_json: bool, done: str) -> None:
    if as_json:
        print_json({"file": str(file), "manifest": manifest})
        return
    rows = ", ".join(f"{table} {count:,}" for table, count in manifest.ledger_rows.items())
    typer.echo(f"{done} {file}\nledger: {rows}")
    typer.echo(f"Prometheus: {manifest.series:,} series in memory; notifications: {manifest.notifications:,}")


def _say(line: str) -> None:
    typer.echo(line, err=True)
