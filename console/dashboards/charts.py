"""Options of Apache ECharts for the panels that it draws. As JSON: what JSON cannot say is added by charts.js."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.axis import Axis, axis_of
from cdb.dashboard.model.colours import COLOURS, colour
from cdb.dashboard.model.curves import filled, unbroken
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import Answer, Field
from cdb.dashboard.model.look import Look
from cdb.dashboard.model.shares import slices
from cdb.dashboard.model.traces import TracePoint
from cdb.dashboard.model.units import NO_VALUE, UNITS

Option = dict[str, Any]
TRACES: Final = "traces"
"""Id of the series whose points lead to traces."""
STEPS: Final = 4
_POINT: Final = COLOURS["purple"]


def chart(panel: Panel, answer: Answer, window: Window, points: Sequence[TracePoint] = ()) -> Option:
    """What charts.js needs for *panel*: ECharts' option and, for each series, how its values are written."""
    if panel.type == "gauge":
        return {"option": _gauges(answer)}
    if panel.type == "piechart":
        return {"option": _pie(answer)}
    return _curves(answer, window, points)


def look(of: Look) -> Option:
    """How values are written: the steps of the unit, decimals, and words for values and for none."""
    settings = of.settings
    return {
        "steps": UNITS.get(settings.unit, UNITS["none"]),
        "sign": "$" if settings.unit == "currencyUSD" else "",
        "decimals": settings.decimals,
        "none": settings.no_value or NO_VALUE,
        "words": {
            value: str(to["text"])
            for one in settings.mappings
            for value, to in one.options.items()
            if isinstance(to, dict) and to.get("text")
        },
    }


def _curves(answer: Answer, window: Window, points: Sequence[TracePoint]) -> Option:
    axis = axis_of(answer, STEPS)
    shown = [_curve(field, window, area=filled(answer)) for field in answer.fields]
    limits = {"id": "limits", "type": "line", "data": [], "markLine": _limits(axis)}
    option = {
        "xAxis": {"type": "time", "min": _milliseconds(window.start), "max": _milliseconds(window.end)},
        "yAxis": _logarithmic(answer, axis, points) or _linear(axis),
        "series": [*shown, limits, *([_trace_points(points, axis)] if points else [])],
        "visualMap": [one for at, field in enumerate(answer.fields) if (one := _by_threshold(field, at))],
    }
    looks = [look(field.look) for field in answer.fields]
    return {"option": option, "looks": looks, "ticks": [[at, axis.look.short(at)] for at in axis.ticks]}


def _milliseconds(at: float) -> int:
    return round(1000 * at)


def _curve(field: Field, window: Window, *, area: bool) -> Option:
    data: list[list[float | None]] = []
    for piece in unbroken(field.series, window):
        if data:  # a point without a value ends the line
            data.append([_milliseconds(piece[0][0]) - 1, None])
        data += [[_milliseconds(at), value] for at, value in piece]
    settings = field.look.settings.custom
    drawn: Option = {"id": f"{field.place}", "type": "line", "name": field.name, "data": data, "showSymbol": False}
    if len(data) == 1:
        drawn["showSymbol"] = True  # a line needs two points
    if area:
        drawn["areaStyle"] = {"opacity": settings.fill_opacity / 100}
    drawn["lineStyle"] = {"width": 2, "type": "dashed" if settings.line_style.fill == "dash" else "solid"}
    if not _by_threshold(field, 0):
        drawn["itemStyle"] = {"color": field.curve_colour(field.value)}
    return drawn


def _by_threshold(field: Field, place: int) -> Option | None:
    """Colour the curve at *place* by the thresholds that it reaches, if its panel says so."""
    limits = field.look.limits
    if not field.alone_by_threshold or not limits:
        return None
    base = colour(field.look.settings.thresholds.steps[0].color)
    starts = [(-math.inf, base), *limits]
    ends = [at for at, _ in limits] + [math.inf]
    pieces = [
        {"color": code, **({"gte": at} if math.isfinite(at) else {}), **({"lt": end} if math.isfinite(end) else {})}
        for (at, code), end in zip(starts, ends, strict=True)
    ]
    return {"type": "piecewise", "show": False, "dimension": 1, "seriesIndex": place, "pieces": pieces}


def _limits(axis: Axis) -> Option:
    lines = [{"yAxis": at, "lineStyle": {"color": code}} for at, code in axis.look.lines if axis.shows(at)]
    return {"silent": True, "symbol": "none", "label": {"show": False}, "lineStyle": {"width": 1.5}, "data": lines}


def _linear(axis: Axis) -> Option:
    return {"type": "value", "min": axis.low, "max": axis.high, "interval": axis.step}


def _logarithmic(answer: Answer, axis: Axis, points: Iterable[TracePoint]) -> Option | None:
    """Make an axis of whole powers of ten if the panel wants one and there is something on it."""
    values = [value for field in answer.fields for _, value in field.series.points if 0 < value < math.inf]
    if axis.look.settings.custom.scale_distribution.type != "log" or not values:
        return None
    values += [point.value for point in points if point.value > 0]
    values += [limit for limit, _ in axis.look.lines if limit > 0 and axis.shows(limit)]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return {"type": "log", "min": 10.0**low, "max": 10.0 ** max(high, low + 1)}


def _trace_points(points: Sequence[TracePoint], axis: Axis) -> Option:
    """One that is above the axis stands on its upper edge."""
    logarithmic = axis.look.settings.custom.scale_distribution.type == "log"
    return {
        "id": TRACES,
        "type": "scatter",
        "name": "trace",
        "symbol": "diamond",
        "symbolSize": 8,
        "itemStyle": {"color": _POINT},
        "data": [
            {
                "value": [_milliseconds(one.at), one.value if logarithmic else min(one.value, axis.high)],
                "trace": one.trace_id,
                "was": one.value,
            }
            for one in points
        ],
    }


def _gauges(answer: Answer) -> Option:
    """Dials side by side: the arc of the value in its colour, and thin zones around it."""
    count = len(answer.fields)
    return {"series": [one for at, field in enumerate(answer.fields) for one in _gauge(field, (at + 0.5) / count)]}


def _gauge(field: Field, place: float) -> tuple[Option, Option]:
    low, high = field.look.low, max(field.look.high, field.look.low)
    span = (high - low) or 1.0
    settings = field.look.settings
    starts = [step for step in settings.thresholds.steps if step.value is None][:1]
    zones = [(low, colour(starts[0].color) if starts else field.colour), *field.look.limits]
    ends = [at for at, _ in zones[1:]] + [high]
    bands = [[min(max((end - low) / span, 0), 1), code] for (_, code), end in zip(zones, ends, strict=True)]
    common: Option = {
        "type": "gauge",
        "startAngle": 205,
        "endAngle": -25,
        "min": low,
        "max": high if high > low else low + 1,
        "center": [f"{100 * place:.1f}%", "62%"],
        "pointer": {"show": False},
        "axisTick": {"show": False},
        "splitLine": {"show": False},
        "axisLabel": {"show": False},
        "silent": True,
    }
    value = {"value": min(max(field.value, low), high) if math.isfinite(field.value) else low}
    return (
        common
        | {
            "id": f"value {field.place}",
            "radius": "86%",
            "progress": {"show": True, "width": 16, "itemStyle": {"color": field.colour}},
            "axisLine": {"lineStyle": {"width": 16}},
            "detail": {"formatter": field.text, "color": field.colour, "fontSize": 24, "offsetCenter": [0, "-4%"]},
            "data": [value],
        },
        common
        | {
            "id": f"zones {field.place}",
            "radius": "98%",
            "axisLine": {"lineStyle": {"width": 4, "color": bands}},
            "detail": {"show": False},
            "data": [],
        },
    )


def _pie(answer: Answer) -> Option:
    data = [
        {
            "id": f"{field.place}",
            "name": field.name,
            "value": field.value,
            "text": f"{field.text} ({100 * share:.0f}%)",
            "itemStyle": {"color": field.own_colour},
        }
        for field, share in slices(answer)
        if share > 0
    ]
    return {
        "series": [
            {
                "id": "shares",
                "type": "pie",
                "radius": ["52%", "88%"],
                "label": {"show": False},
                "emphasis": {"scale": False},
                "data": data,
            }
        ]
    }
