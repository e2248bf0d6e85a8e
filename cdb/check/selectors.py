"""Check one vector selector against what is known."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import promql_parser as promql

from cdb.check.findings import Fault, nearest
from cdb.check.known_metrics import Knowledge, Known, Values
from cdb.check.shapes import UNKNOWN, Shape

_LITERALS: Final = re.compile(r"[^\\.+*?()\[\]{}^$]+")


def shape_of(selector: promql.VectorSelector, known: Knowledge) -> tuple[Shape, list[Fault]]:
    """Tell what *selector* returns, and what is wrong with it."""
    matchers = list(selector.matchers.matchers)
    name = selector.name or next(
        (m.value for m in matchers if m.name == "__name__" and m.op == promql.MatchOp.Equal), ""
    )
    if not name:
        return UNKNOWN, _by_pattern(matchers, known)
    metric = known.metrics.get(name)
    if metric is None:
        return UNKNOWN, [_unknown(name, known)]
    matchers = [matcher for matcher in matchers if matcher.name != "__name__"]
    faults = [fault for matcher in matchers for fault in _of_matcher(matcher, metric)]
    labels = {**metric.labels, **{m.name: narrowed(metric.labels.get(m.name), m) for m in matchers}}
    if not faults and not _can_be(metric, labels):
        faults = [Fault(f"{name} has no series with {selector.prettify().removeprefix(name)}")]
    return Shape(
        labels,
        kind=metric.kind,
        unit=metric.unit,
        bounds=metric.bounds,
        highest=metric.highest,
        name=name,
        absent=metric.absent,
    ), faults


def _unknown(name: str, known: Knowledge) -> Fault:
    if name in known.families():
        parts = ", ".join(sorted(one.name for one in known.metrics.values() if one.family == name))
        return Fault(f"{name} is a histogram, which as such has no series", parts)
    return Fault(f"there is no metric {name}", nearest(name, known.metrics))


def _by_pattern(matchers: list[promql.Matcher], known: Knowledge) -> list[Fault]:
    patterns = [matcher.value for matcher in matchers if matcher.name == "__name__" and matcher.op == promql.MatchOp.Re]
    return [
        Fault(f"no metric is like {one}") for one in patterns if not any(_fits(one, name) for name in known.metrics)
    ]


def _of_matcher(matcher: promql.Matcher, metric: Known) -> Iterator[Fault]:
    if matcher.name not in metric.labels:
        yield Fault(f"{metric.name} has no label {matcher.name}", nearest(matcher.name, metric.labels))
        return
    values = metric.labels[matcher.name]
    if values is None:
        return
    for value in _asked(matcher):
        if value and value not in values:
            said = f"{metric.name} has no {matcher.name}={value!r}"
            yield Fault(said, nearest(value, values) or f"one of {', '.join(sorted(values))}")
    if matcher.op == promql.MatchOp.Re and not any(_fits(matcher.value, value) for value in (*values, "")):
        yield Fault(f"no {matcher.name} of {metric.name} is like {matcher.value!r}", nearest(matcher.value, values))


def _asked(matcher: promql.Matcher) -> list[str]:
    """List the values that *matcher* names; none if it has a pattern."""
    if matcher.op in (promql.MatchOp.Equal, promql.MatchOp.NotEqual):
        return [matcher.value]
    alternatives = matcher.value.removeprefix("(").removesuffix(")").split("|")
    return alternatives if len(alternatives) > 1 and all(map(_LITERALS.fullmatch, alternatives)) else []


def narrowed(values: Values, matcher: promql.Matcher) -> Values:
    """Keep those of *values* that *matcher* lets pass."""
    if matcher.op == promql.MatchOp.Equal:
        return frozenset({matcher.value})
    if values is None:
        return None
    if matcher.op == promql.MatchOp.NotEqual:
        return values - {matcher.value}
    wanted = matcher.op == promql.MatchOp.Re
    return frozenset(value for value in values if _fits(matcher.value, value) == wanted)


def _can_be(metric: Known, labels: Mapping[str, Values]) -> bool:
    """Tell whether a label set of *metric* is among *labels*; `other` stands for what is not in the contract."""
    if not metric.sets:
        return True
    sets = (*metric.sets, {name: "other" for one in metric.sets for name in one if name not in {"job", "instance"}})
    return any(all(_among(value, labels.get(name)) for name, value in one.items()) for one in sets if one)


def _among(value: str, values: Values) -> bool:
    return values is None or value in values


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:  # RE2 knows what Python does not; Prometheus will tell
        return True
