"""Open the ledger whose account is looked at: the running stack's, or a saved one."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from cdb.account.opened import Opened
from cdb.replay.saved import operators_replays
from cdb.running.settings import read_settings
from cdb.running.stack import running_stack
from services.clock import to_datetime
from services.ledger.connection import Ledger, LedgerAddress
from services.ledger.snapshot import Snapshot, snapshot
from services.risk.limits import Limits
from services.settings import without_empty


@contextmanager
def opened(replay: str | None) -> Iterator[Opened]:
    """Read the stack's ledger, or the saved one called *replay*, in one snapshot. Raises ServerAway, StackError."""
    if replay is not None:
        with operators_replays().opened(replay) as address, _snapshot(address) as rows:
            ((taken_at, newest),) = rows.execute("SELECT now(), (SELECT max(ts_event) FROM marks)")
            yield Opened(f"replay {replay}", rows, to_datetime(newest) if newest else taken_at, None)
        return
    stack = running_stack()
    address = LedgerAddress.of(stack.ledger_settings())
    limits = read_settings(Limits, without_empty(stack.settings))
    with _snapshot(address) as rows:
        yield Opened(address.database, rows, rows.execute("SELECT now()")[0][0], limits)


@contextmanager
def _snapshot(address: LedgerAddress) -> Iterator[Snapshot]:
    with closing(Ledger(address, application="cdb-account")) as ledger, snapshot(ledger) as rows:
        yield rows
