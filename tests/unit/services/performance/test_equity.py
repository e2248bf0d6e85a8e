"""How equity went: daily closes and the deepest fall, compared with pandas and empyrical."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from math import isfinite

import empyrical
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.performance.equity import Close, EquityCurve, Mark
from services.performance.figures import values
from tests.unit.services.performance.building import NOON, days, marks, unhurried

MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
Marks = list[tuple[datetime, Decimal]]

begins = st.integers(0, 96).map(lambda quarters: NOON + timedelta(minutes=15 * quarters))
minutes = st.sampled_from([1, 15, 30, 360, 720, 1440, 1440, 1440, 4 * 1440, 1000])
cents = st.one_of(st.integers(1, 20_000_000), st.integers(9_900_000, 10_100_000), st.just(0))
curves = st.builds(
    lambda begin, steps, first: list(
        marks(begin, [timedelta(minutes=step) for step, _ in steps], [first, *(cent for _, cent in steps)])
    ),
    begins,
    st.lists(st.tuples(minutes, cents), max_size=120),
    st.integers(1, 20_000_000),
)


def series(some: Marks) -> "pd.Series[float]":
    return pd.Series([float(equity) for _, equity in some], index=pd.DatetimeIndex([at for at, _ in some]))


def closes_by_pandas(some: Marks) -> dict[date, float]:
    """The last mark of each day that has ended, that of midnight after it included."""
    table = series(some)
    ends = table.index.ceil("D")
    table = table[(ends <= table.index[-1]) & (table.index > table.index[0])]
    return dict(table.groupby((table.index - pd.Timedelta(1, "us")).date).last())


@unhurried
@given(curves)
def test_a_days_close_is_its_last_mark(some: Marks) -> None:
    assert {close.day: float(close.equity) for close in EquityCurve(some).closes} == closes_by_pandas(some)


@unhurried
@given(curves)
def test_daily_returns_are_those_of_pandas(some: Marks) -> None:
    """From close to close, whatever lies between them, and the first from the opening."""
    equity = pd.Series([float(some[0][1]), *closes_by_pandas(some).values()])
    theirs = [each for each in equity.pct_change().iloc[1:] if isfinite(each)]
    assert EquityCurve(some).daily_returns == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@unhurried
@given(curves)
def test_the_deepest_fall_is_that_of_pandas(some: Marks) -> None:
    equity = series(some)
    peaks = equity.cummax()
    shares = (peaks - equity) / peaks
    curve = EquityCurve(some)
    assert float(curve.max_drawdown or 0) == pytest.approx(shares.max(), rel=1e-9)
    if not shares.max():
        assert curve.deepest is None
        return
    trough = shares.idxmax()
    before, after = equity[:trough].iloc[:-1], equity[trough:]
    peak = before[before == peaks[trough]].index[-1]
    again = after[after >= peaks[trough]]
    assert curve.deepest is not None
    assert (curve.deepest.peak.at, curve.deepest.trough.at) == (peak, trough)
    assert curve.deepest.recovered_at == (again.index[0] if len(again) else None)


@unhurried
@given(curves.filter(lambda some: all(equity for _, equity in some)))
def test_the_deepest_fall_is_that_of_empyrical(some: Marks) -> None:
    theirs = float(empyrical.max_drawdown(series(some).pct_change().iloc[1:]))
    assert float(EquityCurve(some).max_drawdown or 0) == pytest.approx(-theirs if isfinite(theirs) else 0, abs=1e-9)


ODD = {
    "flat": ["100"] * 40,
    "all losses": [str(1000 - number) for number in range(40)],
    "all gains": [str(1000 + number) for number in range(40)],
    "total loss": [str(1000 + number % 7) for number in range(39)] + ["0"],
    "up and down": [str(1000 + number * 7 % 13) for number in range(60)],
}


@pytest.mark.parametrize("equity", ODD.values(), ids=ODD)
@pytest.mark.parametrize("gap", [1, 9], ids=["no gap", "a gap of days"])
def test_figures_are_those_of_empyrical_from_end_to_end(equity: list[str], gap: int) -> None:
    """With one mark a day at midnight empyrical sees all that we see."""
    steps = [timedelta(days=gap if number == 5 else 1) for number in range(len(equity) - 1)]
    curve = EquityCurve(marks(MIDNIGHT, steps, equity))
    theirs = pd.Series(list(map(float, equity))).pct_change().iloc[1:]
    recent = theirs.tail(30)
    expected = {
        "max_drawdown": -empyrical.max_drawdown(theirs),
        "annual_volatility": empyrical.annual_volatility(recent, annualization=365),
        "sharpe_ratio": empyrical.sharpe_ratio(recent, annualization=365),
        "sortino_ratio": empyrical.sortino_ratio(theirs, annualization=365),
        "annual_return": empyrical.annual_return(theirs, annualization=365),
        "calmar_ratio": empyrical.calmar_ratio(theirs, annualization=365),
        "value_at_risk": -empyrical.value_at_risk(theirs),
        "expected_shortfall": -empyrical.conditional_value_at_risk(theirs),
    }
    ours = {name: None if value is None else float(value) for name, value in values(curve).items()}
    assert ours == {
        name: pytest.approx(value, rel=1e-9, abs=1e-9) if isfinite(value) else None for name, value in expected.items()
    }


def test_without_marks_nothing_is_there() -> None:
    assert {*values(EquityCurve()).values()} == {None}


def test_the_opening_alone_closes_no_day() -> None:
    """Not at midnight either, and not once the next day has begun."""
    assert not EquityCurve([(MIDNIGHT, Decimal(100))]).closes
    curve = EquityCurve([(MIDNIGHT - timedelta(hours=1), Decimal(100)), (MIDNIGHT + timedelta(hours=1), Decimal(110))])
    assert not curve.closes
    assert curve.max_drawdown == 0


def test_a_single_day_returns_what_it_gained_from_the_opening_once_it_has_ended() -> None:
    curve = EquityCurve([(NOON, Decimal(100)), (NOON + timedelta(hours=11), Decimal(120))])
    assert not curve.closes
    curve.add(MIDNIGHT, Decimal(125))
    assert curve.closes == [Close(date(2026, 1, 5), Decimal(125), 0.25)]
    curve.add(MIDNIGHT + timedelta(minutes=1), Decimal(1))
    assert curve.closes == [Close(date(2026, 1, 5), Decimal(125), 0.25)]


def test_a_gap_of_days_is_one_return() -> None:
    curve = EquityCurve([*days(100, 110), *days(121, 121, begin=NOON + timedelta(days=9))])
    assert [close.day.day for close in curve.closes] == [6, 14]
    assert curve.daily_returns == pytest.approx([0.1, 0.1])


def test_after_a_total_loss_there_are_no_returns() -> None:
    curve = EquityCurve(days(100, 0, 50, 55, 55))
    assert [close.day_return for close in curve.closes] == [-1.0, None, pytest.approx(0.1)]
    assert curve.max_drawdown == 1


def test_days_are_those_of_utc_whatever_the_zone_of_a_mark() -> None:
    berlin = timezone(timedelta(hours=1))
    after_its_midnight = MIDNIGHT.astimezone(berlin) - timedelta(minutes=30)
    assert after_its_midnight.day == MIDNIGHT.day
    curve = EquityCurve([(after_its_midnight, Decimal(2)), (MIDNIGHT, Decimal(3))])
    assert [(close.day, close.equity) for close in curve.closes] == [(date(2026, 1, 5), Decimal(3))]


def test_the_deepest_fall_has_its_times_and_recovers() -> None:
    curve = EquityCurve(days(100, 100, 80, 90, 80, 99))
    assert curve.deepest is not None
    assert curve.deepest.peak == Mark(NOON + timedelta(days=1), Decimal(100))
    assert curve.deepest.trough == Mark(NOON + timedelta(days=2), Decimal(80))
    assert (curve.deepest.depth, curve.deepest.share) == (Decimal(20), Decimal("0.2"))
    assert curve.deepest.recovered_at is None
    for day, equity in enumerate((100, 130, 105, 130), start=6):
        curve.add(NOON + timedelta(days=day), Decimal(equity))
    assert curve.deepest.recovered_at == NOON + timedelta(days=6)
    assert curve.max_drawdown == Decimal("0.2")


def test_of_marks_at_one_moment_the_last_counts_and_an_older_one_is_refused() -> None:
    curve = EquityCurve([(NOON, Decimal(100)), (MIDNIGHT, Decimal(110)), (MIDNIGHT, Decimal(120))])
    assert [close.equity for close in curve.closes] == [Decimal(120)]
    with pytest.raises(ValueError, match="2026-01-05 23:59:59"):
        curve.add(MIDNIGHT - timedelta(seconds=1), Decimal(1))
