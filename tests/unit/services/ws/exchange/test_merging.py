from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messages import MarketData
from services.ws.exchange import merging
from services.ws.exchange.merging import Gap, Merger, Taken, Teller, as_told
from services.ws.exchange.protocol import Deal

MS = 1_000_000
START = 1_771_880_412_000


def deal(ms: int, price: int = 100, number: int | None = None) -> Deal:
    return Deal("BTCUSDT", (START + ms) * MS, Decimal(price), Decimal(1), "BUY", number)


def take(merger: Merger, deals: Sequence[Deal], teller: Teller | None = None) -> list[Taken]:
    by = teller or Teller(live=True)
    return list(merger.take((one, by) for one in deals))


def ask(merger: Merger, answer: Sequence[Deal], *, quiet: bool = False) -> tuple[list[Taken], list[Gap]]:
    """What REST's *answer* adds, and what it shows to be lost."""
    taken = take(merger, answer, Teller(live=False))
    return taken, merger.fill(answer, quiet=quiet)[1]


def begun(*deals: Deal) -> Merger:
    """A merger that has taken *deals* on a connection after REST knew of none."""
    merger = Merger()
    take(merger, deals)
    merger.fill(deals[:1])
    assert merger.gap() is None
    return merger


@dataclass(frozen=True)
class Story:
    """What happened on the market, and which parts of it which connection told."""

    deals: list[Deal]
    parts: list[tuple[int, int]]


@st.composite
def stories(draw: st.DrawFn, *, ids: bool) -> Story:
    steps = draw(st.lists(st.sampled_from([0, 0, 0, 1, 5]), min_size=1, max_size=40))
    prices = draw(st.lists(st.integers(1, 2), min_size=len(steps), max_size=len(steps)))
    times = accumulate(steps)
    deals = [
        deal(ms, price, number if ids else None) for number, (ms, price) in enumerate(zip(times, prices, strict=True))
    ]
    ends = st.integers(0, len(deals))
    parts = draw(st.lists(st.tuples(ends, ends).map(lambda two: (min(two), max(two))), max_size=5))
    return Story(deals, sorted(parts))


@pytest.mark.parametrize("ids", [False, True])
def test_whatever_connections_tell_each_trade_is_taken_once(ids: bool) -> None:
    """Each begins and ends anywhere, between two equal trades of one millisecond, too; REST knows all in the end."""

    @given(story=stories(ids=ids))
    def holds(story: Story) -> None:
        merger = Merger()
        taken = []
        for begin, end in story.parts:
            taken += take(merger, story.deals[begin:end])
            merger.open_gap()
        taken += ask(merger, story.deals)[0]
        assert sorted((one.deal.time_ns, one.deal.price) for one in taken) == sorted(
            (one.time_ns, one.price) for one in story.deals
        )
        assert len({one.trade_id for one in taken}) == len(taken)
        in_order = [one.trade_id for one in taken if not one.late]
        assert in_order == sorted(in_order)

    holds()


def test_equal_trades_of_one_millisecond_stay_two() -> None:
    assert len(take(Merger(), [deal(0), deal(0)])) == 2


def test_equal_trades_of_one_millisecond_in_two_frames_stay_two() -> None:
    merger, teller = Merger(), Teller(live=True)
    assert len(take(merger, [deal(0)], teller) + take(merger, [deal(0)], teller)) == 2


def test_a_trade_that_two_connections_tell_is_one() -> None:
    merger = Merger()
    assert len(take(merger, [deal(0), deal(1)]) + take(merger, [deal(1)])) == 1 + 1


def test_a_trade_told_again_40_minutes_later_is_dropped_even_when_it_is_long_forgotten() -> None:
    merger, teller = begun(deal(0)), Teller(live=True)
    take(merger, [deal(ms) for ms in range(1, 2 * merging.REMEMBERED)], teller)
    assert take(merger, [deal(0), deal(5)], teller) == []
    assert merger.duplicates == 2


def test_a_late_trade_is_taken_as_such() -> None:
    merger = begun(deal(0))
    take(merger, [deal(10)])
    (taken,) = ask(merger, [deal(0), deal(5), deal(10)])[0]
    assert (taken.deal, taken.late, taken.live) == (deal(5), True, False)


def test_a_gap_whose_ids_rise_while_its_times_fall_has_no_length() -> None:
    """Nobody can say how long it is; it is lost all the same."""
    merger = begun(deal(0, number=1))
    merger.open_gap()
    _, (lost,) = ask(merger, [deal(-95_000, number=1_000)])
    assert lost.seconds() == 0.0


def test_a_gap_that_rest_no_longer_reaches_is_lost_with_its_bounds() -> None:
    merger = begun(deal(0))
    merger.open_gap()
    taken, (lost,) = ask(merger, [deal(4_000), deal(5_000)])
    assert len(taken) == 2
    assert (lost.after, lost.before, lost.seconds()) == (deal(0), deal(4_000), 4.0)
    assert merger.gap() is None


def test_a_trade_in_a_lost_gap_is_still_taken_if_somebody_tells_it() -> None:
    merger = begun(deal(0))
    merger.open_gap()
    ask(merger, [deal(1_000 + ms) for ms in range(2 * merging.REMEMBERED)])
    assert [one.late for one in take(merger, [deal(500)])] == [True]


def test_rest_is_asked_until_it_knows_what_a_connection_told_since() -> None:
    """Its answer may be older than the connection: then there may be something between the two."""
    merger = begun(deal(0))
    merger.open_gap()
    take(merger, [deal(20)])
    assert ask(merger, [deal(0), deal(5)])[1] == []
    assert merger.gap() is not None
    assert [one.deal for one in ask(merger, [deal(0), deal(5), deal(15), deal(20)])[0]] == [deal(15)]
    assert merger.gap() is None


def test_a_quiet_market_is_believed_after_a_while() -> None:
    merger = begun(deal(0))
    merger.open_gap()
    ask(merger, [deal(0)])
    assert merger.gap() is not None
    ask(merger, [deal(0)], quiet=True)
    assert merger.gap() is None


def test_a_missing_id_is_a_gap() -> None:
    merger = begun(deal(0, number=1))
    take(merger, [deal(5, number=2), deal(9, number=5)])
    gap = merger.gap()
    assert gap is not None
    assert gap.after == deal(5, number=2)
    taken, lost = ask(merger, [deal(7, number=3), deal(8, number=4)])
    assert ([one.trade_id for one in taken], lost, merger.gap()) == ([3, 4], [], None)


def test_an_outage_on_an_exchange_with_ids_is_one_gap() -> None:
    merger = begun(deal(0, number=1))
    merger.open_gap()
    take(merger, [deal(9, number=9)])
    assert [(gap.after, gap.before) for gap in merger.gaps] == [(deal(0, number=1), deal(9, number=9))]


def test_a_gap_longer_than_what_is_remembered_is_filled_once() -> None:
    merger = begun(deal(0, number=1))
    merger.open_gap()
    missing = [deal(number, number=number) for number in range(2, 2 * merging.REMEMBERED)]
    taken = ask(merger, missing[:5_000])[0] + ask(merger, missing[4_999:])[0]
    assert [one.trade_id for one in taken] == [one.id for one in missing]


@pytest.mark.parametrize("number", [None, 7])
def test_what_is_on_the_bus_already_is_not_taken_again(number: int | None) -> None:
    """Neither the trades themselves nor any that are older."""
    told = [deal(0, number=number), deal(3, number=None if number is None else number + 1)]
    first = Merger()
    again = Merger()
    again.remember(as_told(on_the_bus(one), has_ids=number is not None) for one in take(first, told))
    older = deal(-9, number=None if number is None else number - 1)
    assert take(again, [older, *told]) == []
    gap = again.gap()
    assert gap is not None
    assert gap.after == told[-1]


def on_the_bus(taken: Taken) -> MarketData:
    one = taken.deal
    return MarketData(
        ts_event=one.time_ns, ts_init=one.time_ns, symbol=one.symbol, trade_id=taken.trade_id, side=one.side,
        price=one.price, quantity=one.quantity, source="mexc", feed=1, sequence=1,
    )  # fmt: skip
