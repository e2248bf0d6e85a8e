"""Trades and performance: what was earned and risked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args
from urllib.parse import urlencode

import msgspec
from flask import Flask, Response, render_template
from msgspec import Meta

from cdb.account.trades import COLUMNS
from cdb.kit.figures import money, percent
from cdb.performance.charts import falls
from cdb.performance.figures import (
    FIGURES_OF_A_GROUP,
    group_rows,
    or_dash,
    return_lines,
    trade_lines,
)
from cdb.performance.spreadsheet import csv_text
from console.account.performance import SPANS, Performance, performance
from console.account.trades import Filter, Page, names, newest
from console.curve import Curve, curve
from console.filters import filters, name_of
from console.ground import Ground
from console.knowledge import Known
from services.clock import to_datetime
from services.messages import Cause

ON_PAGE: Final = 50
IN_FILE: Final = 10_000
_REPORT_S: Final = 30.0
_LIST_S: Final = 5.0
_FILE_WITHIN_S: Final = 30.0


class Line(NamedTuple):
    """A figure, and when it was so if that belongs to it."""

    name: str
    text: str
    at: datetime | None = None


class Asked(msgspec.Struct, omit_defaults=True):
    """Which trades: those of a range, of a symbol, a strategy, a cause, and older than the one with a number."""

    range: Literal["24h", "7d", "30d", "all"] = "24h"
    symbol: str = ""
    strategy: str = ""
    cause: Cause | Literal[""] = ""
    before: Annotated[int, Meta(ge=1, le=2**62)] | None = None

    def filter(self, now: datetime) -> Filter:
        """What the ledger is asked for."""
        span = SPANS[self.range]
        since = now - span if span else None
        return Filter(self.symbol or None, self.strategy or None, self.cause or None, since)

    def query(self, **changed: Any) -> str:
        """The address's parameters for the same, *changed*."""
        given = msgspec.to_builtins(msgspec.structs.replace(self, **{"before": None, **changed}))
        return urlencode(given)


@dataclass(frozen=True)
class Charts:
    """Curves of the range; those of equity only of the whole account."""

    equity: Curve | None
    drawdown: Curve | None
    results: Curve | None


def add(app: Flask, ground: Ground) -> None:
    """Answer /trades, and /trades.csv."""

    @app.get("/trades")
    def trades() -> str:
        asked = _asked()
        report, listed = _report(ground, asked), _listed(ground, asked)
        found = report.value
        return render_template(
            "trades.html",
            refresh=5,
            asked=asked,
            ranges=tuple(SPANS),
            names=_names(ground),
            causes=get_args(Cause),
            report=report,
            figures=list(_figures(found)) if found else [],
            equity_figures=list(_equity_figures(found)) if found else [],
            groups={group: list(group_rows(one)) for group, one in found.groups.items()} if found else {},
            titles=FIGURES_OF_A_GROUP,
            charts=_charts(found) if found else None,
            listed=listed,
            in_file=IN_FILE,
        )

    @app.get("/trades.csv")
    def trades_csv() -> Response:
        asked = _asked()

        def read() -> str:
            with ground.ledger.moment() as rows:
                page = newest(rows, asked.filter(_now(ground)), most=IN_FILE, before=asked.before)
            return csv_text(COLUMNS, [one.trade for one in page.trades])

        content = ground.knowledge.once(read, "The ledger", wait_s=_FILE_WITHIN_S)
        name = "-".join(["trades", *re.findall(r"\w+", "-".join((asked.range, asked.symbol, asked.strategy)))])
        return Response(
            content,
            content_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
        )


def _asked() -> Asked:
    asked = filters(Asked)
    symbol, strategy = name_of("symbol", asked.symbol).upper(), name_of("strategy", asked.strategy)
    return msgspec.structs.replace(asked, symbol=symbol, strategy=strategy)


def _report(ground: Ground, asked: Asked) -> Known[Performance]:
    symbol, strategy = asked.symbol or None, asked.strategy or None

    def read() -> Performance:
        with ground.ledger.moment() as rows:
            return performance(rows, SPANS[asked.range], symbol=symbol, strategy=strategy)

    return ground.knowledge.of(("report", asked.range, symbol, strategy), read, for_s=_REPORT_S)


def _listed(ground: Ground, asked: Asked) -> Known[Page]:
    def read() -> Page:
        with ground.ledger.moment() as rows:
            return newest(rows, asked.filter(_now(ground)), most=ON_PAGE, before=asked.before)

    return ground.knowledge.of(("closed trades", msgspec.json.encode(asked)), read, for_s=_LIST_S)


def _names(ground: Ground) -> tuple[list[str], list[str]]:
    def read() -> tuple[list[str], list[str]]:
        with ground.ledger.moment() as rows:
            return names(rows)

    return ground.knowledge.of("names of symbols and strategies", read, for_s=_REPORT_S).value or ([], [])


def _now(ground: Ground) -> datetime:
    return to_datetime(ground.clock.now_ns())


def _figures(found: Performance) -> Iterator[Line]:
    figures = found.figures
    yield from (Line(*line) for line in trade_lines(figures))
    for name, trade in (("best trade", figures.best_trade), ("worst trade", figures.worst_trade)):
        yield Line(name, f"{money(trade.result)} {trade.symbol}" if trade else "-", trade.closed_at if trade else None)
    yield Line("fees of closed trades", money(figures.fees))
    yield Line("fills", f"{found.fills:,}")
    yield Line("fees of all fills", money(found.fees))
    yield Line("realised by all sales, at average cost", money(found.realised))
    yield Line("unrealised now", money(found.unrealised))
    yield Line("time with a position", or_dash(found.exposure_time, percent))


def _equity_figures(found: Performance) -> Iterator[Line]:
    equity = found.equity
    if equity is None:
        return
    if equity.opening is not None:
        yield Line("equity at the first mark", money(equity.opening.equity), equity.opening.at)
    yield Line("equity now", money(found.equity_now))
    yield Line("maximum drawdown", or_dash(equity.max_drawdown, percent))
    if (fall := equity.deepest) is not None:
        yield Line("from the peak", money(fall.peak.equity), fall.peak.at)
        yield Line("to the trough", money(fall.trough.equity), fall.trough.at)
        yield Line("recovered", "" if fall.recovered_at else "not yet", fall.recovered_at)
    yield from (Line(*line) for line in return_lines(equity))


def _charts(found: Performance) -> Charts:
    points = found.equity_points
    now = [(found.as_of.timestamp(), float(found.equity_now))] if points else []
    return Charts(
        equity=curve([*points, *now]),
        drawdown=curve(falls(points), base=0.0) if points else None,
        results=curve(found.result_points, base=0.0),
    )
