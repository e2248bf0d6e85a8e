"""What a report says to people: lines of figures, on a terminal with a chart, on a page with more of them."""

from collections.abc import Iterator
from typing import Final

import typer

from cdb.account.trades import TITLES, trade_cells
from cdb.kit.figures import moment, money, percent
from cdb.kit.output import console
from cdb.kit.printable import printable
from cdb.performance.charts import drawdown_chart, line_chart
from cdb.performance.figures import NOT_ENOUGH, drawdown_lines, or_dash, return_lines, trade_lines
from cdb.performance.page import groups_table as groups_on_page
from cdb.performance.page import page, section, table
from cdb.performance.tables import groups_table, lines_table
from cdb.performance.text_chart import text_chart
from cdb.report.report import Report
from services.performance.trades import ClosedTrade

MOST_ON_PAGE: Final = 500
RESULTS: Final = "Result of closed trades, added up"


def show(report: Report) -> None:
    """Print figures, groups and a chart."""
    screen = console()
    screen.print(lines_table(printable(title(report)), lines(report)))
    for group in ("symbol", "strategy"):
        if found := report.by(group):
            screen.print()
            screen.print(groups_table(group.capitalize(), found))
    name, points = ("Equity", report.equity_points) if report.equity else (RESULTS, report.result_points)
    typer.echo(f"\n{name}")
    typer.echo("\n".join(text_chart(points)) if len(points) > 1 else NOT_ENOUGH)


def html(report: Report) -> str:
    """The report as one page. A chart is left out if there is nothing to show in it."""
    body = [table(lines(report))]
    for group in ("symbol", "strategy", "day"):
        body += section(f"By {group}", groups_on_page(report.by(group)))
    if len(points := report.equity_points) > 1:
        body += section("Equity", line_chart(points))
        body += section("Drawdown, in percent of the peak", drawdown_chart(points))
    if len(results := report.result_points) > 1:
        body += section(RESULTS, line_chart(results))
    newest = report.trades[-MOST_ON_PAGE:]
    which = f"the newest {len(newest):,} of {len(report.trades):,}, " if len(newest) < len(report.trades) else ""
    if newest:
        body += section(f"Closed trades, {which}newest last", table(map(trade_cells, newest), TITLES))
    return page(title(report), body)


def title(report: Report) -> str:
    chosen = [f"{word} {name}" for word, name in vars(report.choice).items() if name is not None]
    return f"Report of {', '.join([report.ledger, *chosen])}"


def lines(report: Report) -> Iterator[tuple[str, str]]:
    """Yield each figure with its name."""
    figures = report.figures
    yield "from (UTC)", moment(report.since) if report.since else "the beginning"
    yield "to (UTC)", moment(report.as_of)
    yield from trade_lines(figures)
    yield "best trade", or_dash(figures.best_trade, _trade)
    yield "worst trade", or_dash(figures.worst_trade, _trade)
    yield "fills", f"{len(report.rows):,}"
    yield "fees of all fills", money(report.fees)
    yield "realised by all sales, at average cost", money(report.realised)
    yield "realised by all sales, first in first out", money(report.realised_by_fifo)
    yield "unrealised now", money(report.unrealised)
    yield "time with a position", or_dash(report.exposure_time, percent)
    if report.equity is not None:
        yield "equity at the first mark", or_dash(report.equity.opening, lambda mark: money(mark.equity))
        yield "equity now", money(report.equity_now)
        yield from drawdown_lines(report.equity)
        yield from return_lines(report.equity)


def _trade(trade: ClosedTrade) -> str:
    return f"{money(trade.result)} ({trade.symbol}, {trade.strategy}, {moment(trade.closed_at)})"
