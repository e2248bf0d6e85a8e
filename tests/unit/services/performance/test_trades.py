"""What closed trades have earned, compared with pandas."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.performance.figures import values
from services.performance.trades import GROUPS, RECENT, ClosedTrade, TradeFigures, exposure_time, figures_by
from tests.unit.services.performance.building import NOON, a_trade, unhurried

results = st.decimals(-1000, 1000, places=8)
trades = st.lists(
    st.builds(
        lambda result, symbol, strategy, opened, lasts: a_trade(
            result, symbol=symbol, strategy=strategy, opened=opened, closed=opened + lasts
        ),
        results,
        st.sampled_from(["BTCUSDT", "ETHUSDT"]),
        st.sampled_from(["momentum_v1", "mean_reversion_v1"]),
        st.integers(0, 5_000),
        st.integers(1, 2_000),
    ),
    max_size=80,
).map(lambda found: sorted(found, key=lambda trade: trade.closed_at))


def by_pandas(some: list[ClosedTrade]) -> dict[str, Any]:
    """The same figures, each by its formula over a table."""
    columns = ["opened_at", "closed_at", "fees", "result"]
    table = pd.DataFrame([[getattr(trade, name) for name in columns] for trade in some], columns=columns)
    result, fees = table["result"].astype(float), table["fees"].astype(float)
    lasted = (pd.to_datetime(table["closed_at"]) - pd.to_datetime(table["opened_at"])).dt.total_seconds()
    profit, loss = result[result > 0].sum(), -result[result < 0].sum()
    return {
        "trades": len(table),
        "wins": int((result > 0).sum()),
        "win_rate": (result > 0).mean(),
        "recent_win_rate": (result.tail(30) > 0).mean() if len(table) >= 30 else float("nan"),
        "result": result.sum(),
        "fees": fees.sum(),
        "gross_profit": profit,
        "gross_loss": loss,
        "profit_factor": profit / loss if loss else float("nan"),
        "expectancy": result.mean(),
        "best_result": result.max(),
        "worst_result": result.min(),
        "mean_duration_s": lasted.mean(),
        "median_duration_s": lasted.median(),
    }


def assert_same(found: TradeFigures, some: list[ClosedTrade]) -> None:
    ours = {name: None if value is None else float(value) for name, value in values(found).items()}
    theirs = {name: None if pd.isna(value) else value for name, value in by_pandas(some).items()}
    assert ours == {name: pytest.approx(value, rel=1e-9, abs=1e-9) for name, value in theirs.items()}


@unhurried
@given(trades)
def test_figures_are_those_of_pandas(some: list[ClosedTrade]) -> None:
    assert_same(TradeFigures(some), some)


@pytest.mark.parametrize("odd", [[], ["5"], ["-5"], ["0"], ["-1"] * 40, ["1"] * 40, ["0"] * 40, ["1"] * 29, ["1"] * 30])
def test_figures_of_odd_accounts_are_those_of_pandas(odd: list[str]) -> None:
    some = [a_trade(result) for result in odd]
    assert_same(TradeFigures(some), some)


def test_what_does_not_exist_yet_is_absent() -> None:
    absent = {name for name, value in values(TradeFigures()).items() if value is None}
    assert absent == {*values(TradeFigures())} - {"trades", "wins", "result", "fees", "gross_profit", "gross_loss"}
    assert values(TradeFigures([a_trade("1")]))["profit_factor"] is None


def test_the_recent_win_rate_forgets_what_was_before() -> None:
    figures = TradeFigures([a_trade("1")] * RECENT + [a_trade("-1")] * 12)
    assert figures.recent_win_rate == Decimal(18) / 30


def test_money_is_exact() -> None:
    figures = TradeFigures([a_trade("0.00000001")] * 10 + [a_trade("100000000.1")])
    assert figures.result == Decimal("100000000.10000010")


@unhurried
@given(trades, st.sampled_from([*GROUPS]))
def test_each_group_has_the_figures_of_its_trades(some: list[ClosedTrade], group: str) -> None:
    table = pd.DataFrame({"trade": some, "group": [GROUPS[group](trade) for trade in some]})
    theirs = {str(name): list(found["trade"]) for name, found in table.groupby("group")}
    found = figures_by(group, some)
    assert [*found] == sorted(theirs)
    for name, figures in found.items():
        assert_same(figures, theirs[name])


def test_a_trade_belongs_to_the_utc_day_of_its_closing() -> None:
    late = a_trade("1", closed=12 * 60)  # closed at midnight
    assert [*figures_by("day", [a_trade("1", closed=719), late])] == ["2026-01-05", "2026-01-06"]


def test_a_trade_knows_its_return_and_its_duration() -> None:
    trade = a_trade("-2.5", opened=1, closed=4)
    assert (trade.return_, trade.duration_s) == (Decimal("-0.025"), 180.0)


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


@unhurried
@given(trades, st.lists(st.integers(0, 9_000), max_size=3), st.integers(0, 8_000), st.integers(1, 3_000))
def test_exposure_time_is_the_share_of_minutes_in_which_anything_was_held(
    some: list[ClosedTrade], still_open: list[int], begin: int, length: int
) -> None:
    held = pd.Series(False, index=pd.date_range(minute(begin), periods=length, freq="min"))
    for trade in some:
        held[(held.index >= trade.opened_at) & (held.index < trade.closed_at)] = True
    for opened in still_open:
        held[held.index >= minute(opened)] = True
    found = exposure_time(some, map(minute, still_open), begin=minute(begin), end=minute(begin + length))
    assert found == pytest.approx(held.mean(), abs=1e-9)


def test_a_span_of_no_length_has_no_exposure_time() -> None:
    assert exposure_time([a_trade("1")], [], begin=NOON, end=NOON) is None
    assert exposure_time([], [], begin=NOON, end=minute(1)) == 0
