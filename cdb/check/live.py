"""Check against a running Prometheus that every panel has data, and that every rule is loaded and evaluates."""

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import promql_parser as promql

from cdb.check.findings import Finding, nearest
from cdb.check.project import Rule
from cdb.check.static import Checked
from cdb.dashboard.model.dashboards import Dashboard, Query
from cdb.dashboard.model.variables import Interval, UnknownVariable, choices, substitute
from cdb.kit.prometheus import Prometheus, QueryRefused, RuleGroup
from cdb.kit.prometheus import Rule as Loaded

_RANGE_S: Final = 300.0
_STEP_S: Final = 15.0
_AT_ONCE: Final = 4


@dataclass(frozen=True)
class _Ask:
    file: str
    place: str
    dashboard: Dashboard
    query: Query
    choice: Mapping[str, tuple[str, ...]]


def check(checked: Checked, server: Prometheus, now: float) -> None:
    """Add to *checked* what *server* has no data for at the Unix time *now*, and the rules that do not work there.

    Raise PrometheusAway.
    """
    checked.report.depth = "live"
    asks = [ask for file, dashboard in checked.project.dashboards.items() for ask in _asks(file, dashboard, server)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for findings in pool.map(lambda ask: list(_empty(ask, server, now)), asks):
            checked.report.add(findings)
    checked.report.count("queries", len(asks))
    checked.report.add(_rules(checked.project.rules, server.rules()))


def _asks(file: str, dashboard: Dashboard, server: Prometheus) -> Iterator[_Ask]:
    """Yield each query, once for all values of the variables and once for the first of each."""
    offered = choices(dashboard, lambda selector, label: _offered(server, selector, label))
    first = {name: values[:1] for name, values in offered.items()}
    for panel in dashboard.shown:
        for query in panel.targets:
            place = f"{dashboard.title}, panel {panel.title!r}, query {query.ref_id}"
            yield _Ask(file, place, dashboard, query, {})
            if _filled(query, dashboard, first) != _filled(query, dashboard, {}):
                chosen = ", ".join(
                    f"${name} {', '.join(values) or 'without a value'}" for name, values in first.items()
                )
                yield _Ask(file, f"{place} ({chosen})", dashboard, query, first)


def _offered(server: Prometheus, selector: str, label: str) -> tuple[str, ...]:
    """Return the values that *label* has now; the server's own list has also those of long ago."""
    if not selector:
        return server.label_values(label)
    found = server.query(f"count by ({label}) ({selector})")
    return tuple(sorted(sample.labels[label] for sample in found if label in sample.labels))


def _filled(query: Query, dashboard: Dashboard, choice: Mapping[str, tuple[str, ...]]) -> str:
    try:
        return substitute(query.expr, dashboard, choice, Interval(range_s=_RANGE_S, step_s=_STEP_S))
    except UnknownVariable:
        return query.expr  # which the static check has named


def _empty(ask: _Ask, server: Prometheus, now: float) -> Iterator[Finding]:
    try:
        text = substitute(ask.query.expr, ask.dashboard, ask.choice, Interval(range_s=_RANGE_S, step_s=_STEP_S))
        values = _values(ask.query, text, server, now)
    except (UnknownVariable, QueryRefused) as error:
        yield Finding(ask.file, ask.place, f"cannot be asked: {error}")
        return
    if not values:
        yield Finding(ask.file, ask.place, f"returns nothing: {text}")
    elif not any(map(math.isfinite, values)):
        yield Finding(ask.file, ask.place, f"returns no number, only {values[0]}: {text}")


def _values(query: Query, text: str, server: Prometheus, now: float) -> list[float]:
    if query.instant:
        return [sample.value for sample in server.query(text, now)]
    found = server.query_range(text, start=now - _RANGE_S, end=now, step=_STEP_S)
    return [value for series in found for _, value in series.points]


def _rules(rules: tuple[Rule, ...], groups: tuple[RuleGroup, ...]) -> Iterator[Finding]:
    loaded = {(group.name, rule.name): rule for group in groups for rule in group.rules}
    for rule in rules:
        running = loaded.get((rule.group, rule.name))
        if running is None:
            like = nearest(rule.name, [name for _, name in loaded])
            yield Finding(rule.file, rule.place, "is not loaded: what runs was started with other rules", like)
        elif fault := _fault(rule, running):
            yield Finding(rule.file, rule.place, fault)


def _fault(rule: Rule, running: Loaded) -> str:
    if running.last_error:
        return f"cannot be evaluated: {running.last_error}"
    if running.health != "ok":
        return f"has not been evaluated yet (health {running.health})"
    if _normal(rule.entry.expr) != _normal(running.query):
        return f"another expression is loaded: {running.query}"
    return ""


def _normal(text: str) -> str:
    try:
        return promql.parse(text).prettify()
    except ValueError:
        return text
