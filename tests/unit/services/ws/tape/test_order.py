"""What the trades around one say about its time, its price and its id."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.ws.tape.order import IdCheck, plausible, with_made_ids
from services.ws.trades import RawTrade, Refusal
from tests.support.building import NOW, SECOND, quick

YEAR_2096 = 4_000_000_000_000_000_000


def trades(*seconds: float, symbol: str = "ETHUSDT") -> list[RawTrade]:
    return [
        RawTrade(symbol, place, "BUY", Decimal(100), Decimal(1), NOW + int(after * SECOND), f"line {place + 2}")
        for place, after in enumerate(seconds)
    ]


def priced(*prices: str) -> list[RawTrade]:
    return [
        replace(trade, price=Decimal(price)) for trade, price in zip(trades(*range(len(prices))), prices, strict=True)
    ]


def refused(rows: Sequence[RawTrade | Refusal]) -> list[int]:
    found = list(plausible(rows, now_ns=NOW + 1000 * SECOND))
    assert len(found) == len(rows)
    return [place for place, row in enumerate(found) if isinstance(row, Refusal)]


@pytest.mark.parametrize(("place", "count"), [(0, 1), (1, 1), (5, 1), (8, 1), (9, 1), (0, 2), (1, 2), (5, 2)])
def test_time_far_ahead_is_refused_and_the_good_rows_after_it_are_not(place: int, count: int) -> None:
    rows = trades(*range(10))
    rows[place : place + count] = [replace(row, ts_event=YEAR_2096) for row in rows[place : place + count]]
    assert refused(rows) == list(range(place, place + count))


def test_time_that_is_refused_says_how_far_it_is_ahead() -> None:
    (row, *_) = plausible(trades(7200, 0, 1, 2), now_ns=NOW)
    assert row == Refusal("out_of_order", "line 2", "its time is 7,200 s ahead of the trades after it")


@pytest.mark.parametrize(
    "seconds",
    [(0, 1, 7200, 7201), (0, 1, 7200), (0, 7200, 14400, 21600), (0, 2.9, 0, 2.9), (5, 5, 5)],
    ids=["a gap", "a gap before the last", "gaps only", "a little to and fro", "one instant"],
)
def test_gaps_are_no_fault(seconds: tuple[float, ...]) -> None:
    """The last trade may be hours after the others, as long as that is in the past."""
    found = list(plausible(trades(*seconds), now_ns=NOW + 30_000 * SECOND))
    assert not any(isinstance(row, Refusal) for row in found)


def test_one_late_row_does_not_spoil_the_one_before_it() -> None:
    """Who is alone is wrong: here the one that is behind, which is left to the check of the order."""
    assert refused(trades(0, 100, 200, 50, 201, 202, 203)) == []


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        (["100", "101", "1000000000", "102", "103"], [2]),
        (["1000000000", "101", "102"], [0]),
        (["100", "101", "1000000000"], [2]),
        (["100", "99999", "99998", "101", "102", "103"], [1, 2]),
        (["100", "0.001", "101"], [1]),
        (["100", "1005", "100.5"], [1]),
        (["100", "60", "60", "30", "9", "8"], []),
        (["100", "100", "5", "5", "5", "5"], []),
        (["100"], []),
        (["100", "-5", "0", "101"], []),
    ],
    ids=["among", "first", "last", "two", "low", "lost point", "crash", "cliff", "alone", "not positive"],
)
def test_price_that_is_absurd_beside_its_neighbours_is_refused(prices: list[str], expected: list[int]) -> None:
    """A price that falls and stays there is one that happened; what is no price at all is refused elsewhere."""
    assert refused(priced(*prices)) == expected


def test_prices_are_compared_within_a_symbol() -> None:
    cheap = [replace(trade, symbol="SHIBUSDT", price=Decimal("0.00001")) for trade in trades(0, 1, 2)]
    mixed = [row for pair in zip(priced("100", "1000000000", "101"), cheap, strict=True) for row in pair]
    found = list(plausible(mixed, now_ns=NOW))
    assert [row.origin for row in found if isinstance(row, Refusal)] == ["line 3"]
    assert "price 1000000000 is over 5 times off the trades around it (101)" in found[2].detail  # type: ignore[union-attr]


@pytest.mark.parametrize("change", [{"price": Decimal(-5)}, {"price": Decimal("1e10")}, {"quantity": Decimal(0)}])
def test_what_is_no_trade_by_itself_is_neither_judged_nor_asked(change: dict[str, Any]) -> None:
    """Its own fault is what the check of trades will name."""
    rows = trades(0, 1, 7200, 7201, 7202, 2, 3)
    rows[2:5] = [replace(row, **change) for row in rows[2:5]]
    assert refused(rows) == []


def test_refusals_are_passed_on_in_their_place() -> None:
    broken = Refusal("malformed", "line 3", "why")
    first, second = trades(0, 1)
    assert list(plausible([first, broken, second], now_ns=NOW)) == [first, broken, second]


steps = st.lists(st.tuples(st.integers(-10, 10), st.sampled_from(["1", "9", "1E+9", "1E-18", "-1"])), max_size=30)


@quick
@given(steps)
def test_every_row_comes_out_once_and_in_its_place(made: list[tuple[int, str]]) -> None:
    rows = [
        replace(row, price=Decimal(price)) for row, (_, price) in zip(trades(*(s for s, _ in made)), made, strict=True)
    ]
    assert [row.origin for row in plausible(rows, now_ns=NOW)] == [row.origin for row in rows]


def test_made_ids_rise_and_are_the_same_again() -> None:
    rows = [*trades(0, 0, 0.000_000_001, 1), *trades(1, 2, symbol="BTCUSDT")]
    found = [row.trade_id for row in with_made_ids(rows) if isinstance(row, RawTrade)]
    assert found == sorted(set(found))
    assert (found[0], found[3], found[5]) == (NOW, NOW + SECOND, NOW + 2 * SECOND)
    assert found == [row.trade_id for row in with_made_ids(rows) if isinstance(row, RawTrade)]


def problem(*keys: tuple[int, int]) -> str:
    check = IdCheck()
    for row, (_, trade_id) in zip(trades(*(second for second, _ in keys)), keys, strict=True):
        check.note(replace(row, trade_id=trade_id))
    return check.problem


@pytest.mark.parametrize(
    "keys",
    [
        [(0, 1), (0, 2), (1, 3)],
        [(0, 5), (1, 50)],
        [(0, 1), (1, 2), (1, 2), (2, 3)],
        [(0, 1), (0, 2), (0, 1), (0, 2), (1, 3)],
        [(5, 9), (0, 1), (6, 10)],
    ],
    ids=["rising", "gaps", "a row twice", "an instant twice", "a row out of order"],
)
def test_ids_that_rise_are_used(keys: list[tuple[int, int]]) -> None:
    assert problem(*keys) == ""


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ([(0, 0), (1, 0), (2, 0)], "at line 3 they do not rise"),
        ([(0, 1), (1, 2), (86_400, 1)], "at line 4 they do not rise"),
        ([(0, 7), (0, 6), (0, 8)], "at line 3 they do not rise"),
        ([(0, 1), (1, -1)], "line 3 has none"),
    ],
    ids=["constant", "anew each day", "mixed up within an instant", "missing"],
)
def test_ids_that_do_not_tell_trades_apart_are_found(keys: list[tuple[int, int]], says: str) -> None:
    assert problem(*keys) == says


def test_each_symbol_has_ids_of_its_own() -> None:
    check = IdCheck()
    for row in [*trades(0, 1), *trades(2, 3, symbol="BTCUSDT")]:
        check.note(row)
    assert check.problem == ""
