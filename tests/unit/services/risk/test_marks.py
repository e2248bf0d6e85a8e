"""Newest prices, and what they set off; the rules themselves are the measure."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.risk.marks import Marks
from services.risk.portfolio import Book, Portfolio
from services.risk.rules import is_drawdown_at_limit, is_stop_loss_reached
from tests.support.building import LIMITS, NOW, SECOND, a_mark, a_position, a_trade, held_as, in_flight, key, quick

DAY_NS = 86_400 * SECOND
HELD = Book(
    cash=Decimal(99_000),
    positions=held_as(a_position("BTCUSDT", quantity=10, cost=1_000)),
    reference_equity=Decimal(100_000),
)


def watching(book: Book, *, price: int = 100) -> Marks:
    marks = Marks({"BTCUSDT": a_mark(price)}, LIMITS)
    marks.watch(book)
    return marks


@pytest.mark.parametrize(("ts_event", "trade_id"), [(NOW, 1), (NOW, 0), (NOW - 1, 2)])
def test_old_news_changes_no_price_and_sets_nothing_off(ts_event: int, trade_id: int) -> None:
    marks = watching(HELD)
    assert not marks.apply(a_trade(price=Decimal(1), ts_event=ts_event, trade_id=trade_id))
    assert marks.newest["BTCUSDT"].price == 100
    assert not marks.unsaved


def test_price_that_reaches_the_stop_loss_sets_it_off() -> None:
    assert not watching(HELD).apply(a_trade(price=Decimal("98.01"), trade_id=2))
    assert watching(HELD).apply(a_trade(price=Decimal("98.00"), trade_id=2))


def test_position_that_is_being_sold_has_no_stop_loss() -> None:
    selling = replace(HELD, in_flight=(in_flight("BTCUSDT", "SELL", quantity=10),))
    assert not watching(selling).apply(a_trade(price=Decimal(90), trade_id=2))


def test_price_that_brings_the_days_loss_to_the_limit_sets_off_the_breaker() -> None:
    rich = replace(HELD, positions=held_as(a_position("BTCUSDT", quantity=1000, cost=1)), cash=Decimal(0))
    assert not watching(rich).apply(a_trade(price=Decimal("95.00001"), trade_id=2))
    assert watching(rich).apply(a_trade(price=Decimal("95.00000"), trade_id=2))


def test_first_price_of_a_position_makes_it_worth_that_instead_of_its_cost() -> None:
    marks = Marks({}, LIMITS)
    marks.watch(replace(HELD, cash=Decimal(94_005)))
    assert marks.apply(a_trade(price=Decimal(99)))


def test_breaker_that_has_tripped_is_not_set_off_again() -> None:
    tripped = replace(HELD, positions={}, cash=Decimal(1), breaker_active=True)
    assert not watching(tripped).apply(a_trade(price=Decimal(99), trade_id=2))


def test_day_is_new_from_its_first_nanosecond() -> None:
    marks = watching(replace(HELD, reference_day=date(2023, 11, 14)))
    midnight = (NOW // DAY_NS + 1) * DAY_NS
    assert not marks.is_new_day(midnight - 1)
    assert marks.is_new_day(midnight)
    assert not marks.is_new_day(midnight - DAY_NS)
    assert marks.is_new_day(midnight - DAY_NS - 1), "the clock was set back"


def test_day_is_new_as_long_as_none_has_opened() -> None:
    assert watching(HELD).is_new_day(NOW)


def test_price_that_came_while_others_were_saved_stays_unsaved() -> None:
    marks = watching(HELD)
    marks.apply(a_trade(trade_id=2))
    being_saved = dict(marks.unsaved)
    marks.apply(a_trade(trade_id=3))
    marks.saved(being_saved)
    assert marks.unsaved["BTCUSDT"].trade_id == 3
    marks.saved(dict(marks.unsaved))
    assert not marks.unsaved


def test_volatility_is_that_of_the_prices_seen() -> None:
    marks = watching(HELD)
    assert marks.volatility("ETHUSDT") == 0
    for number, price in enumerate((100, 101, 100), start=2):
        marks.apply(a_trade(price=Decimal(price), trade_id=number))
    assert 0 < marks.volatility("BTCUSDT") < Decimal("0.01")


SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
prices = st.decimals("0.0001", 1000, places=4)


@quick
@given(
    st.dictionaries(st.sampled_from(SYMBOLS), st.tuples(st.integers(1, 100), st.integers(1, 10_000))),
    st.dictionaries(st.sampled_from(SYMBOLS), prices),
    st.lists(st.tuples(st.sampled_from(SYMBOLS), prices), max_size=12),
    st.integers(0, 20_000),
    st.none() | st.integers(1, 40_000),
)
def test_price_sets_something_off_exactly_when_the_rules_say_so(
    held: dict[str, tuple[int, int]],
    known: dict[str, Decimal],
    ticks: list[tuple[str, Decimal]],
    cash: int,
    reference: int | None,
) -> None:
    book = Book(
        cash=Decimal(cash),
        positions=held_as(*(a_position(symbol, quantity=q, cost=c) for symbol, (q, c) in held.items())),
        reference_equity=None if reference is None else Decimal(reference),
    )
    marks = Marks({symbol: a_mark(price) for symbol, price in known.items()}, LIMITS)
    marks.watch(book)
    for number, (symbol, price) in enumerate(ticks, start=2):
        due = marks.apply(a_trade(symbol=symbol, price=price, trade_id=number))
        now = Portfolio(book, marks.newest)
        position = book.positions.get(key(symbol))
        expected = position is not None and (
            is_stop_loss_reached(position, price, LIMITS)
            or (book.reference_equity is not None and is_drawdown_at_limit(now, LIMITS))
        )
        assert due == expected, f"at {symbol} {price}: equity {now.equity()}, drawdown {now.drawdown()}"
