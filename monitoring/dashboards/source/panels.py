"""The library of panels: every kind of panel, and how it looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from monitoring.dashboards.source import links
from monitoring.dashboards.source.sdk import (
    Dataquery,
    PieChartLegendValues,
    PieChartType,
    PromQueryFormat,
    bargauge,
    common,
    dashboard,
    gauge,
    kinds,
    models,
    piechart,
    stat,
    table,
    timeseries,
)

GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"
PROMETHEUS: Final = kinds.DataSourceRef(type_val="prometheus", uid="prometheus")
Steps = tuple[tuple[float | None, str], ...]
NEUTRAL: Final[Steps] = ((None, BLUE),)
_LIMIT: Final = "limit"
NOT_YET: Final = "not enough data"
"""What a panel says of a figure that does not exist yet; it is not 0."""

AnyPanel = stat.Panel | gauge.Panel | bargauge.Panel | piechart.Panel | table.Panel | timeseries.Panel
P = TypeVar("P", stat.Panel, gauge.Panel, bargauge.Panel, piechart.Panel, table.Panel, timeseries.Panel)


@dataclass(frozen=True, kw_only=True)
class About:
    """Settings that every kind of panel has.

    *description* says what a high or a low value means. *unit* is Grafana's name of it. *steps* are the colours, each
    from its value on, the first from below (None); with *relative* a step is a percentage of the way from *low* to
    *high*. *texts* shows a value as a word in a colour. *no_value* is shown where there is none. *runbooks* are names
    of alerts.
    """

    title: str
    description: str
    unit: str = "short"
    width: int = 6
    height: int = 7
    steps: Steps = NEUTRAL
    relative: bool = False
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    texts: Mapping[str, tuple[str, str]] | None = None
    no_value: str = ""
    runbooks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """A query and the name of its series; *exemplars* asks for links to traces, too."""

    expression: str
    legend: str = ""
    exemplars: bool = False


def stat_panel(about: About, *queries: Query) -> stat.Panel:
    """One big coloured number for each series, with its name if the query has one."""
    panel = _now(_panel(stat.Panel(), about), queries)
    named = any(query.legend for query in queries)
    return (
        panel.reduce_options(_last())
        .color_mode(kinds.BigValueColorMode.BACKGROUND if about.texts else kinds.BigValueColorMode.VALUE)
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .text_mode(kinds.BigValueTextMode.VALUE_AND_NAME if named else kinds.BigValueTextMode.VALUE)
    )


def gauge_panel(about: About, query: Query, *, limit: str) -> gauge.Panel:
    """Dial from *about.low* to the limit of cdb_risk called *limit*; to *about.high* while that is not known."""
    panel = _now(_panel(gauge.Panel(), about), [query, in_force(limit)])
    panel.with_transformation(_from_query("B", "max"))
    return panel.reduce_options(_last()).show_threshold_markers(True)


def bar_panel(about: About, *queries: Query) -> bargauge.Panel:
    """One horizontal bar for each series."""
    panel = _now(_panel(bargauge.Panel(), about), queries)
    return (
        panel.reduce_options(_last())
        .orientation(kinds.VizOrientation.HORIZONTAL)
        .display_mode(kinds.BarGaugeDisplayMode.GRADIENT)
    )


def pie_panel(about: About, query: Query) -> piechart.Panel:
    """Share of each series in their sum; the legend shows the numbers, even if all are 0."""
    legend = (
        piechart.PieChartLegendOptions()
        .display_mode(kinds.LegendDisplayMode.TABLE)
        .placement(kinds.LegendPlacement.RIGHT)
        .show_legend(True)
        .values([PieChartLegendValues.VALUE, PieChartLegendValues.PERCENT])
    )
    panel = _now(_panel(piechart.Panel(), about), [query]).reduce_options(_last())
    return panel.color_scheme(_by_series()).pie_type(PieChartType.DONUT).legend(legend)


def time_panel(
    about: About,
    *queries: Query,
    area: bool = False,
    line: float | None = None,
    limit: str = "",
    colored: bool = False,
) -> timeseries.Panel:
    """Curves over time.

    *area* fills below one, in a colour that judges neither a gain nor a loss. *line* draws a red dashed line, which is
    always in the picture; it moves to the limit of cdb_risk called *limit*. *colored* gives a curve the colours of
    *about.steps* instead of one for each series; all but one curve need a fixed colour then.
    """
    panel = _panel(timeseries.Panel(), about)
    asked = (*queries, in_force(limit)) if limit else queries
    panel.targets([_target(q, place).range() for place, q in enumerate(asked)])
    if limit:
        panel.with_transformation(_from_query(_ref_id(len(queries)), "threshold1"))
    panel.line_width(2).fill_opacity(30 if area else 0).show_points(kinds.VisibilityMode.NEVER)
    if colored:
        panel.gradient_mode(kinds.GraphGradientMode.SCHEME)
    else:
        panel.color_scheme(_neutral() if area else _by_series())
    panel.legend(_legend()).tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI))
    if line is not None:
        panel.thresholds(_thresholds(((None, GREEN), (line, RED)))).axis_soft_max(1.2 * line)
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED))
    return panel


def table_panel(
    about: About, columns: Mapping[str, str], *queries: Query, sort_by: str, limit: str = ""
) -> table.Panel:
    """Table whose rows are the queries' series, joined where their labels are the same.

    *columns* are the labels and, as `Value #A`, `Value #B` and so on, the queries' values, with their headings and in
    their order; nothing else is shown. The largest in *sort_by* comes first. The limit of cdb_risk called *limit* is
    the maximum of the first query's values.
    """
    panel = _panel(table.Panel(), about)
    panel.targets([_target(q, place).instant().format(PromQueryFormat.TABLE) for place, q in enumerate(queries)])
    if limit:
        panel.with_target(_target(in_force(limit), len(queries)).instant())
        panel.with_transformation(_from_query(_ref_id(len(queries)), "max", of="A"))
    shown: dict[str, object] = {
        "includeByName": dict.fromkeys(columns, True),
        "indexByName": {name: place for place, name in enumerate(columns)},
        "renameByName": dict(columns),
    }
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(models.DataTransformerConfig(id_val="organize", options=shown))
    return panel.sort_by([common.TableSortByFieldState().display_name(sort_by).desc(True)])


def column(
    unit: str, *, decimals: int | None = None, steps: Steps = (), relative: bool = False
) -> list[models.DynamicConfigValue]:
    """How one column looks. *steps* colour its text; with *relative* they are percentages of the maximum."""
    properties = [models.DynamicConfigValue("unit", unit)]
    if decimals is not None:
        properties.append(models.DynamicConfigValue("decimals", decimals))
    if steps:
        properties.append(models.DynamicConfigValue("thresholds", _thresholds(steps, relative=relative).build()))
        properties.append(models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    return properties


def in_force(limit: str) -> Query:
    """Query for the limit of cdb_risk called *limit*, as the alerts read it: one series, named `limit`."""
    return Query(f'limit:cdb_risk_limit_pct:in_force{{limit="{limit}"}}', _LIMIT)


def limit_line() -> list[models.DynamicConfigValue]:
    """Make a series look like a limit: red and dashed."""
    return [*fixed_color(RED), models.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]})]


def fixed_color(name: str) -> list[models.DynamicConfigValue]:
    """Give a series the colour *name*, whatever its value."""
    return [models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": name})]


def _from_query(ref_id: str, setting: str, *, of: str = "") -> models.DataTransformerConfig:
    """Take *setting* (`max`; `threshold1` is a red line) from the query *ref_id*, for all series or those of *of*."""
    options: dict[str, object] = {
        "configRefId": ref_id,
        "mappings": [{"fieldName": _LIMIT, "handlerKey": setting, "reducerId": "lastNotNull"}],
    }
    if of:
        options["applyTo"] = {"id": "byFrameRefID", "options": of}
    return models.DataTransformerConfig(id_val="configFromData", options=options)


def _panel(panel: P, about: About) -> P:
    panel.title(about.title).description(about.description).datasource(PROMETHEUS)
    panel.span(about.width).height(about.height)
    panel.unit(about.unit).thresholds(_thresholds(about.steps, relative=about.relative)).color_scheme(_by_threshold())
    panel.links([links.runbook(alert) for alert in about.runbooks])
    if about.decimals is not None:
        panel.decimals(about.decimals)
    if about.low is not None:
        panel.min(about.low)
    if about.high is not None:
        panel.max(about.high)
    if about.no_value:
        panel.no_value(about.no_value)
    if about.texts:
        panel.mappings([_mapping(about.texts)])
    return panel


def _now(panel: P, queries: Sequence[Query]) -> P:
    panel.targets([_target(q, place).instant() for place, q in enumerate(queries)])
    return panel


def _target(query: Query, place: int) -> Dataquery:
    target = Dataquery().expr(query.expression).ref_id(_ref_id(place)).datasource(PROMETHEUS)
    if query.legend:
        target.legend_format(query.legend)
    if query.exemplars:
        target.exemplar(True)
    return target


def _ref_id(place: int) -> str:
    return chr(ord("A") + place)


def _thresholds(steps: Steps, *, relative: bool = False) -> dashboard.ThresholdsConfig:
    found = [models.Threshold(value=value, color=color) for value, color in steps]
    mode = models.ThresholdsMode.PERCENTAGE if relative else models.ThresholdsMode.ABSOLUTE
    return dashboard.ThresholdsConfig().mode(mode).steps(found)


def _mapping(texts: Mapping[str, tuple[str, str]]) -> models.ValueMap:
    return models.ValueMap(
        {
            value: models.ValueMappingResult(text=text, color=color, index=place)
            for place, (value, (text, color)) in enumerate(texts.items())
        }
    )


def _by_threshold() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)


def _by_series() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


def _neutral() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(BLUE)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(kinds.LegendDisplayMode.LIST)
    return legend.placement(kinds.LegendPlacement.BOTTOM).show_legend(True)
