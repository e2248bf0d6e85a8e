"""What happens on a price without any signal: a new day opens, a stop loss closes a position, the breaker trips."""

import structlog

from services.clock import utc_day
from services.messages import MarketData
from services.risk import records, report, trace
from services.risk.desk import Desk
from services.risk.portfolio import Book, Mark
from services.risk.rules import is_drawdown_at_limit, is_stop_loss_reached
from telemetry import tracing

log = structlog.get_logger()


class Guard:
    """Acts on prices. What is due stays due until it is done, also when the ledger is away in between."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._due: list[tuple[str, Mark]] = []

    def apply(self, trade: MarketData) -> None:
        """Take in one price and do what it sets off."""
        self._desk.clock.advance(trade.ts_event)
        self.turn_day()
        if self._desk.marks.apply(trade):
            self._due.append((trade.symbol, Mark(trade.price, trade.trade_id, trade.ts_event)))
            self.act()

    def turn_day(self) -> None:
        """Open the UTC day if it has begun: its first equity is what today's drawdown is measured against."""
        now_ns = self._desk.clock.now_ns()
        if not now_ns or not self._desk.marks.is_new_day(now_ns):
            return
        book = self._desk.reload()
        if book.reference_day is None or book.reference_day < utc_day(now_ns):
            equity = self._desk.portfolio(book).equity()
            self._desk.store.open_day(equity, now_ns=now_ns, reset_breaker=book.breaker_active)
            log.info("day opened", day=str(utc_day(now_ns)), equity=str(equity), breaker_reset=book.breaker_active)
            self._desk.reload()

    def act(self) -> None:
        """Do what prices have made due, on the ledger's newest state."""
        while self._due:
            symbol, mark = self._due[0]
            book = self._desk.reload()
            if self._stop_loss(symbol, mark, book):
                book = self._desk.reload()
            self._check_drawdown(book)
            self._due.pop(0)

    def look_around(self) -> None:
        """Check every position and the drawdown at the prices as they stand, whatever set them."""
        book = self._desk.reload()
        if not self._desk.clock.now_ns():
            return
        for symbol in book.positions:
            if (mark := self._desk.marks.newest.get(symbol)) is not None and self._stop_loss(symbol, mark, book):
                book = self._desk.reload()
        self._check_drawdown(book)

    def _stop_loss(self, symbol: str, mark: Mark, book: Book) -> bool:
        position = book.positions.get(symbol)
        if position is None or not is_stop_loss_reached(position, mark.price, self._desk.limits):
            return False
        quantity = self._desk.portfolio(book).sellable(symbol)
        if not quantity:
            return False
        with tracing.tracer().start_as_current_span("risk.stop_loss", context=tracing.root()) as span:
            order = records.order_of_stop_loss(
                position,
                quantity,
                mark,
                volatility=self._desk.marks.volatility(symbol),
                now_ns=self._desk.clock.now_ns(),
            )
            trace.describe_stop_loss(span, order)
            row = records.order_row(order, trade_id=mark.trade_id, signal_id=None, position_id=position.position_id)
            if not self._desk.store.write_stop_loss(row):
                return False
            self._desk.placed(order, span.get_span_context())
            report.stop_loss(order)
        return True

    def _check_drawdown(self, book: Book) -> None:
        portfolio = self._desk.portfolio(book)
        if book.breaker_active or book.reference_equity is None or not portfolio.is_marked():
            return
        if is_drawdown_at_limit(portfolio, self._desk.limits):
            self._desk.store.trip_breaker(
                "mark",
                equity=portfolio.equity(),
                reference=portfolio.reference_equity(),
                now_ns=self._desk.clock.now_ns(),
            )
            log.warning("breaker tripped", cause="mark", drawdown=f"{portfolio.drawdown():.4f}")
            self._desk.reload()
