"""`cdb report`, `cdb pnl` and the spreadsheet say what pandas computes from the ledger's fills alone."""

import io
import json
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pandas as pd
import pytest

from tests.integration.cdb.account import by_pandas
from tests.integration.cdb.account.conftest import STRATEGIES
from tests.support.cli import run_cdb
from tests.support.servers import Database

pytestmark = pytest.mark.integration

SINCE = "2026-10-30"


@pytest.fixture(scope="module")
def fills(month: Database) -> pd.DataFrame:
    return by_pandas.fills_of(month)


@pytest.fixture(scope="module")
def trades(fills: pd.DataFrame) -> pd.DataFrame:
    return by_pandas.closed_trades(fills)


@cache
def said(month: Database, *words: str) -> Any:
    """What a command says; it reads only, so it is asked once."""
    run = run_cdb(*words, "--json", environment=month.environment())
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@cache
def spreadsheet(month: Database, *words: str) -> pd.DataFrame:
    run = run_cdb("report", "--csv", "-", *words, environment=month.environment())
    assert run.returncode == 0, run.stderr
    return pd.read_csv(io.StringIO(run.stdout), parse_dates=["filled_at_utc", "fifo_bought_from_utc"])


def assert_same(ours: dict[str, Any], theirs: dict[str, float]) -> None:
    assert {name: ours[name] for name in theirs} == {name: pytest.approx(theirs[name], abs=1e-6) for name in theirs}


def test_the_month_has_what_is_to_be_told_apart(fills: pd.DataFrame, trades: pd.DataFrame) -> None:
    """Both strategies traded the same symbols at the same time, gained and lost, and sold parts."""
    assert {*trades["strategy"]} == {*STRATEGIES}
    assert (trades["result"] > 0).any()
    assert (trades["result"] < 0).any()
    assert fills.groupby("symbol")["strategy"].nunique().min() == 2
    assert (fills[fills["side"] == "SELL"].groupby("position").size() > 1).any()
    sold, fifo = by_pandas.average_results(fills), by_pandas.fifo_results(fills)
    assert (abs(sold - fifo) > 1).sum() >= 5


def test_the_report_has_the_figures_of_the_fills(month: Database, fills: pd.DataFrame, trades: pd.DataFrame) -> None:
    found = said(month, "report")
    assert_same(found["performance"], by_pandas.figures(trades))
    assert found["fills"] == len(fills)
    assert found["fees"] == pytest.approx(float(fills["fee"].sum()), abs=1e-6)
    for group in ("strategy", "symbol", "day"):
        for name, some in trades.groupby(group):
            one = {"trades": len(some), "wins": (some["result"] > 0).sum(), "result": float(some["result"].sum())}
            assert_same(found[f"by_{group}"][name], one)
        assert [*found[f"by_{group}"]] == sorted(trades[group].unique())


def test_results_by_average_cost_and_by_fifo_are_those_of_the_fills(month: Database, fills: pd.DataFrame) -> None:
    found = said(month, "report")
    average, fifo = by_pandas.average_results(fills), by_pandas.fifo_results(fills)
    assert found["realised_by_average_of_position"] == pytest.approx(float(average.sum()), abs=1e-6)
    assert found["realised_by_fifo_of_symbol"] == pytest.approx(float(fifo.sum()), abs=1e-6)
    table = spreadsheet(month)
    sales = table[table["side"] == "SELL"]
    for column, theirs in (("result_by_average_of_position", average), ("result_by_fifo_of_symbol", fifo)):
        assert [*sales[column]] == pytest.approx([*map(float, theirs.sort_index())], abs=1e-6)
        assert table[column].isna().sum() == (fills["side"] == "BUY").sum()


def test_the_spreadsheet_adds_up_to_the_fills(month: Database, fills: pd.DataFrame) -> None:
    table = spreadsheet(month)
    assert len(table) == len(fills)
    for column in by_pandas.AMOUNTS:
        assert table[column].sum() == pytest.approx(float(fills[column].sum()), abs=1e-6)
    assert [*table["strategy"]] == [*fills["strategy"]]
    assert [*table["filled_at_utc"]] == [*pd.to_datetime(fills["filled_at"], utc=True)]
    sales = table[table["side"] == "SELL"]
    for cost, result in (
        ("cost_by_average_of_position", "result_by_average_of_position"),
        ("cost_by_fifo_of_symbol", "result_by_fifo_of_symbol"),
    ):
        assert [*(sales[cost] + sales[result])] == pytest.approx([*sales["proceeds_after_fee"]], abs=1e-6)
    assert (sales["fifo_bought_from_utc"] < sales["filled_at_utc"]).all()


def test_pnl_adds_up_to_the_realised_result_of_the_account(
    month: Database, fills: pd.DataFrame, trades: pd.DataFrame
) -> None:
    average, fees = by_pandas.average_results(fills), float(fills["fee"].sum())
    ((kept,),) = month.query("SELECT realised_pnl FROM account")
    for group in ("day", "strategy"):
        found = said(month, "pnl", "--by", group)
        sums = trades.groupby(group)[["result", "fees"]].sum()
        assert {name: one["result"] for name, one in found["groups"].items()} == pytest.approx(
            {name: float(result) for name, result in sums["result"].items()}, abs=1e-6
        )
        assert sum(one["fees"] for one in found["groups"].values()) == pytest.approx(float(trades["fees"].sum()))
        account = found["account"]
        assert account["closed"]["result"] == pytest.approx(float(trades["result"].sum()), abs=1e-6)
        still_open = float(average.sum() - trades["result"].sum())
        assert account["still_open"]["result"] == pytest.approx(still_open, abs=1e-6)
        assert account["still_open"]["result"] != 0
        assert account["realised_pnl"] == pytest.approx(float(average.sum()), abs=1e-6) == float(kept)
        assert account["closed"]["fees"] + account["still_open"]["fees"] == pytest.approx(fees)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_part_of_the_account_is_that_of_its_fills(
    month: Database, fills: pd.DataFrame, trades: pd.DataFrame, strategy: str
) -> None:
    """FIFO is that of the whole account all the same: what one strategy sells another may have bought."""
    found = said(month, "report", "--strategy", strategy, "--symbol", "BTCUSDT")
    mine = trades[(trades["strategy"] == strategy) & (trades["symbol"] == "BTCUSDT")]
    assert_same(found["performance"], {"trades": len(mine), "result": float(mine["result"].sum())})
    own = fills[(fills["strategy"] == strategy) & (fills["symbol"] == "BTCUSDT") & (fills["side"] == "SELL")]
    fifo = by_pandas.fifo_results(fills)
    assert found["realised_by_fifo_of_symbol"] == pytest.approx(float(fifo[own["seq"]].sum()), abs=1e-6)
    assert found["equity_figures"] is None


def test_a_span_has_what_ended_in_it(month: Database, fills: pd.DataFrame, trades: pd.DataFrame) -> None:
    found, begin = said(month, "report", "--since", SINCE), pd.Timestamp(SINCE, tz="UTC")
    late = trades[trades["closed"] >= begin]
    assert 0 < len(late) < len(trades)
    assert_same(found["performance"], by_pandas.figures(late))
    assert found["fills"] == (fills["filled_at"] >= begin).sum() == len(spreadsheet(month, "--since", SINCE))
    assert said(month, "pnl", "--since", SINCE)["account"] is None
    assert len(said(month, "trades", "--since", SINCE)["trades"]) == len(late)


@pytest.mark.parametrize("words", [[], ["--since", SINCE]])
def test_equity_figures_are_those_of_the_marks(month: Database, words: list[str]) -> None:
    rows = month.query("SELECT at, equity FROM equity_marks ORDER BY at")
    marks = pd.Series({at: float(equity) for at, equity in rows})
    if words:
        marks = marks[marks.index >= pd.Timestamp(SINCE, tz="UTC")]
    found = said(month, "report", *words)["equity_figures"]
    assert found["opening"]["equity"] == marks.iloc[0]
    assert found["max_drawdown"] == pytest.approx((1 - marks / marks.cummax()).max())
    # a mark at 00:00 closes the day before; the first mark alone closes nothing, and a day that goes on has no close
    closes = marks.groupby((marks.index - timedelta(microseconds=1)).date).tail(1)
    goes_on = marks.index[-1:] if marks.index[-1] != marks.index[-1].normalize() else marks.index[:0]
    closes = closes.drop(goes_on.union(marks.index[:1]), errors="ignore")
    returns = pd.concat([marks.iloc[:1], closes]).pct_change().dropna()
    assert found["daily_returns"] == len(returns)
    assert len(returns) >= 20 or words
    enough = len(returns) >= 20
    volatility = returns.tail(30).std() * 365**0.5
    assert found["annual_volatility"] == (pytest.approx(volatility) if enough else None)
    assert found["value_at_risk"] == (pytest.approx(-returns.quantile(0.05)) if enough else None)


def test_exposure_time_counts_what_is_held_at_the_end(month: Database, fills: pd.DataFrame) -> None:
    """A strategy and symbol at a time, so nothing overlaps; the span begins with the first mark and ends now."""
    found = said(month, "report", "--symbol", "XRPUSDT", "--strategy", STRATEGIES[0])
    mine = fills[(fills["symbol"] == "XRPUSDT") & (fills["strategy"] == STRATEGIES[0])]
    now = datetime.fromisoformat(found["as_of"])
    held = timedelta()
    for _, position in mine.groupby("position"):
        closed = position["filled_at"].max() if position["moved"].sum() == 0 else now
        held += closed - position["filled_at"].min()
    ((first,),) = month.query("SELECT min(at) FROM equity_marks")
    assert found["exposure_time"] == pytest.approx(held / (now - first))
