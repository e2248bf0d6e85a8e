"""The demo without servers: its market, rules, venue and accounting in one loop, in simulated time.

The market, the trade check, momentum_v1, the rules of risk, the paper venue and the accounting are the services' own,
with their defaults. There is no bus, no ledger and no clock: an order is filled on the trade that led to it.
"""

import copy
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from services.clock import NANOSECONDS, EventClock, utc_day
from services.core.signals import signal_from
from services.core.strategies.momentum_v1 import Momentum, MomentumSettings
from services.core.strategies.port import Opinion
from services.execution.accounting import Holding, book
from services.execution.venue import VenueSettings, execute
from services.messages import MarketData, Order, PositionKey, order_id_of_stop_loss
from services.risk import ledger_rows
from services.risk.limits import Limits
from services.risk.marks import Marks
from services.risk.portfolio import Book, Mark, Portfolio, Position
from services.risk.rules import Approved, Reason, assess, is_drawdown_at_limit, is_stop_loss_reached
from services.settings import DEFAULT_SYMBOLS
from services.ws.simulated_market import Market, MarketSettings
from services.ws.trades import RawTrade, TradeCheck

FIRST_S: Final = 60
MINUTE_NS: Final = 60 * NANOSECONDS
START_NS: Final = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * NANOSECONDS
OPENING_CASH: Final = Decimal(100_000)
HIGH_EXPOSURE: Final = 0.45


@dataclass
class Figures:
    """What has happened so far: shares of equity in percent, durations in seconds, money in the quote asset."""

    trades: int = 0
    refused: int = 0
    signals: Counter[str] = field(default_factory=Counter)
    approved: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    gains: int = 0
    losses: int = 0
    stop_losses: int = 0
    breaker_trips: int = 0
    fees: float = 0.0
    equity: float = float(OPENING_CASH)
    day_results_pct: list[float] = field(default_factory=list)
    worst_drawdown_pct: float = 0.0
    mean_exposure_pct: float = 0.0
    max_exposure_pct: float = 0.0
    high_exposure_time_pct: float = 0.0
    longest_high_exposure_s: int = 0
    max_position_pct: float = 0.0
    looks: int = 0
    high_since: int | None = None

    def look(self, second: int, portfolio: Portfolio) -> None:
        """Update the figures of exposure and equity, once per simulated *second*."""
        equity = float(portfolio.equity())
        exposure = float(portfolio.exposure()) / equity
        largest = max((float(portfolio.committed(symbol)) for symbol in portfolio.book.symbols()), default=0.0) / equity
        self.equity = equity
        self.worst_drawdown_pct = max(self.worst_drawdown_pct, 100 * float(portfolio.drawdown()))
        self.max_exposure_pct = max(self.max_exposure_pct, 100 * exposure)
        self.max_position_pct = max(self.max_position_pct, 100 * largest)
        high = exposure > HIGH_EXPOSURE
        self.high_since = (second if self.high_since is None else self.high_since) if high else None
        if self.high_since is not None:
            self.longest_high_exposure_s = max(self.longest_high_exposure_s, second - self.high_since + 1)
        self.looks += 1
        self.mean_exposure_pct += (100 * exposure - self.mean_exposure_pct) / self.looks
        self.high_exposure_time_pct += (100 * high - self.high_exposure_time_pct) / self.looks

    def as_dict(self) -> dict[str, Any]:
        """Plain values, rounded to two digits."""
        found = {name: value for name, value in vars(self).items() if name not in ("looks", "high_since")}
        return {name: round(value, 2) if isinstance(value, float) else value for name, value in found.items()}


class Demo:
    """The four services in one loop, with nothing between them."""

    def __init__(self) -> None:
        self.figures = Figures()
        self._limits = Limits()
        self._venue = VenueSettings()
        self._check = TradeCheck(DEFAULT_SYMBOLS, EventClock())
        self._memories = {symbol: Momentum(MomentumSettings()) for symbol in DEFAULT_SYMBOLS}
        self._marks = Marks({}, self._limits)
        self._book = Book(cash=OPENING_CASH)
        self._order_times: deque[int] = deque()

    def take_in(self, raw: RawTrade) -> None:
        """Handle one trade: stop loss, breaker, signal, decision and fill."""
        self.figures.trades += 1
        if self._check.objection(raw):
            self.figures.refused += 1
            return
        trade = message_of(raw)
        if self._marks.is_new_day(trade.ts_event):
            self._open_day(trade.ts_event)
        if self._marks.apply(trade):
            self._guard(trade)
        opinion = self._memories[trade.symbol].update(trade)
        if opinion is not None:
            self._decide(trade, opinion)

    def look(self, second: int) -> None:
        """Update the figures of exposure and equity."""
        self.figures.look(second, self._portfolio())

    def _portfolio(self) -> Portfolio:
        return Portfolio(self._book, self._marks.newest, orders_last_minute=len(self._order_times))

    def end_day(self) -> None:
        """Add the day's result to the figures."""
        if reference := self._book.reference_equity:
            result = self._portfolio().equity() / reference - 1
            self.figures.day_results_pct.append(round(float(100 * result), 2))

    def _open_day(self, now_ns: int) -> None:
        self.end_day()
        equity = self._portfolio().equity()
        self._watch(replace(self._book, reference_equity=equity, reference_day=utc_day(now_ns), breaker_active=False))

    def _guard(self, trade: MarketData) -> None:
        position = self._book.positions.get(_key(trade.symbol))
        if position is not None and is_stop_loss_reached(position, trade.price, self._limits):
            self.figures.stop_losses += 1
            mark = Mark(trade.price, trade.trade_id, trade.ts_event)
            volatility = self._marks.volatility(trade.symbol)
            self._fill(
                ledger_rows.closing_order(
                    order_id_of_stop_loss(position.position_id, mark.trade_id),
                    "stop_loss",
                    position,
                    position.quantity,
                    mark,
                    volatility=volatility,
                    now_ns=trade.ts_event,
                )
            )
        if not self._book.breaker_active and is_drawdown_at_limit(self._portfolio(), self._limits):
            self._trip(trade.ts_event)

    def _trip(self, now_ns: int) -> None:
        self.figures.breaker_trips += 1
        self._watch(replace(self._book, breaker_active=True))

    def _decide(self, trade: MarketData, opinion: Opinion) -> None:
        signal = signal_from(trade, opinion, Momentum.name, stream_id=f"{trade.trade_id}-0", now_ns=trade.ts_event)
        self.figures.signals[signal.side] += 1
        while self._order_times and self._order_times[0] <= trade.ts_event - MINUTE_NS:
            self._order_times.popleft()
        verdict = assess(signal, self._portfolio(), self._limits, now_ns=trade.ts_event)
        if isinstance(verdict, Approved):
            self.figures.approved[signal.side] += 1
            self._fill(ledger_rows.order_of_signal(signal, verdict, now_ns=signal.ts_event))
            return
        self.figures.rejected[verdict.reason.value] += 1
        if verdict.reason is Reason.DRAWDOWN_LIMIT:
            self._trip(trade.ts_event)

    def _fill(self, order: Order) -> None:
        self._order_times.append(order.ts_event)
        execution = execute(order, self._venue)
        held = self._book.positions.get(_key(order.symbol))
        holding = Holding(held.quantity, held.cost) if held else Holding()
        booking = book(holding, order.side, order.quantity, notional=execution.notional, fee=execution.fee)
        self.figures.fees += float(execution.fee)
        if booking.realised_pnl is not None:
            self.figures.gains += booking.realised_pnl > 0
            self.figures.losses += booking.realised_pnl <= 0
        positions = {key: other for key, other in self._book.positions.items() if key.symbol != order.symbol}
        if left := booking.holding.quantity:
            position_id = held.position_id if held else order.order_id
            position = Position(order.symbol, Momentum.name, position_id, left, booking.holding.cost)
            positions[position.key] = position
        cash = self._book.cash + booking.cash_change
        self._watch(replace(self._book, cash=cash, positions=positions))

    def _watch(self, changed: Book) -> None:
        self._book = changed
        self._marks.watch(changed)


def run(*, seconds: float, seed: int, each_hour: Callable[[int], None] = lambda _hour: None) -> tuple[Figures, Figures]:
    """Trade for simulated *seconds*; returns the figures of the first minute and of the whole time."""
    demo = Demo()
    first, second = demo.figures, 0
    for now_s, trade in _trades(Market(DEFAULT_SYMBOLS, MarketSettings(), seed=seed), until_s=seconds):
        while second < now_s:
            demo.look(second)
            second += 1
            if second == FIRST_S:
                first = copy.deepcopy(demo.figures)
            if not second % 3600:
                each_hour(second // 3600)
        demo.take_in(trade)
    demo.end_day()
    return first, demo.figures


def _trades(market: Market, *, until_s: float) -> Iterator[tuple[float, RawTrade]]:
    trade_id = 0
    while True:
        trade_id += 1
        trade = market.next_trade(trade_id=trade_id, start_ns=START_NS)
        if market.now_s >= until_s:
            return
        yield market.now_s, trade


def message_of(raw: RawTrade) -> MarketData:
    """Message that ws would publish for an accepted trade."""
    return MarketData(
        ts_event=raw.ts_event,
        ts_init=raw.ts_event,
        symbol=raw.symbol,
        trade_id=raw.trade_id,
        side=raw.side,
        price=raw.price,
        quantity=raw.quantity,
        source="simulated",
        feed=1,
        sequence=raw.trade_id,
    )


def _key(symbol: str) -> PositionKey:
    return PositionKey(symbol, Momentum.name)
