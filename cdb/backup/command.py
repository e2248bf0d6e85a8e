"""`cdb backup` and `cdb restore`."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cdb.backup.manifest import Manifest
from cdb.backup.restore import restore as restore_archive
from cdb.backup.save import save, target_file
from cdb.kit.failures import exit_codes
from cdb.kit.options import JsonOption
from cdb.kit.output import print_json
from cdb.running.base import RunningStack
from cdb.running.stack import running_stack


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command()(backup)
    app.command()(restore)


def backup(
    target: Annotated[
        Path, typer.Argument(help="Archive to write, or a folder: the archive in it is named after the time.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Save the ledger, Prometheus' data and the notifications of the running stack in one archive.

    Trading goes on, and the ledger is saved as it is at one moment. Prometheus and the alert receiver stop for
    moments, one after the other. Not saved: .env with its secrets (keep a copy in a safe place), the bus, Jaeger's
    traces, Alertmanager's silences, Grafana's own database (its dashboards are files of the project).
    With CDB_STACK=compose it saves the stack in containers; the archive is the same.

    Exit code: 0 saved, 1 refused or failed (there is no archive then), 3 no stack runs.

    Example: cdb backup /var/backups
    """
    now = datetime.now(UTC)
    with _held() as stack:
        file = target_file(target, now)
        manifest = save(stack, file, now=now, say=_say)
    _report(manifest, file, as_json=as_json, done="saved in")
    _say(".env is not in the archive: keep a copy of it in a safe place")


def restore(
    archive: Annotated[Path, typer.Argument(help="Archive that `cdb backup` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace the ledger even if it has traded.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Replace ledger, metrics and notifications of the running stack by those in an archive.

    It first checks the whole archive, and changes nothing if it is damaged or its version does not fit. Services stop
    meanwhile; then trading goes on from the restored ledger.
    With CDB_STACK=compose it restores the stack in containers, whichever kind of stack was saved.

    Exit code: 0 restored, 1 refused or failed, 3 no stack runs.

    Example: cdb restore cdb-20261123T120000Z.cdb-backup.tar --yes
    """
    with _held() as stack:
        manifest = restore_archive(stack, archive, overwrite=yes, say=_say)
    _report(manifest, archive, as_json=as_json, done="restored from")
    _say("check it: cdb audit, cdb doctor --wait 60s")


@contextmanager
def _held() -> Iterator[RunningStack]:
    """Find the running stack, and keep other commands from changing it meanwhile."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has its way
            signal.signal(number, signal.default_int_handler)  # as Ctrl-C: what was stopped is started again
    with exit_codes(), closing(running_stack()) as stack, stack.held():
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
