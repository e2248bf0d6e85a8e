"""Trades on a real ledger: the list and its pages, the figures of `cdb report`, the file for a spreadsheet."""

import csv
import io
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cdb.account.opened import Opened
from cdb.account.since import Since
from cdb.report.report import Choice, report_of
from console.account.numbers import FILLS, first_since
from console.account.performance import performance
from console.account.trades import Filter, ListedTrade, all_closed, newest
from console.ground import Ground
from services.clock import MINUTE_NS
from services.ledger.results import closed_trades
from services.performance.figures import values
from tests.integration.console.conftest import GroundOf
from tests.support.consoles import client_of
from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration


def trade_often(database: Database, *, begin_ns: int, trades: int = 12) -> None:
    """Close so many trades of two symbols and two strategies, three minutes each, every third by a stop loss."""
    day = TradingDay(database, now_ns=begin_ns)
    for number in range(trades):
        symbol, strategy = ("BTCUSDT", "ETHUSDT")[number % 2], ("momentum_v1", "mean_reversion_v1")[number // 2 % 2]
        day.price(symbol, "100")
        day.trade("BUY", symbol, strategy=strategy)
        day.now_ns += 3 * MINUTE_NS
        if number % 3 == 2:
            day.price(symbol, "90")
            day.execute()
        else:
            day.price(symbol, "101")
            day.trade("SELL", symbol, strategy=strategy)
    day.price("SOLUSDT", "150")
    day.trade("BUY", "SOLUSDT")
    day.close()


@pytest.fixture
def ground(database: Database, ground_on: GroundOf) -> Ground:
    trade_often(database, begin_ns=time.time_ns() - 48 * MINUTE_NS)
    return ground_on(database)


def positions_of(trades: list[ListedTrade]) -> list[str]:
    return [one.trade.position_id for one in trades]


@pytest.mark.parametrize("piece", [1, 3, 7, 2_000])
def test_trades_are_listed_page_by_page_each_once_newest_first(ground: Ground, piece: int) -> None:
    with ground.ledger.moment() as rows:
        expected = [one.position_id for one in closed_trades(rows)][::-1]
        found: list[str] = []
        before: int | None = None
        while len(found) < 100:
            page = newest(rows, Filter(), most=5, before=before, piece=piece)
            found += positions_of([*page.trades])
            before = page.before
            if before is None:
                break
        assert found == expected
        assert len(found) == 12
        assert [one.position_id for one in all_closed(rows, Filter(), piece=piece)] == expected[::-1]


@pytest.mark.parametrize(
    "which",
    [
        Filter(symbol="BTCUSDT"),
        Filter(strategy="mean_reversion_v1"),
        Filter(cause="stop_loss"),
        Filter(symbol="ETHUSDT", strategy="momentum_v1", cause="signal"),
        Filter(symbol="NONE"),
    ],
    ids=str,
)
@pytest.mark.parametrize("back", [None, timedelta(minutes=20)])
def test_a_filter_chooses_as_its_words_say(ground: Ground, which: Filter, back: timedelta | None) -> None:
    which = replace(which, since=datetime.now(UTC) - back if back else None)
    with ground.ledger.moment() as rows:
        expected = [
            one.position_id
            for one in closed_trades(rows)
            if which.symbol in {None, one.symbol}
            and which.strategy in {None, one.strategy}
            and which.cause in {None, one.cause}
            and (which.since is None or one.closed_at >= which.since)
        ]
        assert positions_of([*newest(rows, which, most=50).trades]) == expected[::-1]


def test_a_filter_that_fits_hardly_anything_does_not_read_the_whole_ledger(ground: Ground) -> None:
    """The page then offers to look further back."""
    with ground.ledger.moment() as rows:
        page = newest(rows, Filter(symbol="NONE"), most=5, piece=2, most_pieces=3)
    assert page.trades == []
    assert page.before is not None


def test_the_time_before_the_account_was_opened_is_no_time_without_a_position(ground: Ground) -> None:
    with ground.ledger.moment() as rows:
        ever, long = (performance(rows, span, symbol=None, strategy=None) for span in (None, timedelta(days=365)))
        report = report_of(Opened("test", rows, long.as_of, None), Since(timedelta(days=365)), Choice())
    assert ever.exposure_time
    assert [long.exposure_time, report.exposure_time] == pytest.approx([ever.exposure_time] * 2)


def test_a_trade_leads_to_the_decisions_that_made_it(ground: Ground) -> None:
    with ground.ledger.moment() as rows:
        found = newest(rows, Filter(), most=50).trades
        known = {signal_id for (signal_id,) in rows.execute("SELECT signal_id FROM decisions")}
        approved = {signal_id for (signal_id,) in rows.execute("SELECT signal_id FROM orders WHERE cause = 'signal'")}
        stops = {order_id for (order_id,) in rows.execute("SELECT order_id FROM orders WHERE cause = 'stop_loss'")}
    assert all(one.entry in known & approved for one in found)
    assert {one.trade.cause for one in found} == {"signal", "stop_loss"}
    assert all(one.exit in (approved if one.trade.cause == "signal" else stops) for one in found)


@pytest.mark.parametrize(
    "choice", [Choice(), Choice(symbol="BTCUSDT"), Choice(strategy="momentum_v1"), Choice("momentum_v1", "ETHUSDT")]
)
@pytest.mark.parametrize("span", [None, timedelta(minutes=20)])
def test_the_figures_are_those_of_the_report(ground: Ground, choice: Choice, span: timedelta | None) -> None:
    with ground.ledger.moment() as rows:
        found = performance(rows, span, symbol=choice.symbol, strategy=choice.strategy)
        report = report_of(Opened("test", rows, found.as_of, None), Since(span), choice)
    assert values(found.figures) == values(report.figures)
    for group in ("symbol", "strategy"):
        assert {name: values(one) for name, one in found.groups[group].items()} == {
            name: values(one) for name, one in report.by(group).items()
        }
    assert (found.fills, found.fees, found.realised) == (len(report.rows), report.fees, report.realised)
    assert (found.unrealised, found.equity_now) == (report.unrealised, report.equity_now)
    assert found.exposure_time == pytest.approx(report.exposure_time)
    assert list(found.result_points) == report.result_points
    assert list(found.equity_points) == list(report.equity_points)
    assert (found.equity is None) == (report.equity is None)
    if found.equity and report.equity:
        assert values(found.equity) == values(report.equity)


def test_the_page_shows_the_report_and_the_list(ground: Ground) -> None:
    shown = client_of(ground).get("/trades?range=all").get_data(as_text=True)
    assert "<dt>closed trades</dt><dd>12</dd>" in shown
    assert shown.count('aria-label="decision to buy') == 12
    assert "<option>BTCUSDT</option>" in shown
    assert "download>CSV</a>" in shown, "the file holds all of them"
    assert "<svg" in shown


def test_the_file_has_what_the_filters_choose_with_all_digits(ground: Ground) -> None:
    answer = client_of(ground).get("/trades.csv?range=all&symbol=BTCUSDT&cause=signal")
    assert answer.content_type.startswith("text/csv; charset=utf-8")
    assert re.fullmatch(r'attachment; filename="[\w-]+\.csv"', answer.headers["Content-Disposition"])
    rows = [*csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline=""))]
    with ground.ledger.moment() as reading:
        expected = [one for one in closed_trades(reading) if one.symbol == "BTCUSDT" and one.cause == "signal"]
    assert [one["position_id"] for one in rows] == [one.position_id for one in expected][::-1]
    assert rows[0]["result"] == f"{expected[-1].result:f}"


def test_no_name_in_the_file_is_a_formula_and_a_quote_breaks_no_column(database: Database, ground: Ground) -> None:
    hostile = '=HYPERLINK("http://x","y"),\n"'
    database.query("UPDATE fills SET symbol = %s", (hostile,))
    text = client_of(ground).get("/trades.csv?range=all").get_data(as_text=True)
    rows = [*csv.DictReader(io.StringIO(text, newline=""))]
    assert {one["symbol"] for one in rows} == {f"'{hostile}"}
    assert len(rows) == 12


def test_names_from_the_ledger_are_text_on_the_page(database: Database, ground: Ground) -> None:
    hostile = "<script>alert(1)</script>"
    database.query("UPDATE fills SET symbol = %s", (hostile,))
    database.query("UPDATE orders SET strategy = %s", (hostile,))
    database.query("UPDATE positions SET strategy = strategy || %s", (hostile,))
    shown = client_of(ground).get("/trades?range=all").get_data(as_text=True)
    assert "<script>alert" not in shown
    assert shown.count("&lt;script&gt;") >= 24


def test_a_span_begins_at_the_first_row_of_it_whatever_numbers_are_missing(database: Database, ground: Ground) -> None:
    with ground.ledger.moment() as rows:
        fills = rows.execute("SELECT fill_seq, filled_at FROM fills ORDER BY fill_seq")
    database.query("UPDATE fills SET filled_at = filled_at - interval '3 hours' WHERE fill_seq <= %s", (fills[9][0],))
    with ground.ledger.moment() as rows:
        since = datetime.now(UTC) - timedelta(minutes=55)
        assert first_since(rows, FILLS, since) == fills[9][0] + 1
        assert first_since(rows, FILLS, None) == 0
        assert first_since(rows, FILLS, datetime.now(UTC) + timedelta(days=1)) == fills[-1][0] + 1


def test_a_ledger_without_an_account_is_told(database: Database, ground_on: GroundOf) -> None:
    answer = client_of(ground_on(database)).get("/trades")
    assert answer.status_code == 200
    assert "the ledger has no account yet" in answer.get_data(as_text=True)
