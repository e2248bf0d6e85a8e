"""What happens on a price without any signal: a new day opens, a stop loss closes a position, the breaker trips."""

from datetime import date

import structlog

from services.clock import DAY_NS, MINUTE_NS, utc_day
from services.messages import MarketData, order_id_of_stop_loss
from services.risk import ledger_rows, report, trace
from services.risk.portfolio import Book, Mark, Position
from services.risk.rules import is_drawdown_at_limit, is_stop_loss_reached, sale_of
from services.risk.state import RiskState
from telemetry import tracing

log = structlog.get_logger()


class Guard:
    """Acts on prices. What is due stays due until it is done, also when the ledger is away in between."""

    def __init__(self, state: RiskState) -> None:
        self._state = state
        self._due: list[tuple[str, Mark]] = []
        self._opened: date | None = None
        self._marked_ns: int | None = None

    def apply(self, trade: MarketData) -> None:
        """Take in one price and do what it sets off."""
        self._state.clock.advance(trade.ts_event)
        self.turn_time()
        self._state.expect_price(trade.symbol)
        if self._state.marks.apply(trade):
            self._due.append((trade.symbol, Mark(trade.price, trade.trade_id, trade.ts_event)))
            self.do_what_is_due()

    def turn_time(self) -> None:
        """Do what is due because a minute or a UTC day has begun, before anything of it counts."""
        now_ns = self._state.clock.now_ns()
        if not now_ns:
            return
        if self._marked_ns is None or not 0 <= now_ns - self._marked_ns < MINUTE_NS or self._state.breaker_was_reset:
            self._mark_equity(now_ns)
        if self._state.marks.is_new_day(now_ns):
            self._turn_day(now_ns)

    def _mark_equity(self, now_ns: int) -> None:
        """Note what the account was worth when this minute began, or this UTC day; and what it is after a reset."""
        minute_ns, day_ns = now_ns - now_ns % MINUTE_NS, now_ns - now_ns % DAY_NS
        self._state.before_change()
        portfolio = self._state.portfolio(self._state.reload())
        last_ns = self._state.store.last_equity_mark_ns() if self._marked_ns is None else self._marked_ns
        at_ns = day_ns if last_ns is not None and last_ns < day_ns else minute_ns
        self._state.store.mark_equity(portfolio, at_ns=now_ns if self._state.breaker_was_reset else at_ns)
        self._marked_ns, self._state.breaker_was_reset = minute_ns, False

    def _turn_day(self, now_ns: int) -> None:
        """Open the UTC day: its first equity is what today's drawdown is measured against.

        A day opens once. If the clock was set back to one that has been open already, everything stays as it is.
        """
        today = utc_day(now_ns)
        if today == self._opened and self._state.book is not None and self._state.book.reference_day is not None:
            return
        book = self._state.reload()
        equity = self._state.portfolio(book).equity()
        self._state.before_change()
        if self._state.store.open_day(equity, now_ns=now_ns, reset_breaker=book.breaker_active):
            log.info("day opened", day=str(today), equity=str(equity), breaker_reset=book.breaker_active)
            self._state.reload()
        self._opened = today

    def do_what_is_due(self) -> None:
        """Do what prices have made due, on the ledger's newest state."""
        while self._due:
            symbol, mark = self._due[0]
            book = self._state.reload()
            placed = [self._stop_loss(position, mark, book) for position in book.of_symbol(symbol)]
            if any(placed):
                book = self._state.reload()
            self._check_drawdown(book)
            self._due.pop(0)

    def check(self, book: Book) -> bool:
        """Check every position of *book* and the drawdown at the prices as they stand, whatever set them.

        True if a stop loss was placed or the breaker tripped, so *book* is no longer the newest.
        """
        if not self._state.clock.now_ns():
            return False
        placed = False
        for position in book.positions.values():
            mark = self._state.marks.newest.get(position.symbol)
            if mark is not None and self._stop_loss(position, mark, book):
                book, placed = self._state.reload(), True
        return self._check_drawdown(book) or placed

    def _stop_loss(self, position: Position, mark: Mark, book: Book) -> bool:
        if not is_stop_loss_reached(position, mark.price, self._state.limits):
            return False
        quantity = sale_of(self._state.portfolio(book), position.key, mark.price)
        if not quantity:
            return False
        with tracing.tracer().start_as_current_span("risk.stop_loss", context=tracing.root()) as span:
            order = ledger_rows.closing_order(
                order_id_of_stop_loss(position.position_id, mark.trade_id),
                "stop_loss",
                position,
                quantity,
                mark,
                volatility=self._state.marks.volatility(position.symbol),
                now_ns=self._state.clock.now_ns(),
            )
            trace.describe_stop_loss(span, order)
            row = ledger_rows.order_row(order, trade_id=mark.trade_id, position_id=position.position_id)
            self._state.before_change()
            if not self._state.store.write_stop_loss(row):
                return False
            self._state.placed(order, span.get_span_context())
            report.stop_loss(order)
        return True

    def _check_drawdown(self, book: Book) -> bool:
        portfolio = self._state.portfolio(book)
        if book.breaker_active or book.reference_equity is None or not portfolio.is_marked():
            return False
        if not is_drawdown_at_limit(portfolio, self._state.limits):
            return False
        self._state.before_change()
        self._state.store.trip_breaker(
            "mark",
            equity=portfolio.equity(),
            reference=portfolio.reference_equity(),
            now_ns=self._state.clock.now_ns(),
        )
        log.warning("breaker tripped", cause="mark", drawdown=f"{portfolio.drawdown():.4f}")
        self._state.reload()
        return True
