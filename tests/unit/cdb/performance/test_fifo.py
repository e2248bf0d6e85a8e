"""First in, first out."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdb.kit.errors import Refused
from cdb.performance.fifo import disposals
from cdb.performance.rows import Filled
from tests.unit.cdb.performance.building import a_fill


def results(*fills: Filled) -> list[Decimal]:
    return [each.result for each in disposals(fills).values()]


def test_the_oldest_purchase_is_sold_first() -> None:
    first, second = a_fill("BUY", "1", "100"), a_fill("BUY", "1", "200")
    sales = a_fill("SELL", "1", "300"), a_fill("SELL", "1", "300")
    found = disposals([first, second, *sales])
    assert [each.result for each in found.values()] == [200, 100]
    assert [each.bought_from for each in found.values()] == [first.filled_at, second.filled_at]


def test_what_one_strategy_sells_another_may_have_bought_first() -> None:
    bought = a_fill("BUY", "1", "100", strategy="a"), a_fill("BUY", "1", "150", strategy="b")
    assert results(*bought, a_fill("SELL", "1", "160", strategy="b")) == [60]


def test_each_symbol_is_apart() -> None:
    bought = a_fill("BUY", "1", "100"), a_fill("BUY", "1", "10", symbol="ETHUSDT")
    assert results(*bought, a_fill("SELL", "1", "11", symbol="ETHUSDT")) == [1]


def test_fees_of_both_sides_are_taken_off_and_a_sale_may_span_purchases() -> None:
    bought = a_fill("BUY", "1", "100", fee="1"), a_fill("BUY", "2", "110", fee="2")
    (sale,) = disposals([*bought, a_fill("SELL", "2", "120", fee="3")]).values()
    assert sale.cost == 101 + 111
    assert sale.result == 240 - 3 - 212
    assert (sale.bought_from, sale.bought_until) == (bought[0].filled_at, bought[1].filled_at)


def test_more_sold_than_bought_is_refused() -> None:
    with pytest.raises(Refused, match="sells more BTCUSDT than was bought"):
        disposals([a_fill("BUY", "1", "100"), a_fill("SELL", "2", "100")])


amounts = st.integers(1, 10**9).map(lambda units: Decimal(units).scaleb(-8))
trades = st.lists(st.tuples(amounts, st.integers(1, 10**6), st.booleans()), min_size=1, max_size=30)


def history(some: Sequence[tuple[Decimal, int, bool]]) -> list[Filled]:
    """Purchases and sales of what there is; at the end all is sold."""
    held, fills = Decimal(0), []
    for quantity, price, sells in some:
        if sells and held:
            fills.append(a_fill("SELL", str(min(quantity, held)), str(price), fee="0.01"))
            held -= min(quantity, held)
        else:
            fills.append(a_fill("BUY", str(quantity), str(price), fee="0.01"))
            held += quantity
    return [*fills, a_fill("SELL", str(held), "7")] if held else fills


@given(trades)
def test_once_all_is_sold_results_are_all_that_flowed(some: list[tuple[Decimal, int, bool]]) -> None:
    """To the last digit: no remainder of a cost is lost by rounding."""
    fills = history(some)
    flowed = sum(Fraction(fill.notional) * (1 if fill.side == "SELL" else -1) - Fraction(fill.fee) for fill in fills)
    assert sum(map(Fraction, results(*fills))) == flowed
