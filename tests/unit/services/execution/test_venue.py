"""The paper venue: fills that can be told in advance from the order alone."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.costs import MAX_FEE_BPS, MAX_SLIPPAGE_BPS, UNIT, most_paid
from services.execution.accounting import Booking, Holding
from services.execution.ledger_rows import fill_message
from services.execution.venue import VenueSettings, execute, slippage_of
from services.messages import MAX_PRICE, decode, encode
from services.topology import FILLS
from tests.support.building import NOW, an_order, quick

VENUE = VenueSettings()
FREE = VenueSettings(base_bps=Decimal(0), size_bps=Decimal(0), volatility_share=Decimal(0), fee_bps=Decimal(0))


def test_same_order_always_fills_the_same_way() -> None:
    found = execute(an_order(), VENUE)
    assert found == execute(an_order(), VENUE)
    assert (found.price, found.slippage_bps) == (Decimal("100.00520000"), Decimal("0.52"))


def test_orders_differ_in_luck_by_their_ids_alone() -> None:
    found = {slippage_of(an_order(order_id=f"order:{number}"), VENUE) for number in range(20)}
    assert len(found) > 10
    middle = VENUE.base_bps + VENUE.size_bps * 1000 / VENUE.depth + VENUE.volatility_share * 2
    assert all(middle / 2 - UNIT <= slippage + Decimal("0.01") for slippage in found)
    assert all(slippage - Decimal("0.01") <= middle * Decimal("1.5") for slippage in found)


def test_slippage_grows_with_size() -> None:
    found = [slippage_of(an_order(quantity=Decimal(quantity)), VENUE) for quantity in (1, 100, 1000, 5000)]
    assert found == sorted(set(found))


def test_slippage_grows_with_volatility() -> None:
    found = [slippage_of(an_order(volatility=Decimal(share)), VENUE) for share in ("0", "0.001", "0.01")]
    assert found == sorted(set(found))


def test_slippage_is_bounded() -> None:
    huge = an_order(quantity=Decimal("1e15"), volatility=Decimal(100))
    assert slippage_of(huge, VenueSettings(depth=Decimal("1e-15"))) == MAX_SLIPPAGE_BPS


def test_price_moves_against_the_order() -> None:
    bought = execute(an_order(side="BUY"), VENUE)
    sold = execute(an_order(side="SELL"), VENUE)
    assert bought.price == 100 * (1 + bought.slippage_bps / 10_000)
    assert sold.price == 100 * (1 - sold.slippage_bps / 10_000)
    assert sold.price < 100 < bought.price


def test_fee_is_a_share_of_what_was_paid() -> None:
    found = execute(an_order(quantity=Decimal("1.23456789")), VENUE)
    assert found.notional == (found.price * Decimal("1.23456789")).quantize(UNIT)
    assert found.fee == (found.notional / 10_000).quantize(UNIT)


def test_venue_without_costs_fills_at_the_reference_price() -> None:
    found = execute(an_order(), FREE)
    assert (found.price, found.notional, found.fee, found.slippage_bps) == tuple(map(Decimal, (100, 1000, 0, 0)))


@pytest.mark.parametrize(
    ("reference", "decimals"), [("64000", 8), ("1", 8), ("0.52", 9), ("0.00001234", 13), ("0.00000001", 16)]
)
def test_prices_have_eight_decimals_and_more_where_eight_are_coarse(reference: str, decimals: int) -> None:
    found = execute(an_order(reference_price=Decimal(reference)), VENUE)
    assert found.price.as_tuple().exponent == -decimals


@quick
@given(
    st.integers(-18, 9).flatmap(lambda power: st.integers(1, 9).map(lambda digit: Decimal(digit).scaleb(power - 1))),
    st.sampled_from(["BUY", "SELL"]),
    st.decimals(0, 100, places=8),
)
def test_fill_is_never_further_from_the_reference_than_its_slippage(
    reference: Decimal, side: str, volatility: Decimal
) -> None:
    order = an_order(reference_price=reference, side=side, volatility=volatility, quantity=Decimal("0.00000001"))
    found = execute(order, VENUE)
    moved = abs(found.price / reference - 1) * 10_000
    assert abs(moved - found.slippage_bps) < Decimal("0.0002")
    assert found.price > 0
    assert found.notional >= 0
    assert found.fee >= 0


WORST = VenueSettings(base_bps=MAX_SLIPPAGE_BPS, fee_bps=MAX_FEE_BPS)
basis_points = st.decimals(0, MAX_SLIPPAGE_BPS, places=2)


@quick
@given(
    st.builds(
        VenueSettings, base_bps=basis_points, size_bps=basis_points, fee_bps=st.decimals(0, MAX_FEE_BPS, places=2)
    )
    | st.just(WORST),
    st.integers(-18, 8).flatmap(
        lambda power: st.integers(1, 9_999_999).map(lambda digits: Decimal(digits).scaleb(power - 6))
    ),
    st.decimals("0.00000001", 10**6, places=8),
    st.decimals(0, 1, places=8),
)
def test_no_venue_charges_more_for_a_purchase_than_is_kept_free_for_it(
    venue: VenueSettings, reference: Decimal, quantity: Decimal, volatility: Decimal
) -> None:
    found = execute(an_order(reference_price=reference, quantity=quantity, volatility=volatility), venue)
    assert found.notional + found.fee <= most_paid(quantity * reference)


def test_worst_venue_takes_nearly_all_that_is_kept_free() -> None:
    found = execute(an_order(order_id="order:unlucky", volatility=Decimal(1)), WORST)
    assert most_paid(Decimal(1000)) - Decimal("0.0001") < found.notional + found.fee <= most_paid(Decimal(1000))


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize("reference", [MAX_PRICE, Decimal("1e-18")])
def test_a_fill_at_either_end_of_what_is_taken_is_a_message_that_can_be_read(reference: Decimal, side: str) -> None:
    """The venue moves the price beyond the dearest one that a market may have."""
    order = an_order(side=side, reference_price=reference, volatility=Decimal(1))
    execution = execute(order, WORST)
    fill = fill_message(order, execution, Booking(Holding(), Decimal(0), None), now_ns=NOW)
    assert decode(FILLS, encode(fill)) == fill
    assert (fill.price > MAX_PRICE) == (reference == MAX_PRICE and side == "BUY")
