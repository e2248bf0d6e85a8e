"""A backtest as one HTML page: figures, equity, drawdown, and each symbol's price with its fills.

A fill says what it was when the mouse rests on it.
"""

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from cdb.backtest.run import Backtest
from cdb.backtest.view import lines
from cdb.kit.figures import moment, money
from cdb.performance.charts import Points, Scale, drawdown_chart, line_chart, polyline, svg
from cdb.performance.page import groups_table, page, section, table
from cdb.performance.rows import Filled
from services.clock import NANOSECONDS


def page_of(result: Backtest, *, title: str) -> str:
    """The whole page. A chart is left out if there is nothing to show in it."""
    body = [table(lines(result))]
    body += section("By symbol", groups_table(result.by_symbol))
    body += section("By strategy", groups_table(result.by_strategy))
    points = [(point.ts_ns / NANOSECONDS, point) for point in result.curve.points]
    if points:
        equity = [(when, float(point.equity)) for when, point in points]
        body += section("Equity", line_chart(equity))
        body += section("Drawdown, in percent of the peak", drawdown_chart(equity))
        for symbol in sorted({name for _, point in points for name in point.prices}):
            seen = [(when, float(point.prices[symbol])) for when, point in points if symbol in point.prices]
            fills = [fill for fill in result.fills if fill.symbol == symbol]
            body += section(f"{symbol} and its fills", _price_chart(seen, fills))
    return page(title, body)


def _price_chart(seen: Points, fills: Sequence[Filled]) -> str:
    scale = Scale.of([*seen, *((fill.filled_at.timestamp(), float(fill.price)) for fill in fills)])
    return svg(scale, [polyline(scale, seen), *(_mark(scale, fill) for fill in fills)])


def _mark(scale: Scale, fill: Filled) -> str:
    """A triangle below the price for a purchase, above it for a sale."""
    x, y = scale.x(fill.filled_at.timestamp()), scale.y(float(fill.price))
    side, tip = ("buy", 9) if fill.side == "BUY" else ("sell", -9)
    result = "" if fill.realised_pnl is None else f", result {_signed(fill.realised_pnl)}"
    said = f"{moment(fill.filled_at)} {fill.side} {fill.quantity:f} at {fill.price:f} ({fill.cause}){result}"
    shape = f"{x:.1f},{y:.1f} {x - 4:.1f},{y + tip:.1f} {x + 4:.1f},{y + tip:.1f}"
    return f'<polygon class="{side}" points="{shape}"><title>{escape(said)}</title></polygon>'


def _signed(amount: Decimal) -> str:
    return f"{'+' if amount > 0 else ''}{money(amount)}"
