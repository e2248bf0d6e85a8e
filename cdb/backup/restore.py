"""Put an archive back into a running stack."""

import tempfile
from pathlib import Path
from typing import Final

from cdb.backup import archive, ledger
from cdb.backup.manifest import Manifest, refuse_newer_versions
from cdb.backup.save import DATA_OF, LEDGER, Say, member_of, prometheus_version, refuse_lack_of_room
from cdb.running.base import LedgerPrograms, RunningStack
from cdb.running.errors import BackupError, StackError
from services.ledger.connection import SCHEMA_VERSION
from services.topology import NAMES, STANDBYS, STREAMS

_READY_S: Final = 120.0


def restore(stack: RunningStack, source: Path, *, overwrite: bool, say: Say) -> Manifest:
    """Replace ledger, metrics and notifications by those in *source*, saying what is done; gives its manifest.

    The services are stopped meanwhile. What is on the bus goes with the old ledger; dead letters stay. Nothing is
    changed before the whole archive is found sound and fit. Raises BackupError, StackError, ServerAway or OSError.
    """
    with archive.opened(source) as found:
        manifest = found.manifest
        say(f"{source}: made at {manifest.made_at}, checksums match")
        programs = stack.ledger_programs()
        _refuse_unfit(stack, programs, manifest, overwrite=overwrite)
        # Its members, and what is unpacked from them.
        refuse_lack_of_room(stack.workplace, 2 * sum(member.bytes for member in manifest.members.values()))
        running = [part.name for part in stack.parts() if part.active]
        with tempfile.TemporaryDirectory(dir=stack.workplace, prefix=".restore-") as folder:
            say("services: stopping")
            with stack.stopped(*NAMES, *STANDBYS):
                with ledger.replaced(programs, found.extract(LEDGER, Path(folder))):
                    say(f"ledger: {sum(manifest.ledger_rows.values()):,} rows restored")
                    _migrate(stack, manifest.ledger_schema, say)
                    stack.remove_streams(*STREAMS)  # an order of which the ledger knows nothing must not be filled
                say("bus: deleted the messages of the old ledger; dead letters are kept")
                _restore_data(stack, found, Path(folder), say)
    say("services: starting")
    if unready := stack.wait_ready(running, _READY_S):
        why = unready.health.detail or unready.state
        raise BackupError(f"the data is restored, but {unready.name} is not ready: {why}; {stack.status_command}")
    return manifest


def _refuse_unfit(stack: RunningStack, programs: LedgerPrograms, manifest: Manifest, *, overwrite: bool) -> None:
    if LEDGER not in manifest.members:
        raise BackupError("the archive contains no ledger")
    running = prometheus_version(stack) if stack.part("prometheus") else manifest.prometheus
    refuse_newer_versions(manifest, postgres=ledger.server_major(programs), prometheus=running)
    if ledger.has_traded(programs) and not overwrite:
        raise BackupError(
            "the running ledger contains signals, orders or fills, which would be lost: save them with `cdb backup`, "
            "then add --yes"
        )


def _migrate(stack: RunningStack, schema: str, say: Say) -> None:
    """Bring a ledger of *schema* to that of the services."""
    if schema == SCHEMA_VERSION:
        return
    try:
        stack.migrate_ledger()
    except StackError as error:
        raise BackupError(
            f"the archive's ledger cannot be migrated from schema {schema} to {SCHEMA_VERSION}: {error}; "
            "the running ledger is unchanged"
        ) from error
    say(f"ledger: migrated from schema {schema} to {SCHEMA_VERSION}")


def _restore_data(stack: RunningStack, found: archive.Archive, folder: Path, say: Say) -> None:
    for part in DATA_OF:
        name = member_of(part)
        if name not in found.manifest.members:
            say(f"{part}: not in the archive")
        elif stack.part(part) is None:
            say(f"{part}: not running here, skipped")
        else:
            stack.replace_data(part, found.extract(name, folder))
            say(f"{part}: data restored")
