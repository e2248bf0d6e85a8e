"""Every change of an entry of the contract is found, on what a real collector and Prometheus show."""

from collections.abc import Iterator

import msgspec
import pytest

from telemetry.contract import TYPES, Contract, Metric, load_contract
from tests.system.contract.evidence import Evidence
from tests.system.contract.exposed import Side

pytestmark = pytest.mark.e2e

CONTRACT = load_contract()


def changes(metric: Metric) -> Iterator[tuple[Metric, ...]]:
    """Yield what could stand in the contract instead of *metric*, by every one of its attributes that shows."""
    yield ()
    yield (metric, _changed(metric, prometheus=f"cdb_more_{metric.prometheus.removeprefix('cdb_')}"))
    yield (_changed(metric, prometheus=metric.prometheus.replace("cdb_", "cdb_another_", 1)),)
    yield (_changed(metric, brief=metric.brief + "."),)
    yield (_changed(metric, brief=metric.brief[1:]),)
    for kind in set(TYPES) - {metric.type}:
        yield (_changed(metric, type=kind),)
    yield (_changed(metric, labels=(*metric.labels, "more")),)
    for label in metric.labels:
        yield (_changed(metric, labels=tuple(name for name in metric.labels if name != label)),)
        yield (_changed(metric, labels=tuple("another" if name == label else name for name in metric.labels)),)
    yield (_changed(metric, buckets=(*metric.buckets, 1e9)),)
    for bound in metric.buckets:
        yield (_changed(metric, buckets=tuple(other for other in metric.buckets if other != bound)),)
        yield (_changed(metric, buckets=tuple(b + 1e-9 if b == bound else b for b in metric.buckets)),)


@pytest.mark.parametrize("metric", CONTRACT.metrics, ids=lambda metric: metric.prometheus)
def test_a_changed_entry_is_found_on_every_side_and_by_its_name(evidence: Evidence, metric: Metric) -> None:
    """Each side that has series of it finds it, and nothing is said of another metric."""
    sides = {f"page of {service}" for service, side in evidence.pages.items() if _has_series(side, metric)}
    if sides or not metric.absent:
        sides |= {"exposition", "exposition as OpenMetrics", "Prometheus", "Prometheus, ever"}
    for instead in changes(metric):
        found = evidence.deviations(_with(metric, instead))
        assert {side for side in sides if not found[side]} == set(), f"found in order with {instead}"
        names = {metric.prometheus, *(other.prometheus for other in instead)}
        assert {line.split(":")[0] for lines in found.values() for line in lines} <= names


@pytest.mark.parametrize("metric", CONTRACT.metrics, ids=lambda metric: metric.prometheus)
def test_another_owner_is_found(evidence: Evidence, metric: Metric) -> None:
    """As its series come from another service."""
    if metric.absent and not _has_series(evidence.stored, metric):
        return
    for owner in {"ws", "core", "risk", "execution"} - {metric.owner}:
        found = evidence.deviations(_with(metric, (_changed(metric, owner=owner, combinations=()),)))
        assert found["exposition"]
        assert found["Prometheus"]


def _has_series(side: Side, metric: Metric) -> bool:
    return metric.prometheus in side and bool(side[metric.prometheus].values)


def _changed(metric: Metric, **change: object) -> Metric:
    return msgspec.structs.replace(
        metric, **{"absent": False, **change}
    )  # what may be absent may have another name, too


def _with(metric: Metric, instead: tuple[Metric, ...]) -> Contract:
    metrics = (other for one in CONTRACT.metrics for other in (instead if one is metric else (one,)))
    return msgspec.structs.replace(CONTRACT, metrics=tuple(metrics))
