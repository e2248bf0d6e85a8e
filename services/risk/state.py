"""What the parts of cdb_risk share: the ledger, the newest prices, the book as last read, and orders to be sent."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from opentelemetry.trace import SpanContext

from services.clock import MINUTE_NS, Clock
from services.messages import Order
from services.risk import report
from services.risk.limits import Limits
from services.risk.marks import Marks
from services.risk.portfolio import Book, Mark, Portfolio
from services.risk.rules import age_s, is_price_unknown
from services.risk.store import Reading, RiskStore
from services.runtime.timeline import Timeline


class RiskState:
    """State that is rebuilt from the ledger after a restart, or whenever it is in doubt."""

    def __init__(self, store: RiskStore, limits: Limits, clock: Clock) -> None:
        self.store = store
        self.limits = limits
        self.clock = clock
        self.marks = Marks({}, limits)
        self.book: Book | None = None
        self._outbox: list[tuple[Order, SpanContext]] = []
        self._order_times: deque[int] = deque()
        self._restored = False
        self.breaker_was_reset = False
        self.before_change: Callable[[], None] = lambda: None
        """Called before a price changes what decisions are made from: it writes those that were made from it."""
        self._known: Reading | None = None
        self._last_price = time.monotonic()

    def restore(self) -> None:
        """Read what a new process cannot know: the newest prices and the last minute's orders."""
        if not self._restored:
            self.store.adopt()
            self.marks = Marks(self._credible(self.store.load_marks()), self.limits)
            self.clock.advance(max((mark.ts_event for mark in self.marks.newest.values()), default=0))
            self._order_times = deque(self.store.order_times_ns(since_ns=max(0, self.clock.now_ns() - MINUTE_NS)))
            self._restored = True
        if self.book is None:
            self.reload()

    def reload(self) -> Book:
        """Read the book from the ledger and watch prices for it from now on."""
        return self.read().book

    def read(self, order_ids: Iterable[str] = ()) -> Reading:
        """Do that, and tell which of *order_ids* the ledger knows."""
        timeline = Timeline()
        reading = self._known = self.store.load((), order_ids)
        self.watch(reading.book)
        report.book_read(timeline)
        return reading

    def known(self) -> Reading | None:
        """The ledger as it was last read or written, if nobody should have changed it since; None if it must be read.

        While an order is in flight the venue may change it at any time.
        """
        known = self._known
        if known is None or known.book.in_flight or known.session != self.store.session:
            return None
        return known

    def read_for(self, signal_ids: Iterable[str], *, delay_s: float) -> Reading:
        """Read the ledger, and which of *signal_ids* are decided."""
        self._known = self.store.load(signal_ids, delay_s=delay_s)
        return self._known

    def wrote(self, reading: Reading) -> None:
        """Take notice that decisions have made the ledger *reading*."""
        self._known = reading

    def forget(self) -> None:
        """Read the ledger before the next decision: it is not what it was taken for."""
        self._known = None

    def watch(self, book: Book) -> None:
        """Take *book* as the newest state."""
        if book is self.book:
            return
        if self.book is not None and self.book.breaker_active and not book.breaker_active:
            report.breaker_reset()
            self.breaker_was_reset = True
        self.book = book
        self.marks.watch(book)

    def _credible(self, marks: dict[str, Mark]) -> dict[str, Mark]:
        """Leave out prices that claim to be from the future: they would make every true one old news."""
        return {symbol: mark for symbol, mark in marks.items() if not self.clock.is_ahead(mark.ts_event)}

    def portfolio(self, book: Book) -> Portfolio:
        """*book* at the newest prices."""
        return Portfolio(book, self.marks.newest, orders_last_minute=self.orders_last_minute())

    def newest_marks(self) -> dict[str, Mark]:
        """A copy of the newest prices; other threads may ask."""
        return self.marks.newest.copy()

    def expect_price(self, symbol: str) -> None:
        """Get ready for a new price: one from the future is no longer the newest, for the clock was set back."""
        self._last_price = time.monotonic()
        mark = self.marks.newest.get(symbol)
        if mark is not None and self.clock.is_ahead(mark.ts_event):
            self.marks.forget_time(symbol)

    def price_age_s(self) -> float:
        """How old the newest price is, in seconds, and no less than how long ago the last one arrived.

        So it grows while nothing arrives, whatever the clock says. Before the first price: how long this process waits.
        """
        waited_s = time.monotonic() - self._last_price
        now_ns = self.clock.now_ns()
        return max(waited_s, min((age_s(mark.ts_event, now_ns) for mark in self.newest_marks().values()), default=0.0))

    def is_held_price_stale(self, symbol: str) -> bool:
        """Whether *symbol* is held and nobody knows for what it could be sold."""
        if self.book is None or symbol not in self.book.symbols():
            return False
        return is_price_unknown(self.marks.newest.get(symbol), self.limits, now_ns=self.clock.now_ns())

    def orders_last_minute(self) -> int:
        """How many orders were placed in the last 60 s; times from before the clock was set back do not count."""
        oldest = self.clock.now_ns() - MINUTE_NS
        times = self._order_times
        while times and (times[0] <= oldest or self.clock.is_ahead(times[0])):
            times.popleft()
        return len(times)

    def placed(self, order: Order, cause: SpanContext) -> None:
        """Have *order*, which the ledger has, sent to the venue; *cause* is the span that placed it."""
        self._outbox.append((order, cause))
        self._order_times.append(order.ts_event)

    @property
    def has_outgoing(self) -> bool:
        """Whether an order waits to be sent."""
        return bool(self._outbox)

    def take_outbox(self) -> list[tuple[Order, SpanContext]]:
        """The orders to be sent with the spans that placed them, once."""
        taken, self._outbox = self._outbox, []
        return taken
