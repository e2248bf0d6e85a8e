"""Check against a running Prometheus that every panel has data, and that every rule is loaded and evaluates.

What the contract calls absent before it has a value may be missing: such panels say so.
"""

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import promql_parser as promql

from cdb.check.expressions import read
from cdb.check.findings import Fault, nearest
from cdb.check.project import Rule
from cdb.check.static import Checked
from cdb.dashboard.model.dashboards import Dashboard, Query
from cdb.dashboard.model.variables import UnknownVariable, choices, substitute
from cdb.kit.prometheus import Prometheus, QueryRefused
from cdb.kit.prometheus import Rule as Loaded

_RANGE_S: Final = 300.0
_STEP_S: Final = 15.0
_AT_ONCE: Final = 4


_Ask = tuple[str, str, Query, str]
"""File, place, query, and its text with the variables filled in."""


def check(checked: Checked, server: Prometheus, now: float) -> None:
    """Add to *checked* the queries without data at the Unix time *now* and the rules that do not work.

    Raises Away.
    """
    report, project = checked.report, checked.project
    report.depth = "live"
    asks = [ask for file, dashboard in project.dashboards.items() for ask in _asks(file, dashboard, server)]
    report.looked_at.update({"queries": len(asks), "not enough data": 0})
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda ask: _answer(ask[2], ask[3], server, now), asks)
        for (file, place, _, text), answer in zip(asks, found, strict=True):
            if answer == [] and read(text, checked.known).shape.absent:
                report.looked_at["not enough data"] += 1
            else:
                report.add(file, place, *_faults(answer, text))
    loaded = {(group.name, rule.name): rule for group in server.rules() for rule in group.rules}
    for rule in project.rules:
        report.add(rule.file, rule.place, *_not_working(rule, loaded))


def _asks(file: str, dashboard: Dashboard, server: Prometheus) -> Iterator[_Ask]:
    """Yield each query for all values of the variables, and once more for the first value of each."""
    offered = choices(dashboard, lambda selector, label: _offered(server, selector, label))
    first = {name: values[:1] for name, values in offered.items()}
    chosen = ", ".join(f"${name} {', '.join(values) or 'without a value'}" for name, values in first.items())
    for panel in dashboard.shown:
        for query in panel.targets:
            place = f"{dashboard.title}, panel {panel.title!r}, query {query.ref_id}"
            with suppress(UnknownVariable):  # which the static check has named
                texts = [substitute(query.expr, dashboard, choice, _RANGE_S) for choice in ({}, first)]
                yield file, place, query, texts[0]
                if texts[1] != texts[0]:
                    yield file, f"{place} ({chosen})", query, texts[1]


def _offered(server: Prometheus, selector: str, label: str) -> tuple[str, ...]:
    """Values that *label* has now; the server's own list has also those of long ago."""
    found = server.query(f"count by ({label}) ({selector})")
    return tuple(sorted(sample.labels[label] for sample in found if label in sample.labels))


def _answer(query: Query, text: str, server: Prometheus, now: float) -> list[float] | QueryRefused:
    try:
        if query.instant:
            return [sample.value for sample in server.query(text, now)]
        found = server.query_range(text, start=now - _RANGE_S, end=now, step=_STEP_S)
        return [value for series in found for _, value in series.points]
    except QueryRefused as error:
        return error


def _faults(answer: list[float] | QueryRefused, text: str) -> Iterator[Fault]:
    if isinstance(answer, QueryRefused):
        yield Fault(f"cannot be queried: {answer}")
    elif not answer:
        yield Fault(f"returns nothing: {text}")
    elif not any(map(math.isfinite, answer)):
        yield Fault(f"returns no number, only {answer[0]}: {text}")


def _not_working(rule: Rule, loaded: Mapping[tuple[str, str], Loaded]) -> Iterator[Fault]:
    running = loaded.get((rule.group, rule.name))
    if running is None:
        like = nearest(rule.name, [name for _, name in loaded])
        yield Fault("is not loaded: Prometheus was started with other rules", like)
    elif running.last_error:
        yield Fault(f"cannot be evaluated: {running.last_error}")
    elif running.health != "ok":
        yield Fault(f"has not been evaluated yet (health {running.health})")
    elif _normal(rule.entry.expr) != _normal(running.query):
        yield Fault(f"another expression is loaded: {running.query}")


def _normal(text: str) -> str:
    try:
        return promql.parse(text).prettify()
    except ValueError:
        return text
