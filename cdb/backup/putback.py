"""Put an archive back into a running stack."""

import tempfile
from pathlib import Path
from typing import Final

from cdb.backup import archive, ledger
from cdb.backup.archive import Archive
from cdb.backup.errors import BackupError
from cdb.backup.manifest import Manifest, refuse_other_versions
from cdb.backup.premises import TRADERS, TREES, Premises
from cdb.backup.save import LEDGER, Say, prometheus_version, tree_member
from services.topology import FILLS, MARKET_DATA, ORDERS, SIGNALS

_STREAMS: Final = (MARKET_DATA, SIGNALS, ORDERS, FILLS)


def restore(premises: Premises, source: Path, *, overwrite: bool, say: Say) -> Manifest:
    """Replace ledger, metrics and notifications by those in *source*, saying what is done; return what is in it.

    The services are stopped meanwhile. What is on the bus goes with the old ledger; dead letters stay. Nothing is
    changed before the whole archive is found sound and fit. Raise BackupError, StackError, ServerAway or OSError.
    """
    with archive.opened(source) as found:
        manifest = found.manifest
        say(f"{source}: of {manifest.made_at}, sound")
        programs = premises.programs()
        _refuse(premises, programs, manifest, overwrite=overwrite)
        with tempfile.TemporaryDirectory(dir=premises.workplace, prefix=".restore-") as folder:
            say("services: stopping them")
            with premises.stopped(*TRADERS):
                ledger.restore(programs, found.extract(LEDGER, Path(folder)))
                say(f"ledger: {sum(manifest.ledger_rows.values()):,} rows are back")
                premises.remove_streams(*_STREAMS)  # an order of which the ledger knows nothing must not be filled
                say("bus: emptied of what the old ledger led to; dead letters stay")
                _restore_trees(premises, found, Path(folder), say)
    say("services: starting them")
    if failure := premises.wait_ready():
        raise BackupError(f"it is restored, but {failure.part} is not ready: {failure.reason}; {premises.status}")
    return manifest


def _refuse(premises: Premises, programs: ledger.Programs, manifest: Manifest, *, overwrite: bool) -> None:
    if LEDGER not in manifest.members:
        raise BackupError("the archive holds no ledger")
    running = prometheus_version(premises) if "prometheus" in premises.parts else manifest.prometheus
    refuse_other_versions(manifest, postgres=ledger.server_major(programs.ask), prometheus=running)
    if ledger.has_traded(programs.ask) and not overwrite:
        raise BackupError(
            "the running ledger has signals, orders or fills, and they would be lost: save them with cdb backup, "
            "then give --yes"
        )


def _restore_trees(premises: Premises, found: Archive, folder: Path, say: Say) -> None:
    for part in TREES:
        name = tree_member(part)
        if name not in found.manifest.members:
            say(f"{part}: nothing of it was saved")
        elif part not in premises.parts:
            say(f"{part}: does not run here, left out")
        else:
            premises.replace_tree(part, found.extract(name, folder))
            say(f"{part}: its data are back")
