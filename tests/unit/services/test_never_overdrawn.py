"""Rules, venue and accounting together: cash pays for whatever is bought, and all of it can be sold again."""

from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.costs import MAX_FEE_BPS, MAX_SLIPPAGE_BPS
from services.execution import ledger_rows as execution_rows
from services.execution.accounting import Holding, book, cash_after
from services.execution.venue import VenueSettings, execute
from services.messages import MAX_QUANTITY, Order, Side, decode, encode
from services.risk.ledger_rows import order_of_signal
from services.risk.limits import Limits
from services.risk.portfolio import Book, Mark, Portfolio
from services.risk.rules import Approved, assess, sale_of
from services.topology import FILLS, ORDERS
from tests.support.building import NOW, a_position, a_signal, an_order, held_as, key, quick

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
ONE: Final = Decimal(1)
shares = st.decimals("0.001", 1, places=3)
basis_points = st.decimals(0, MAX_SLIPPAGE_BPS, places=1)
venues = st.builds(
    VenueSettings,
    base_bps=basis_points,
    size_bps=basis_points,
    depth=st.sampled_from([Decimal("1e-9"), Decimal(20_000), Decimal("1e15")]),
    fee_bps=st.decimals(0, MAX_FEE_BPS, places=1),
)
worst = st.just(VenueSettings(base_bps=MAX_SLIPPAGE_BPS, fee_bps=MAX_FEE_BPS))
careful = (
    st.tuples(shares, shares, shares)
    .map(sorted)
    .map(  # as they can work together
        lambda three: Limits(max_daily_drawdown=ONE, order_size=three[0], max_position=three[1], max_exposure=three[2])
    )
)
daring = st.builds(
    Limits,
    max_daily_drawdown=st.just(ONE),
    max_position=st.just(ONE),
    max_exposure=st.just(ONE),
    order_size=st.sampled_from([ONE, ONE / 2, ONE / 3]),
)
opening_cash = st.decimals("0.00000001", 10**12, places=8)
scales = st.fixed_dictionaries({symbol: st.integers(-18, 6) for symbol in SYMBOLS})
"""Powers of ten by which a symbol's price is not of the usual size."""
steps = st.tuples(
    st.sampled_from(["BUY", "BUY", "SELL"]),
    st.sampled_from(SYMBOLS),
    st.integers(50, 200).map(Decimal),
    st.decimals(0, 1, places=4),
    st.booleans(),
)


class Account:
    """The book, and orders that wait for the venue as long as a test says."""

    def __init__(self, venue: VenueSettings, limits: Limits, cash: Decimal) -> None:
        self.book = Book(cash=cash, reference_equity=cash)
        self.marks: dict[str, Mark] = {}
        self._venue = venue
        self._limits = limits
        self._waiting: list[Order] = []
        self._ids = count(1)

    def signal(self, side: Side, symbol: str, price: Decimal, volatility: Decimal) -> None:
        """Decide one signal at *price*; an approved order waits."""
        self.marks[symbol] = Mark(price, 1, NOW)
        portfolio = Portfolio(self.book, self.marks)
        signal = a_signal(side=side, symbol=symbol, price=price, volatility=volatility, trade_id=next(self._ids))
        verdict = assess(signal, portfolio, self._limits, now_ns=NOW)
        if isinstance(verdict, Approved):
            self._place(order_of_signal(signal, verdict, now_ns=NOW), portfolio)

    def execute(self) -> None:
        """Fill what waits, as cdb_execution does; raises CannotBook if it would refuse an order."""
        waiting, self._waiting = self._waiting, []
        for order in waiting:
            execution = execute(order, self._venue)
            held = self.book.positions.get(key(order.symbol))
            holding = Holding(held.quantity, held.cost) if held else Holding()
            booking = book(holding, order.side, order.quantity, notional=execution.notional, fee=execution.fee)
            cash = cash_after(self.book.cash, booking)
            fill = execution_rows.fill_message(order, execution, booking, now_ns=NOW)
            assert decode(FILLS, encode(fill)) == fill
            positions = {own: other for own, other in self.book.positions.items() if own != key(order.symbol)}
            if left := booking.holding.quantity:
                positions |= held_as(a_position(order.symbol, quantity=left, cost=booking.holding.cost))
            self.book = replace(self.book, cash=cash, positions=positions, in_flight=())

    def sell_all(self) -> None:
        """Sell every position, each order when the one before it is filled."""
        for symbol in self.book.symbols():
            while key(symbol) in self.book.positions:
                portfolio = Portfolio(self.book, self.marks)
                quantity = sale_of(portfolio, key(symbol), self.marks[symbol].price)
                assert quantity
                order = an_order(
                    order_id=f"sell:{next(self._ids)}",
                    symbol=symbol,
                    side="SELL",
                    quantity=quantity,
                    reference_price=self.marks[symbol].price,
                )
                self._place(order, portfolio)
                self.execute()

    def _place(self, order: Order, portfolio: Portfolio) -> None:
        assert decode(ORDERS, encode(order)) == order
        portfolio.place(order)
        self.book = portfolio.as_book()
        self._waiting.append(order)


@settings(quick, max_examples=100)
@example(
    VenueSettings(base_bps=MAX_SLIPPAGE_BPS, fee_bps=MAX_FEE_BPS),
    Limits(max_daily_drawdown=ONE, max_position=ONE, max_exposure=ONE, order_size=ONE / 2),
    Decimal(100_000),
    dict.fromkeys(SYMBOLS, 0),
    [("BUY", symbol, Decimal(100), ONE, False) for symbol in SYMBOLS],
)
@given(venues | worst, careful | daring, opening_cash, scales, st.lists(steps, max_size=25))
def test_cash_pays_for_every_order_and_every_position_can_be_sold(
    venue: VenueSettings,
    limits: Limits,
    cash: Decimal,
    scales: dict[str, int],
    steps: list[tuple[Side, str, Decimal, Decimal, bool]],
) -> None:
    """No order that risk approves is refused at the venue, and no message of it is one that nobody could read."""
    account = Account(venue, limits, cash)
    for side, symbol, price, volatility, fills in steps:
        account.signal(side, symbol, price.scaleb(scales[symbol]), volatility)
        if fills:
            account.execute()
        assert account.book.cash >= 0
        assert all(position.quantity <= MAX_QUANTITY for position in account.book.positions.values())
    account.execute()
    assert account.book.cash >= 0
    account.sell_all()
    assert account.book.positions == {}
    assert account.book.cash >= 0
