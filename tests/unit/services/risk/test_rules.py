"""The rules of risk, each at its boundary: equity is 100,000 and the price 100, so an order is for 85 (8,500)."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.costs import most_paid
from services.messages import MAX_NOTIONAL, MAX_QUANTITY, Signal
from services.risk.portfolio import Mark, Portfolio
from services.risk.rules import (
    Approved,
    Reason,
    Rejected,
    Verdict,
    assess,
    is_stop_loss_reached,
    sale_of,
    size_of,
    stop_price,
)
from tests.support.building import (
    LIMITS,
    NOW,
    SECOND,
    a_mark,
    a_portfolio,
    a_position,
    a_signal,
    an_order,
    held_as,
    in_flight,
    key,
    quick,
    selective,
)

ORDER = Decimal(85)


def decide(portfolio: Portfolio, signal: Signal | None = None, **limits: Any) -> Verdict:
    return assess(signal or a_signal(), portfolio, LIMITS.model_copy(update=limits), now_ns=NOW)


def rejected(layer: int | None, reason: Reason) -> Rejected:
    return Rejected("BTCUSDT:momentum_v1:1", layer, reason)


def test_signal_that_no_layer_objects_to_becomes_an_order_of_the_set_share_of_equity() -> None:
    assert decide(a_portfolio()) == Approved("BTCUSDT:momentum_v1:1", ORDER, Decimal(100))


# Layer 1


@pytest.mark.parametrize("age_ns", [3 * SECOND, -3 * SECOND])
def test_signal_as_old_as_allowed_is_approved(age_ns: int) -> None:
    assert isinstance(decide(a_portfolio(), a_signal(ts_event=NOW - age_ns)), Approved)


@pytest.mark.parametrize("age_ns", [3 * SECOND + 1000, -3 * SECOND - 1000])
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_signal_too_far_from_now_is_stale_whichever_way_it_points(age_ns: int, side: str) -> None:
    portfolio = a_portfolio(held={"BTCUSDT": (10, 1000)})
    verdict = decide(portfolio, a_signal(ts_event=NOW - age_ns, side=side))
    assert verdict == rejected(1, Reason.STALE_MARKET_DATA)


def test_price_as_old_as_allowed_is_good_enough_and_an_older_one_is_stale() -> None:
    portfolio = a_portfolio()
    portfolio.marks = {"BTCUSDT": a_mark(100, ts_event=NOW - 5 * SECOND)}
    assert isinstance(decide(portfolio), Approved)
    portfolio.marks = {"BTCUSDT": a_mark(100, ts_event=NOW - 5 * SECOND - 1000)}
    assert decide(portfolio) == rejected(1, Reason.STALE_MARKET_DATA)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_symbol_without_a_price_is_not_traded(side: str) -> None:
    portfolio = a_portfolio(held={"BTCUSDT": (10, 1000)})
    portfolio.marks = {}
    assert decide(portfolio, a_signal(side=side)) == rejected(1, Reason.STALE_MARKET_DATA)


def test_nothing_is_bought_while_a_position_has_no_price() -> None:
    portfolio = a_portfolio(held={"ETHUSDT": (10, 1000)})
    portfolio.marks = {"BTCUSDT": a_mark(100)}
    assert decide(portfolio) == rejected(1, Reason.STALE_MARKET_DATA)


def test_position_is_sold_although_another_one_has_no_price() -> None:
    portfolio = a_portfolio(held={"ETHUSDT": (10, 1000), "BTCUSDT": (7, 700)})
    portfolio.marks = {"BTCUSDT": a_mark(100)}
    assert decide(portfolio, a_signal(side="SELL")) == Approved("BTCUSDT:momentum_v1:1", Decimal(7), Decimal(100))


@pytest.mark.parametrize("price", ["NaN", "sNaN", "Infinity", "-Infinity", "0", "-1"])
@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_no_exposure_is_added_on_a_price_that_is_none(symbol: str, side: str, price: str) -> None:
    portfolio = a_portfolio(held={"BTCUSDT": (7, 700), "ETHUSDT": (10, 1000)}, prices={symbol: price})
    verdict = decide(portfolio, a_signal(side=side))
    if (symbol, side) == ("ETHUSDT", "SELL"):
        assert verdict == Approved("BTCUSDT:momentum_v1:1", Decimal(7), Decimal(100))
    else:
        assert verdict == rejected(1, Reason.STALE_MARKET_DATA)


# Layers 2 and 3


def test_breaker_stops_every_purchase() -> None:
    assert decide(a_portfolio(breaker_active=True)) == rejected(2, Reason.CIRCUIT_BREAKER_ACTIVE)


@pytest.mark.parametrize(
    ("cash", "verdict"),
    [("95000.01", Approved), ("95000.00", Rejected), ("94999.99", Rejected)],
    ids=["one cent under", "at the limit", "one cent over"],
)
def test_loss_of_the_day_that_reaches_the_limit_stops_purchases(cash: str, verdict: type[Verdict]) -> None:
    found = decide(a_portfolio(cash=cash))
    assert isinstance(found, verdict)
    if isinstance(found, Rejected):
        assert found == rejected(3, Reason.DRAWDOWN_LIMIT)


def test_loss_counts_open_positions_at_their_price() -> None:
    portfolio = a_portfolio(cash=90_000, held={"ETHUSDT": (100, 10_000)}, prices={"ETHUSDT": "50.00"})
    assert decide(portfolio) == rejected(3, Reason.DRAWDOWN_LIMIT)
    portfolio.marks = {"BTCUSDT": a_mark(100), "ETHUSDT": a_mark("50.01")}
    assert isinstance(decide(portfolio), Approved)


@pytest.mark.parametrize("reference", [0, -1])
def test_day_that_opened_with_nothing_to_lose_stops_purchases(reference: int) -> None:
    assert decide(a_portfolio(reference_equity=Decimal(reference))) == rejected(3, Reason.DRAWDOWN_LIMIT)


# Layer 4


@pytest.mark.parametrize(
    ("cost_of_others", "verdict"),
    [("41499.99", Approved), ("41500.00", Approved), ("41500.01", Rejected)],
    ids=["one cent under", "at the limit", "one cent over"],
)
def test_purchase_that_would_exceed_the_exposure_limit_is_rejected(cost_of_others: str, verdict: type[Verdict]) -> None:
    cash = Decimal(100_000) - Decimal(cost_of_others)
    portfolio = a_portfolio(cash=str(cash), held={"ETHUSDT": (1, cost_of_others)}, prices={"ETHUSDT": cost_of_others})
    found = decide(portfolio)
    assert isinstance(found, verdict)
    if isinstance(found, Rejected):
        assert found == rejected(4, Reason.EXPOSURE_LIMIT)


def test_purchases_in_flight_are_exposure() -> None:
    at_the_limit = a_portfolio(in_flight=(in_flight("ETHUSDT", "BUY", quantity="415"),))
    assert isinstance(decide(at_the_limit), Approved)
    over = a_portfolio(in_flight=(in_flight("ETHUSDT", "BUY", quantity="415.0001"),))
    assert decide(over) == rejected(4, Reason.EXPOSURE_LIMIT)


def test_sales_in_flight_free_no_exposure_before_they_are_done() -> None:
    portfolio = a_portfolio(
        cash=50_000,
        held={"ETHUSDT": (500, 50_000)},
        in_flight=(in_flight("ETHUSDT", "SELL", quantity=500),),
    )
    assert decide(portfolio) == rejected(4, Reason.EXPOSURE_LIMIT)


@pytest.mark.parametrize("cash", [0, -1])
def test_account_without_equity_buys_nothing(cash: int) -> None:
    assert isinstance(decide(a_portfolio(cash=cash), max_daily_drawdown=Decimal(3)), Rejected)


def test_order_is_for_no_more_than_cash_pays_at_the_worst_venue() -> None:
    everything: dict[str, Any] = {"order_size": Decimal(1), "max_position": Decimal(1), "max_exposure": Decimal(1)}
    found = decide(a_portfolio(), **everything)
    assert isinstance(found, Approved)
    assert found.quantity == Decimal("907.02946938")
    assert most_paid(found.quantity * 100) <= 100_000 < most_paid((found.quantity + Decimal("0.00000001")) * 100)


def test_cash_that_pays_for_less_than_half_of_an_order_buys_nothing() -> None:
    """Else an account would buy ever less of what is left."""
    state: dict[str, Any] = {"held": {"ETHUSDT": (1, 1)}, "prices": {"ETHUSDT": "90000"}, "reference_equity": 1}
    limits: dict[str, Any] = {"order_size": Decimal("0.1"), "max_position": Decimal(1), "max_exposure": Decimal(1)}
    half = most_paid(Decimal(90_000 + 5_000) / 20)  # half an order of a tenth of equity, about
    found = decide(a_portfolio(cash=str(half * Decimal("1.1")), **state), **limits)
    assert isinstance(found, Approved)
    found = decide(a_portfolio(cash=str(half * Decimal("0.9")), **state), **limits)
    assert found == rejected(4, Reason.EXPOSURE_LIMIT)


def test_cash_that_purchases_in_flight_may_cost_is_spent_already() -> None:
    wide: dict[str, Any] = {"max_position": Decimal(1), "max_exposure": Decimal(1)}
    in_flight_orders = (in_flight("ETHUSDT", "BUY", quantity=860),)
    assert a_portfolio(in_flight=in_flight_orders).spendable() == 100_000 - most_paid(Decimal(86_000))
    found = decide(a_portfolio(in_flight=in_flight_orders), **wide)
    assert isinstance(found, Approved)
    assert 0 < most_paid(found.quantity * 100) <= 100_000 - most_paid(Decimal(86_000))
    sold = a_portfolio(cash=1_000, held={"ETHUSDT": (990, 1)}, in_flight=(in_flight("ETHUSDT", "SELL", quantity=990),))
    assert sold.spendable() == 1_000


# Layer 5


@pytest.mark.parametrize(
    ("held", "verdict"),
    [("1499.99", Approved), ("1500.00", Approved), ("1500.01", Rejected)],
    ids=["one cent under", "at the limit", "one cent over"],
)
def test_purchase_that_would_exceed_the_position_limit_is_rejected(held: str, verdict: type[Verdict]) -> None:
    quantity = str(Decimal(held) / 100)
    found = decide(a_portfolio(cash=str(100_000 - Decimal(held)), held={"BTCUSDT": (quantity, held)}))
    assert isinstance(found, verdict)
    if isinstance(found, Rejected):
        assert found == rejected(5, Reason.POSITION_SIZE_EXCEEDED)


def test_position_of_another_strategy_in_the_symbol_counts() -> None:
    of_another = held_as(a_position("BTCUSDT", quantity=20, cost=2_000, strategy="other_v1"))
    assert decide(a_portfolio(positions=of_another)) == rejected(5, Reason.POSITION_SIZE_EXCEEDED)


def test_purchase_in_flight_counts_towards_its_symbols_position() -> None:
    portfolio = a_portfolio(in_flight=(in_flight("BTCUSDT", "BUY", quantity=85),))
    assert decide(portfolio) == rejected(5, Reason.POSITION_SIZE_EXCEEDED)


def test_position_of_another_symbol_does_not_count() -> None:
    assert isinstance(decide(a_portfolio(cash=91_500, held={"ETHUSDT": (85, 8_500)})), Approved)


def test_order_in_flight_counts_at_the_worse_of_its_own_price_and_todays() -> None:
    dear_then = a_portfolio(in_flight=(in_flight("BTCUSDT", "BUY", quantity="14.9", price=101),))
    dear_now = a_portfolio(in_flight=(in_flight("BTCUSDT", "BUY", quantity="15.1", price=99),))
    assert decide(dear_then) == rejected(5, Reason.POSITION_SIZE_EXCEEDED)
    assert decide(dear_now) == rejected(5, Reason.POSITION_SIZE_EXCEEDED)


@pytest.mark.parametrize("price", ["1e-12", "1e13"])
def test_price_at_which_no_order_can_be_sized_is_rejected(price: str) -> None:
    found = decide(a_portfolio(prices={"BTCUSDT": price}))
    assert found == rejected(5, Reason.POSITION_SIZE_EXCEEDED)


def test_no_position_grows_beyond_what_one_order_can_sell() -> None:
    cheap: dict[str, Any] = {"prices": {"BTCUSDT": "1e-11"}}
    wide: dict[str, Any] = {"max_position": Decimal(1), "max_daily_drawdown": Decimal(1)}
    assert isinstance(decide(a_portfolio(**cheap), **wide), Approved)
    for bought in (
        {"held": {"BTCUSDT": ("8e14", 8500)}},
        {"in_flight": (in_flight("BTCUSDT", "BUY", quantity="8e14", price="1e-11"),)},
    ):
        assert decide(a_portfolio(**cheap, **bought), **wide) == rejected(5, Reason.POSITION_SIZE_EXCEEDED)
    at_most = MAX_QUANTITY - size_of(Decimal(8500), Decimal("1e-11"))
    exactly = a_portfolio(cash=91_500, held={"BTCUSDT": (str(at_most), 1)}, prices={"BTCUSDT": "1e-11"})
    assert isinstance(decide(exactly, order_size=Decimal("0.08"), **wide), Approved)


# Layer 6


def test_order_beyond_the_rate_of_a_minute_is_rejected() -> None:
    assert isinstance(decide(a_portfolio(orders_last_minute=119)), Approved)
    assert decide(a_portfolio(orders_last_minute=120)) == rejected(6, Reason.ORDER_RATE_EXCEEDED)


def test_order_that_was_just_approved_counts_in_flight_and_in_the_rate() -> None:
    portfolio = a_portfolio(orders_last_minute=119)
    portfolio.place(an_order(symbol="ETHUSDT", quantity=Decimal(1)))
    assert decide(portfolio) == rejected(6, Reason.ORDER_RATE_EXCEEDED)
    assert portfolio.exposure() == 100


# The order of the layers

ALL_WRONG: dict[str, Any] = {
    "cash": 40_000,
    "held": {"BTCUSDT": (500, 50_000)},
    "breaker_active": True,
    "orders_last_minute": 500,
}
CURED: list[tuple[dict[str, Any], Reason]] = [
    ({"breaker_active": False}, Reason.DRAWDOWN_LIMIT),
    ({"breaker_active": False, "reference_equity": Decimal(90_000)}, Reason.EXPOSURE_LIMIT),
    (
        {"breaker_active": False, "reference_equity": Decimal(90_000), "cash": 70_000, "held": {"BTCUSDT": (200, 1)}},
        Reason.POSITION_SIZE_EXCEEDED,
    ),
    (
        {"breaker_active": False, "reference_equity": Decimal(90_000), "cash": 90_000, "held": {}},
        Reason.ORDER_RATE_EXCEEDED,
    ),
]


def test_first_layer_that_objects_names_the_reason() -> None:
    portfolio = a_portfolio(**ALL_WRONG)
    assert decide(portfolio, a_signal(ts_event=1)) == rejected(1, Reason.STALE_MARKET_DATA)
    assert decide(portfolio) == rejected(2, Reason.CIRCUIT_BREAKER_ACTIVE)


@pytest.mark.parametrize(("cure", "reason"), CURED, ids=[reason for _, reason in CURED])
def test_next_layer_is_heard_once_those_before_it_have_no_objection(cure: dict[str, Any], reason: Reason) -> None:
    found = decide(a_portfolio(**ALL_WRONG | cure))
    assert isinstance(found, Rejected)
    assert found.reason is reason


# Selling


@pytest.mark.parametrize(
    "state",
    [
        {"breaker_active": True},
        {"cash": 0},
        {"cash": -50_000},
        {"cash": 0, "held": {"BTCUSDT": (1000, 100_000)}},
        {"orders_last_minute": 10_000},
        ALL_WRONG,
    ],
    ids=["breaker", "drawdown", "in debt", "exposure and position over", "rate", "all"],
)
def test_reducing_a_position_is_always_allowed(state: dict[str, Any]) -> None:
    held = {"held": {"BTCUSDT": ("7.5", 750)}}
    portfolio = a_portfolio(**held | state)
    everything = portfolio.book.positions[key("BTCUSDT")].quantity
    assert decide(portfolio, a_signal(side="SELL")) == Approved("BTCUSDT:momentum_v1:1", everything, Decimal(100))


def test_sale_without_a_position_is_rejected_but_violates_no_limit() -> None:
    assert decide(a_portfolio(), a_signal(side="SELL")) == rejected(None, Reason.NO_POSITION)


def test_strategy_sells_only_what_it_has_bought_itself() -> None:
    own, other = (
        a_position("BTCUSDT", quantity=q, cost=1, strategy=s) for q, s in ((3, "momentum_v1"), (5, "other_v1"))
    )
    both = a_portfolio(positions=held_as(own, other))
    assert decide(both, a_signal(side="SELL")) == Approved("BTCUSDT:momentum_v1:1", Decimal(3), Decimal(100))
    theirs = a_portfolio(positions=held_as(other))
    assert decide(theirs, a_signal(side="SELL")) == rejected(None, Reason.NO_POSITION)


def test_sale_of_another_strategy_takes_nothing_away() -> None:
    selling = in_flight("BTCUSDT", "SELL", quantity=3, strategy="other_v1")
    portfolio = a_portfolio(held={"BTCUSDT": (3, 300)}, in_flight=(selling,))
    assert decide(portfolio, a_signal(side="SELL")) == Approved("BTCUSDT:momentum_v1:1", Decimal(3), Decimal(100))


def test_what_is_being_sold_already_is_not_sold_again() -> None:
    partly = a_portfolio(held={"BTCUSDT": (10, 1000)}, in_flight=(in_flight("BTCUSDT", "SELL", quantity=4),))
    assert decide(partly, a_signal(side="SELL")) == Approved("BTCUSDT:momentum_v1:1", Decimal(6), Decimal(100))
    wholly = a_portfolio(held={"BTCUSDT": (10, 1000)}, in_flight=(in_flight("BTCUSDT", "SELL", quantity=10),))
    assert decide(wholly, a_signal(side="SELL")) == rejected(None, Reason.NO_POSITION)


def test_purchase_in_flight_is_nothing_to_sell_yet() -> None:
    portfolio = a_portfolio(in_flight=(in_flight("BTCUSDT", "BUY", quantity=10),))
    assert decide(portfolio, a_signal(side="SELL")) == rejected(None, Reason.NO_POSITION)


# Sizes, stop loss, and all of it together


def test_size_is_rounded_down_to_what_can_be_traded() -> None:
    assert size_of(Decimal(17_000), Decimal(3)) == Decimal("5666.66666666")


def test_size_is_never_more_than_an_order_can_hold() -> None:
    assert size_of(Decimal("0.85"), Decimal("0.85e-15")) == MAX_QUANTITY
    assert size_of(Decimal("0.85"), Decimal("0.84e-15")) == 0
    assert size_of(MAX_NOTIONAL, Decimal(1000)) == Decimal("1e12")
    assert size_of(MAX_NOTIONAL * 2, Decimal(1000)) == 0


def test_nothing_is_bought_for_less_than_the_smallest_amount_of_money() -> None:
    assert size_of(Decimal("0.00000001"), Decimal("0.00000001")) == 1
    assert size_of(Decimal("0.000000009"), Decimal("0.00000001")) == 0


@pytest.mark.parametrize(
    ("held", "price", "first"),
    [
        ("2e15", "1e-11", MAX_QUANTITY),  # more than an order can hold
        ("1e15", "1000", Decimal("1e12")),  # for more money than an order can be worth
        ("0.123456789", "100", Decimal("0.123456789")),  # finer than what can be bought
    ],
)
def test_any_position_can_be_sold_if_need_be_in_several_orders(held: str, price: str, first: Decimal) -> None:
    portfolio = a_portfolio(held={"BTCUSDT": (held, 1)}, prices={"BTCUSDT": price})
    assert sale_of(portfolio, key("BTCUSDT"), Decimal(price)) == first


def test_stop_loss_is_reached_at_its_price_and_below() -> None:
    position = a_position("BTCUSDT", quantity=10, cost="1000")
    assert stop_price(position, LIMITS) == Decimal(98)
    assert not is_stop_loss_reached(position, Decimal("98.01"), LIMITS)
    assert is_stop_loss_reached(position, Decimal("98.00"), LIMITS)
    assert is_stop_loss_reached(position, Decimal("97.99"), LIMITS)


def test_stop_loss_is_measured_from_what_the_position_has_cost_with_fees() -> None:
    assert stop_price(a_position("BTCUSDT", quantity=10, cost="1010"), LIMITS) == Decimal("98.98")


money = st.decimals(0, 200_000, places=2)
symbols = st.sampled_from(["BTCUSDT", "ETHUSDT", "SOLUSDT"])


@st.composite
def portfolios(draw: st.DrawFn, *, calm: bool = False) -> Portfolio:
    """Any portfolio; a calm one meets neither the breaker nor a loss of the day nor the order rate."""
    held = {symbol: (draw(st.integers(1, 2000)), draw(st.integers(1, 200_000))) for symbol in draw(st.sets(symbols))}
    flights = draw(st.lists(st.tuples(symbols, st.sampled_from(["BUY", "SELL"]), st.integers(1, 900)), max_size=4))
    return a_portfolio(
        cash=str(draw(money)),
        held=held,
        prices={symbol: str(draw(st.decimals("0.01", 500, places=2))) for symbol in (*held, "BTCUSDT")},
        in_flight=tuple(in_flight(symbol, side, quantity=quantity) for symbol, side, quantity in flights),
        reference_equity=Decimal(1) if calm else draw(st.none() | money),
        breaker_active=not calm and draw(st.booleans()),
        orders_last_minute=0 if calm else draw(st.integers(0, 200)),
    )


@selective
@given(portfolios() | portfolios(calm=True))
def test_no_approved_purchase_leads_beyond_a_limit(portfolio: Portfolio) -> None:
    verdict = decide(portfolio)
    assume(isinstance(verdict, Approved))
    assert isinstance(verdict, Approved)
    notional = verdict.quantity * verdict.price
    equity = portfolio.equity()
    assert notional > 0
    assert not portfolio.breaker_active
    assert portfolio.drawdown() < LIMITS.max_daily_drawdown
    assert portfolio.exposure() + notional <= LIMITS.max_exposure * equity
    assert portfolio.committed("BTCUSDT") + notional <= LIMITS.max_position * equity
    assert most_paid(notional) <= portfolio.spendable()


@quick
@given(portfolios())
def test_sale_is_of_what_is_held_and_not_on_sale_whatever_the_limits_say(portfolio: Portfolio) -> None:
    verdict = decide(portfolio, a_signal(side="SELL"))
    free = portfolio.sellable(key("BTCUSDT"))
    assert verdict == (
        Approved("BTCUSDT:momentum_v1:1", free, portfolio.marks["BTCUSDT"].price)
        if free
        else rejected(None, Reason.NO_POSITION)
    )


@quick
@given(portfolios(), st.sampled_from(["NaN", "sNaN", "Infinity"]))
def test_portfolio_with_a_worthless_price_never_buys(portfolio: Portfolio, price: str) -> None:
    portfolio.marks = {symbol: Mark(Decimal(price), 1, NOW) for symbol in portfolio.marks}
    assert decide(portfolio) == rejected(1, Reason.STALE_MARKET_DATA)
