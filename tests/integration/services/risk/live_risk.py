"""cdb_risk on a wall clock that the test sets, and what it has written into the ledger."""

from collections.abc import Callable
from decimal import Decimal

from cdb.audit.reader import read_and_audit
from services.bus.entries import Outgoing
from services.clock import MOST_AHEAD_NS, Clock
from services.messages import Order
from services.risk.decider import Decider
from services.risk.handlers import RiskHandler
from services.risk.limits import Limits
from services.risk.state import RiskState
from tests.support.servers import Database
from tests.support.trading import SYMBOLS, TradingDay


class SetClock:
    """A wall clock that shows the time of the test's day; events do not move it."""

    def __init__(self, day: TradingDay) -> None:
        self._day = day

    def now_ns(self) -> int:
        """What the test has set."""
        return self._day.now_ns

    def advance(self, ts_event: int) -> None:
        """Ignore the event's time."""

    def is_ahead(self, ts_event: int, *, seen_ns: int | None = None) -> bool:
        """Whether an event's time is later than now by more than clocks may differ."""
        return ts_event > (self._day.now_ns if seen_ns is None else seen_ns) + MOST_AHEAD_NS


def start(day: TradingDay, clock: Clock, *, while_deciding: Callable[[], None] = lambda: None) -> None:
    """Have a new process of cdb_risk take over, which knows nothing but the ledger."""

    def no_delay() -> float:
        while_deciding()
        return 0.0

    state = RiskState(day.store, day.limits, clock)
    decider = Decider(state, ledger_delay_s=no_delay)
    day.risk = RiskHandler(state, decider, symbols=frozenset(SYMBOLS))


def live(database: Database, limits: Limits | None = None) -> TradingDay:
    """Start a trading day on the clock that the test sets."""
    day = TradingDay(database, limits or Limits())
    start(day, SetClock(day))
    return day


def breaker(database: Database) -> list[tuple[bool, str]]:
    """All changes of the breaker with their causes."""
    rows = database.query("SELECT active, cause FROM breaker ORDER BY breaker_seq")
    return [(active, cause) for active, cause in rows]


def days(database: Database) -> list[tuple[str, Decimal]]:
    """The days that were opened, with their first equity."""
    rows = database.query("SELECT day::text, equity FROM equity WHERE cause = 'day_open' ORDER BY equity_seq")
    return [(day, equity) for day, equity in rows]


def last_verdict(database: Database) -> tuple[str, str | None]:
    """The newest decision and the reason of a rejection."""
    ((verdict, reason),) = database.query(
        "SELECT verdict, reason FROM decisions ORDER BY decision_seq DESC LIMIT 1"
    )  # fmt: skip
    return verdict, reason


def held(database: Database) -> dict[str, Decimal]:
    """The quantity held by symbol."""
    return dict(database.query("SELECT symbol, quantity FROM positions WHERE quantity > 0"))


def stop_losses(waiting: list[Outgoing]) -> list[Order]:
    """Those of the orders that are stop losses."""
    orders = [item.message for item in waiting if isinstance(item.message, Order)]
    return [order for order in orders if order.cause == "stop_loss"]


def holds(database: Database) -> bool:
    """Whether the audit finds nothing; if it does, the failure says what."""
    report = read_and_audit(database.ledger("audit"))
    assert report.holds, [(rule.label, report.tallies[rule].shown) for rule in report.broken]
    return True
