"""How long each kind of span usually takes, from the collector's span metrics, which count every span."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cdb.kit.prometheus import Prometheus, Sample

Kind = tuple[str, str]  # service, span's name
Bucket = tuple[float, float]  # upper bound in seconds, how many took no longer

_QUERY: Final = "sum by (service_name, span_name, le) (increase(traces_span_metrics_duration_seconds_bucket[1h]))"


@dataclass(frozen=True)
class Quantile:
    """A quantile in microseconds; within the first bucket or past the last one only a bound is known."""

    microseconds: float
    at_most: bool = False
    at_least: bool = False


@dataclass(frozen=True)
class Baseline:
    """How long spans of one kind took, and how many there were. *later*: it is not from before the trace."""

    median: Quantile
    p95: Quantile
    count: float
    later: bool = False


def baselines_for(prometheus: Prometheus, *, began: float, now: float) -> dict[Kind, Baseline]:
    """Measure the hour before a trace *began*; for kinds without spans then, the hour before *now*. Unix times.

    So what slowed the trace down does not count, unless nothing else is known. A kind without spans in both hours is
    missing. Raises Away or QueryRefused.
    """
    before, later = (from_samples(prometheus.query(_QUERY, at)) for at in (began, now))
    return prefer(before, later)


def prefer(before: Mapping[Kind, Baseline], later: Mapping[Kind, Baseline]) -> dict[Kind, Baseline]:
    """Fill what *before* lacks from *later*, and mark it."""
    return {**{kind: replace(baseline, later=True) for kind, baseline in later.items()}, **before}


def from_samples(samples: Iterable[Sample]) -> dict[Kind, Baseline]:
    """Compute the baseline of each kind of span from its buckets."""
    buckets: dict[Kind, list[Bucket]] = defaultdict(list)
    for sample in samples:
        kind = sample.labels.get("service_name", ""), sample.labels.get("span_name", "")
        if bound := sample.labels.get("le"):
            buckets[kind].append((float(bound), sample.value))
    found = {kind: _baseline(sorted(of_kind)) for kind, of_kind in buckets.items()}
    return {kind: baseline for kind, baseline in found.items() if baseline}


def quantile(share: float, buckets: Sequence[Bucket]) -> Quantile:
    """Compute the quantile *share* (0..1) of cumulative *buckets*, evenly spread within each, as Prometheus does."""
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


def _baseline(buckets: Sequence[Bucket]) -> Baseline | None:
    count = buckets[-1][1]
    if not count > 0:
        return None
    return Baseline(quantile(0.5, buckets), quantile(0.95, buckets), count)
