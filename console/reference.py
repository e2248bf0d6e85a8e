"""The metrics of the contract: their values now, and which panels and alerts use each."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from cdb.check.expressions import read
from cdb.check.known_metrics import Knowledge, of_contract
from cdb.check.units import GRAFANA
from cdb.dashboard.model.dashboards import Dashboard, Defaults, FieldConfig, GridPos, Panel, Query
from cdb.dashboard.model.units import NO_VALUE, formatted
from cdb.dashboard.model.variables import UnknownVariable, substitute
from cdb.kit.prometheus import Prometheus, Rule, Sample
from telemetry.contract import Metric, load_contract

CONTRACT: Final = load_contract()
METRICS: Final[Mapping[str, Metric]] = {metric.prometheus: metric for metric in CONTRACT.metrics}
UID: Final = "metric"
_KNOWN: Final = of_contract(CONTRACT)
_ANY: Final = Knowledge({}, "1ms")
_SERIES: Final = '{__name__=~"cdb_.+", __name__!~".+_bucket"}'
_KINDS: Final = ("sum", "min", "max", "count")
VALUES: Final = " or ".join(f'label_replace({of} by (__name__) ({_SERIES}), "of", "{of}", "", "")' for of in _KINDS)
"""All values at once: of each name the sum, the smallest and the largest, and how many series there are."""
_UNITS: Final = {"s": "s", "%": "percent", "USD": "currencyUSD"}

Values = Mapping[str, Mapping[str, float]]
"""By name, then by sum, min, max and count."""


@dataclass(frozen=True)
class Uses:
    """The panels and alerts that read a metric, be it through a recording rule."""

    panels: list[tuple[Dashboard, Panel]] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)


def found(wanted: str) -> list[Metric]:
    """Metrics whose name, labels, owner or description has every word of *wanted*, in the contract's order."""
    words = wanted.lower().split()
    return [metric for metric in METRICS.values() if all(word in _text(metric) for word in words)]


def _text(metric: Metric) -> str:
    said = (metric.prometheus, metric.type, metric.unit, metric.owner, metric.brief, metric.when, *metric.labels)
    return " ".join(said).lower()


def values(prometheus: Prometheus) -> Values:
    """Ask for the values of all metrics. Raises Away or QueryRefused."""
    return by_name(prometheus.query(VALUES))


def by_name(samples: Iterable[Sample]) -> Values:
    """Sort the answer to VALUES by name."""
    known: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for sample in samples:
        known[sample.labels.get("__name__", "")][sample.labels.get("of", "")] = sample.value
    return known


def value_text(metric: Metric, known: Values) -> str:
    """The value of *metric* now: a counter's sum, a gauge's value or range, a histogram's mean and number."""
    unit = _UNITS.get(metric.unit, "short")
    if metric.type == "histogram":
        number = known.get(f"{metric.prometheus}_count", {}).get("sum", 0.0)
        total = known.get(f"{metric.prometheus}_sum", {}).get("sum", math.nan)
        return f"mean {formatted(total / number, unit)} of {formatted(number, 'short', 0)}" if number else NO_VALUE
    now = known.get(metric.prometheus, {})
    if not now:
        return NO_VALUE
    if metric.type == "counter":
        return formatted(now.get("sum"), unit)
    low, high = formatted(now.get("min"), unit), formatted(now.get("max"), unit)
    return low if low == high else f"{low} to {high}"


def series_text(metric: Metric, known: Values) -> str:
    """How many series *metric* has now."""
    name = f"{metric.prometheus}_count" if metric.type == "histogram" else metric.prometheus
    return f"{known.get(name, {}).get('count', 0):.0f}"


def board_of(metric: Metric) -> Dashboard:
    """A dashboard whose only panel is the contract's example query."""
    shape = read(metric.query, _KNOWN).shape
    unit = next((name for name, one in GRAFANA.items() if shape.unit and one.same(shape.unit)), "short")
    query = Query(expr=metric.query, legend_format="__auto", exemplar="_bucket" in metric.query)
    config = FieldConfig(defaults=Defaults(unit=unit))
    place = GridPos(w=24, h=10)
    panel = Panel(type="timeseries", title=metric.prometheus, targets=(query,), field_config=config, grid_pos=place)
    return Dashboard(title=metric.prometheus, uid=f"{UID}:{metric.prometheus}", refresh="10s", panels=(panel,))


def uses(metric: Metric, dashboards: Iterable[Dashboard], rules: Iterable[Rule]) -> Uses:
    """What reads *metric*, of *dashboards* and *rules*."""
    names = {metric.prometheus, *(f"{metric.prometheus}_{end}" for end in ("bucket", "sum", "count"))}
    recording = [rule for rule in rules if rule.type == "recording"]
    recorded: list[str] = []
    while more := [r.name for r in recording if r.name not in names and names & names_in(r.query)]:
        names |= set(more)
        recorded += more
    panels = [
        (board, panel)
        for board in dashboards
        for panel in board.shown
        if any(names & names_in(_filled_in(query, board)) for query in panel.targets)
    ]
    alerts = [rule.name for rule in rules if rule.type == "alerting" and names & names_in(rule.query)]
    return Uses(panels, list(dict.fromkeys(alerts)), list(dict.fromkeys(recorded)))


@cache
def names_in(expression: str) -> frozenset[str]:
    """Names of the series that *expression* reads."""
    return frozenset(selector.name or "" for selector in read(expression, _ANY).selectors)


def _filled_in(query: Query, board: Dashboard) -> str:
    try:
        return substitute(query.expr, board)
    except UnknownVariable:
        return query.expr
