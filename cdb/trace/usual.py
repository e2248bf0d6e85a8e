"""What is usual for each span, from the span metrics that the collector takes of all spans, kept or not."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cdb.kit.prometheus import Prometheus, Sample

Kind = tuple[str, str]  # service, span's name
Bucket = tuple[float, float]  # upper bound in seconds, how many took no longer

_QUERY: Final = (
    "sum by (service_name, span_name, le) (increase(traces_span_metrics_duration_seconds_bucket[{seconds}s]))"
)


@dataclass(frozen=True)
class Quantile:
    """A quantile in microseconds as buckets know it: within the first or past the last it is only a bound."""

    microseconds: float
    at_most: bool = False
    at_least: bool = False


@dataclass(frozen=True)
class Usual:
    """How long spans of one kind took, and how many there were; *later*: nothing was known before the trace began."""

    median: Quantile
    p95: Quantile
    count: float
    later: bool = False


def usual(prometheus: Prometheus, *, at: float, seconds: int = 3600) -> dict[Kind, Usual]:
    """Return what was usual in the *seconds* before the Unix time *at*; a kind without spans is missing.

    Raise PrometheusAway or QueryRefused.
    """
    return from_samples(prometheus.query(_QUERY.format(seconds=seconds), at))


def usual_for(prometheus: Prometheus, *, began: float, now: float) -> dict[Kind, Usual]:
    """Return what was usual in the hour before a trace *began*, and of kinds without spans then in that before *now*.

    Unix times. What slowed the trace down is not in its own measure, unless nothing else is known.
    """
    return prefer(usual(prometheus, at=began), usual(prometheus, at=now))


def prefer(before: Mapping[Kind, Usual], later: Mapping[Kind, Usual]) -> dict[Kind, Usual]:
    """Return *before*, and of what it lacks *later*, marked as that."""
    return {**{kind: replace(one, later=True) for kind, one in later.items()}, **before}


def from_samples(samples: Iterable[Sample]) -> dict[Kind, Usual]:
    """Return what the buckets in *samples* say of each kind of span."""
    buckets: dict[Kind, list[Bucket]] = defaultdict(list)
    for sample in samples:
        kind = sample.labels.get("service_name", ""), sample.labels.get("span_name", "")
        if bound := sample.labels.get("le"):
            buckets[kind].append((float(bound), sample.value))
    found = {kind: _usual(sorted(some)) for kind, some in buckets.items()}
    return {kind: one for kind, one in found.items() if one}


def quantile(share: float, buckets: Sequence[Bucket]) -> Quantile:
    """Return the quantile *share* (0..1) of cumulative *buckets*, evenly spread within each, as Prometheus does."""
    rank = share * buckets[-1][1]
    lower, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= rank:
            if math.isinf(bound):
                return Quantile(lower * 1e6, at_least=True)
            if lower == 0.0:
                return Quantile(bound * 1e6, at_most=True)
            return Quantile((lower + (bound - lower) * (rank - below) / (count - below)) * 1e6)
        lower, below = bound, count
    return Quantile(lower * 1e6, at_least=True)


def _usual(buckets: Sequence[Bucket]) -> Usual | None:
    count = buckets[-1][1]
    if not count > 0:
        return None
    return Usual(quantile(0.5, buckets), quantile(0.95, buckets), count)
