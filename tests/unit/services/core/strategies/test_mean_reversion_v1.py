"""Strategy mean_reversion_v1: 2 deviations and 1 % from the mean of 60 s, on 4 trades and 1,000, 10 s of cool-down."""

import statistics
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate, islice, pairwise
from typing import Any, Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.core.strategies.mean_reversion_v1 import MeanReversion, MeanReversionSettings
from services.core.strategies.port import Opinion
from services.messages import MarketData
from tests.support.building import NOW, SECOND, a_trade, quick, selective

GIVEN: Final[dict[str, Any]] = {
    "lookback_s": 60.0,
    "threshold": Decimal(2),
    "minimum_distance": Decimal("0.01"),
    "minimum_trades": 4,
    "minimum_volume": Decimal(1000),
    "cooldown_s": 10.0,
}
LIVELY: Final = GIVEN | {"threshold": Decimal("1.27")}
"""Among random prices two deviations are rare."""
AROUND_100: Final = ("99", "101", "99", "101", "99", "101", "99", "101")
"""Mean 100, deviation 1."""


def ticks(*prices: str, every_s: float = 1.0) -> list[tuple[float, str]]:
    return [(every_s * place, price) for place, price in enumerate(prices)]


def opinions(found: Iterable[tuple[float, str]], *, changes: dict[str, Any] | None = None, **trade: Any) -> list[Any]:
    """The side of each opinion, None where there is none. Times are seconds since the start."""
    memory = MeanReversion(MeanReversionSettings(**GIVEN | (changes or {})))
    given_opinions = [
        memory.update(a_trade(ts_event=NOW + round(second * SECOND), price=Decimal(price), trade_id=number, **trade))
        for number, (second, price) in enumerate(found)
    ]
    return [opinion and opinion.side for opinion in given_opinions]


@pytest.mark.parametrize(("price", "side"), [("95", "BUY"), ("105", "SELL")])
def test_price_far_below_the_mean_is_bought_and_far_above_it_is_sold(price: str, side: str) -> None:
    *before, found = opinions(ticks(*AROUND_100, price))
    assert before == [None] * 8
    assert found == side


def test_thousands_of_trades_in_the_look_back_are_remembered() -> None:
    """So many are packed. Of 15,000 trades the look-back has 6,000; a price of the asset dearest today has 5 digits."""
    calm = ["118000", "118500"] * 7_500
    *before, found = opinions(ticks(*calm, "116000", every_s=0.01))
    assert not any(before)
    assert found == "BUY"


# Of nine prices, eight of them 1 away from 100, the last d: mean 100 + d/9, variance (8 + d * d * 8 / 9) / 9.
@pytest.mark.parametrize(
    ("price", "z_score"),
    [("102", "1.5689"), ("103", "2.0000"), ("104", "2.2627"), ("97", "-2.0000"), ("90", "-2.7092")],
)
def test_the_threshold_is_in_deviations_of_the_look_back_with_the_price_itself(price: str, z_score: str) -> None:
    exact = Decimal(z_score)
    just_below, just_above = abs(exact) - Decimal("0.0001"), abs(exact) + Decimal("0.0001")
    side = "BUY" if exact < 0 else "SELL"
    assert opinions(ticks(*AROUND_100, price), changes={"threshold": just_below})[-1] == side
    assert opinions(ticks(*AROUND_100, price), changes={"threshold": just_above})[-1] is None


@pytest.mark.parametrize(("threshold", "strength"), [("2.7", "0.50"), ("2", "0.68"), ("1.35", "1.00"), ("0.1", "1")])
def test_strength_grows_with_the_distance_up_to_one(threshold: str, strength: str) -> None:
    memory = MeanReversion(MeanReversionSettings(**GIVEN | {"threshold": Decimal(threshold), "minimum_trades": 9}))
    prices = [*AROUND_100, "90"]
    found = [
        memory.update(a_trade(ts_event=NOW + place, trade_id=place, price=Decimal(price)))
        for place, price in enumerate(prices)
    ]
    assert found[-1] is not None
    assert found[-1].strength == Decimal(strength)


def test_a_flat_look_back_gives_no_opinion() -> None:
    assert opinions(ticks(*["100"] * 20), changes={"minimum_distance": Decimal("1e-400")}) == [None] * 20


def test_a_move_within_the_noise_gives_none_however_many_deviations_it_is() -> None:
    calm = ["99.99", "100.01"] * 10
    assert opinions(ticks(*calm, "100.98"))[-1] is None  # 4 deviations, 0.93 % from the mean
    assert opinions(ticks(*calm, "101.10"))[-1] == "SELL"


def test_too_few_trades_give_none() -> None:
    assert opinions(ticks(*AROUND_100, "95"), changes={"minimum_trades": 9})[-1] == "BUY"
    assert opinions(ticks(*AROUND_100, "95"), changes={"minimum_trades": 10})[-1] is None


def test_too_little_volume_gives_none() -> None:
    assert opinions(ticks(*AROUND_100, "95"), quantity=Decimal("1.117"))[-1] is None  # 895 * 1.117 = 999.72
    assert opinions(ticks(*AROUND_100, "95"), quantity=Decimal("1.118"))[-1] == "BUY"


def test_price_at_the_edge_of_the_look_back_counts_and_an_older_one_does_not() -> None:
    early = [(0.0, price) for price in AROUND_100]
    assert opinions([*early, (60.0, "95")])[-1] == "BUY"
    assert opinions([*early, (60.000001, "95")])[-1] is None


def test_no_second_signal_during_the_cool_down() -> None:
    found = opinions([*ticks(*AROUND_100), (8, "95"), (9, "94"), (17.999, "80"), (18, "70")])
    assert found[8:] == ["BUY", None, None, "BUY"]


def test_the_price_that_comes_back_from_the_greatest_jump_leaves_no_trace() -> None:
    """Sums of floats would keep what is left of 1e36 for good."""
    tiny = ["0.000000000000000099", "0.000000000000000101"] * 4
    jump = [(0.0, "1000000000")]
    later = [(61.0 + place, price) for place, price in enumerate([*tiny, "0.000000000000000095"])]
    assert opinions([*jump, *later], quantity=Decimal("1e14"), changes={"minimum_volume": Decimal(0)})[1:] == [
        *[None] * 8,
        "BUY",
    ]


walks: Final = st.lists(st.tuples(st.integers(0, 6000), st.integers(9_000, 11_000)), min_size=1, max_size=60)


long_walks: Final = st.lists(st.tuples(st.integers(0, 3000), st.integers(9_000, 11_000)), min_size=30, max_size=60)
"""Most of them outlast a look-back of 10 s several times."""


@quick
@given(long_walks)
def test_the_opinions_are_those_of_computing_each_look_back_anew(steps: list[tuple[int, int]]) -> None:
    trades = walked(steps)
    memory = MeanReversion(MeanReversionSettings(**LIVELY | {"lookback_s": 10.0, "cooldown_s": 2.0}))
    assert [shown(memory.update(trade)) for trade in trades] == naive(trades)


def naive(trades: Sequence[MarketData]) -> list[Any]:
    """The same with statistics and floats. The threshold is none that a few prices reach exactly."""
    found: list[Any] = []
    quiet_until = 0
    for place, trade in enumerate(trades):
        window = [one for one in trades[: place + 1] if one.ts_event >= trade.ts_event - 10 * SECOND]
        prices = [one.price for one in window]
        mean, deviation = statistics.fmean(prices), statistics.pstdev(map(float, prices))
        distance = float(trade.price) - mean
        enough = len(window) >= 4 and sum(one.price * one.quantity for one in window) >= 1000
        far = deviation > 0 and abs(distance) >= 0.01 * mean and abs(distance) >= 1.27 * deviation
        if not (enough and far) or trade.ts_event < quiet_until:
            found.append(None)
            continue
        quiet_until = trade.ts_event + 2 * SECOND
        strength = min(1.0, abs(distance) / deviation / 2.54)
        found.append(("BUY" if distance < 0 else "SELL", pytest.approx(strength, abs=0.0051)))
    return found


def shown(opinion: Opinion | None) -> tuple[str, float] | None:
    return (opinion.side, float(opinion.strength)) if opinion else None


@selective
@given(walks, long_walks)
def test_what_is_older_than_the_look_back_has_no_effect(
    older: list[tuple[int, int]], newer: list[tuple[int, int]]
) -> None:
    """A restart rebuilds windows from the newest trades only."""
    settings = MeanReversionSettings(**LIVELY | {"lookback_s": 10.0, "cooldown_s": 0.000001})
    trades = walked([*older, *newer])
    first, second = MeanReversion(settings), MeanReversion(settings)
    of_first = [first.update(trade) for trade in trades][len(older) :]
    of_second = [second.update(trade) for trade in trades[len(older) :]]
    full = sum(trade.ts_event <= trades[len(older)].ts_event + 10 * SECOND for trade in trades[len(older) :])
    assume(any(of_first[full:]))
    assert list(map(shown, of_first[full:])) == list(map(shown, of_second[full:]))


@selective
@given(walks)
def test_signals_are_at_least_a_cool_down_apart_and_between_a_half_and_one(steps: list[tuple[int, int]]) -> None:
    memory = MeanReversion(MeanReversionSettings(**LIVELY))
    found = [(trade.ts_event, opinion) for trade in walked(steps) if (opinion := memory.update(trade))]
    assume(len(found) >= 2)
    assert all(Decimal("0.5") <= opinion.strength <= 1 for _, opinion in found)
    assert all(later - earlier >= 10 * SECOND for (earlier, _), (later, _) in pairwise(found))


def walked(steps: list[tuple[int, int]]) -> list[MarketData]:
    """Trades of one symbol from milliseconds since the last one and price in cents."""
    times = accumulate((milliseconds * 1_000_000 for milliseconds, _ in steps), initial=NOW)
    return [
        a_trade(ts_event=ts_event, price=Decimal(cents) / 100, trade_id=number)
        for number, (ts_event, (_, cents)) in enumerate(zip(islice(times, 1, None), steps, strict=True))
    ]
