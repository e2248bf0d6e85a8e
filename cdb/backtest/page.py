"""A backtest as one HTML page: figures, equity, drawdown, and each symbol's price with its fills. It needs no network.

Charts are SVG. A fill says what it was when the mouse rests on it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from typing import Final

from cdb.backtest.rows import Filled
from cdb.backtest.run import Backtest
from cdb.backtest.view import FIGURES_OF_A_GROUP, group_rows, lines
from cdb.kit.figures import moment, money
from services.clock import NANOSECONDS
from services.performance.trades import TradeFigures

WIDTH: Final = 1000
HEIGHT: Final = 220
_LEFT: Final = 90
_BOTTOM: Final = 24
_STYLE: Final = """
:root { color-scheme: light dark; --line: #2563eb; --loss: #dc2626; --gain: #16a34a; --grid: #8884; --text: #666; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: .15rem 1rem .15rem 0; text-align: right; }
td:first-child, th:first-child { text-align: left; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--text); }
.curve { fill: none; stroke: var(--line); stroke-width: 1.5; } .loss { fill: var(--loss); opacity: .35; }
.grid { stroke: var(--grid); } .buy { fill: var(--gain); } .sell { fill: var(--loss); }
"""


@dataclass(frozen=True)
class _Scale:
    """Where a moment and a value are on a chart."""

    begin: float
    end: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, moments: Sequence[float], values: Sequence[float]) -> "_Scale":
        lowest, highest = min(values), max(values)
        margin = (highest - lowest) * 0.05 or abs(highest) * 0.01 or 1.0
        return cls(min(moments), max(*moments, min(moments) + 1), lowest - margin, highest + margin)

    def x(self, moment_s: float) -> float:
        return _LEFT + (WIDTH - _LEFT) * (moment_s - self.begin) / (self.end - self.begin)

    def y(self, value: float) -> float:
        return (HEIGHT - _BOTTOM) * (self.highest - value) / (self.highest - self.lowest)


def page_of(result: Backtest, *, title: str) -> str:
    """The whole page. A chart is left out if there is nothing to show in it."""
    body = [f"<h1>{escape(title)}</h1>", _table(lines(result))]
    body += _section("By symbol", _figures(result.by_symbol)) + _section("By strategy", _figures(result.by_strategy))
    points = result.curve.points
    if points:
        times = [point.ts_ns / NANOSECONDS for point in points]
        equity = [float(point.equity) for point in points]
        body += _section("Equity", _line_chart(times, equity))
        body += _section("Drawdown, in percent of the peak", _drawdown_chart(times, equity))
        for symbol in sorted({name for point in points for name in point.prices}):
            seen = [
                (t, float(point.prices[symbol]))
                for t, point in zip(times, points, strict=True)
                if symbol in point.prices
            ]
            fills = [fill for fill in result.fills if fill.symbol == symbol]
            body += _section(f"{symbol} and its fills", _price_chart(seen, fills))
    content = "\n".join(body)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        f"<body>\n{content}\n</body></html>\n"
    )


def _section(title: str, content: str) -> list[str]:
    return [f"<h2>{escape(title)}</h2>", content] if content else []


def _table(rows: Iterable[Sequence[str]], header: Sequence[str] = ()) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}\n{body}</table>"


def _figures(groups: dict[str, TradeFigures]) -> str:
    return _table(group_rows(groups), ("", *FIGURES_OF_A_GROUP)) if groups else ""


def _line_chart(times: Sequence[float], values: Sequence[float]) -> str:
    scale = _Scale.of(times, values)
    return _svg(scale, [_polyline(scale, zip(times, values, strict=True))])


def _drawdown_chart(times: Sequence[float], equity: Sequence[float]) -> str:
    peak, falls = 0.0, []
    for value in equity:
        peak = max(peak, value)
        falls.append(-100 * (peak - value) / peak if peak > 0 else 0.0)
    scale = _Scale.of(times, [*falls, 0.0])
    corners = [(times[0], 0.0), *zip(times, falls, strict=True), (times[-1], 0.0)]
    return _svg(scale, [f'<polygon class="loss" points="{_places(scale, corners)}"/>'])


def _price_chart(seen: Sequence[tuple[float, float]], fills: Sequence[Filled]) -> str:
    places = [*seen, *((fill.filled_at.timestamp(), float(fill.price)) for fill in fills)]
    scale = _Scale.of([when for when, _ in places], [price for _, price in places])
    return _svg(scale, [_polyline(scale, seen), *(_mark(scale, fill) for fill in fills)])


def _polyline(scale: _Scale, points: Iterable[tuple[float, float]]) -> str:
    return f'<polyline class="curve" points="{_places(scale, points)}"/>'


def _places(scale: _Scale, points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{scale.x(t):.1f},{scale.y(value):.1f}" for t, value in points)


def _mark(scale: _Scale, fill: Filled) -> str:
    """A triangle below the price for a purchase, above it for a sale."""
    x, y = scale.x(fill.filled_at.timestamp()), scale.y(float(fill.price))
    side, tip = ("buy", 9) if fill.side == "BUY" else ("sell", -9)
    result = "" if fill.realised_pnl is None else f", result {_signed(fill.realised_pnl)}"
    said = f"{moment(fill.filled_at)} {fill.side} {fill.quantity:f} at {fill.price:f} ({fill.cause}){result}"
    shape = f"{x:.1f},{y:.1f} {x - 4:.1f},{y + tip:.1f} {x + 4:.1f},{y + tip:.1f}"
    return f'<polygon class="{side}" points="{shape}"><title>{escape(said)}</title></polygon>'


def _signed(amount: Decimal) -> str:
    return f"{'+' if amount > 0 else ''}{money(amount)}"


def _svg(scale: _Scale, content: Iterable[str]) -> str:
    drawn = []
    for step in range(5):
        value = scale.lowest + (scale.highest - scale.lowest) * step / 4
        y = scale.y(value)
        drawn.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(value)}</text>')
    for step in range(5):
        when = scale.begin + (scale.end - scale.begin) * step / 4
        anchor = ("start", "middle", "middle", "middle", "end")[step]
        text = f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M}"
        drawn.append(f'<text x="{scale.x(when):.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{text}</text>')
    return f'<svg viewBox="0 -6 {WIDTH} {HEIGHT + 6}" role="img">{"".join([*drawn, *content])}</svg>'


def _short(value: float) -> str:
    size = abs(value)
    decimals = 0 if size >= 1_000 else 2 if size >= 10 else 4 if size >= 0.1 else 8
    return f"{value:,.{decimals}f}"
