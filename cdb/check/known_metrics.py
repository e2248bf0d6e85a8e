"""What may be asked for: the metrics of the contract, of other programs and of recording rules, with their labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

import msgspec

from cdb.check.files import FileError, read_yaml
from cdb.check.scraping import PROMETHEUS, Jobs, scraped
from cdb.check.units import Bounds, Unit
from telemetry.contract import Contract, Metric

OTHER_METRICS: Final = Path("monitoring", "other_metrics.yaml")
RULES: Final = PROMETHEUS / "rules"
CDB_JOB: Final = "cdb_services"

Values = frozenset[str] | None
"""The values a label can have; None: any."""
Kind = Literal["counter", "gauge", "bucket"]


@dataclass(frozen=True)
class Known:
    """One name in Prometheus."""

    name: str
    kind: Kind
    labels: Mapping[str, Values]
    unit: Unit | None = None
    bounds: Bounds | None = None
    highest: float | None = None  # of a histogram: the highest bound of a bucket
    sets: tuple[Mapping[str, str], ...] = ()  # the label sets that exist, if they are less than all
    family: str = ""  # of a histogram: its name without a suffix
    rare: bool = False
    absent: bool = False  # has no series before it has a value


class _Foreign(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["counter", "gauge", "histogram", "summary"]
    labels: tuple[str, ...] = ()
    unit: str = ""
    bounds: Bounds | None = None
    rare: bool = False


class _Group(msgspec.Struct, forbid_unknown_fields=True):
    jobs: tuple[str, ...] | Literal["every"]
    metrics: dict[str, _Foreign]


class _ForeignFile(msgspec.Struct, forbid_unknown_fields=True):
    groups: tuple[_Group, ...]


@dataclass(frozen=True)
class Knowledge:
    """Everything that may be asked for, by name."""

    metrics: Mapping[str, Known]
    interval: str
    """Of scrapes."""
    types: Mapping[str, str] = field(default_factory=dict)  # of families, as /api/v1/metadata has them

    def families(self) -> set[str]:
        """Names of histograms, which as such are no metric."""
        return {known.family for known in self.metrics.values() if known.family}

    def plus(self, *more: Known) -> "Knowledge":
        """Add *more* names."""
        return Knowledge({**self.metrics, **{known.name: known for known in more}}, self.interval, self.types)


def load(root: Path, contract: Contract) -> Knowledge:
    """Put together what *contract*, other_metrics.yaml and the scrape configuration of the project in *root* say.

    Raises FileError.
    """
    jobs, interval = scraped(root)
    foreign = read_yaml(root, root / OTHER_METRICS, _ForeignFile)
    metrics: dict[str, Known] = {}
    types: dict[str, str] = {metric.prometheus: metric.type for metric in contract.metrics}
    for metric in contract.metrics:
        metrics |= {known.name: known for known in _of_contract(metric, jobs, contract.services)}
    for group in foreign.groups:
        chosen = tuple(jobs) if group.jobs == "every" else group.jobs
        if unknown := set(chosen) - jobs.keys():
            raise FileError(f"{OTHER_METRICS}: no job {', '.join(sorted(unknown))}; there are {', '.join(jobs)}")
        places = tuple({"job": job, "instance": instance} for job in chosen for instance in jobs[job])
        for name, entry in group.metrics.items():
            if name in types:
                raise FileError(f"{OTHER_METRICS}: {name} is there twice, or in the contract too")
            types[name] = entry.type
            metrics |= {known.name: known for known in _of_others(name, entry, places)}
    return Knowledge(metrics, interval, types)


def of_contract(contract: Contract) -> Knowledge:
    """What *contract* alone says, wherever and however often its services are scraped."""
    every = [known for metric in contract.metrics for known in _of_contract(metric, {}, contract.services)]
    return Knowledge({known.name: known for known in every}, "1ms")


def _of_contract(metric: Metric, jobs: Jobs, services: tuple[str, ...]) -> Iterator[Known]:
    owners = services if metric.owner == "all" else (f"cdb_{metric.owner}",)
    places = tuple(one for one in jobs.get(CDB_JOB, ()) if one.partition(":")[0] in owners)
    labels: dict[str, Values] = {"job": frozenset({CDB_JOB}), "instance": frozenset(places)}
    labels |= {name: frozenset((*values, "other")) if values else None for name, values in metric.values.items()}
    if "service" in labels:
        labels["service"] = frozenset(owners)
    sets = tuple({name: one for name, one in each.items() if name in labels} for each in metric.combinations)
    yield from _expanded(
        Known(metric.prometheus, "gauge", labels, Unit.of(metric.unit), metric.bounds, sets=sets, absent=metric.absent),
        metric.type,
        falls=bool(metric.buckets) and metric.buckets[0] < 0,
        highest=metric.buckets[-1] if metric.buckets else None,
    )


def _of_others(name: str, entry: _Foreign, places: tuple[dict[str, str], ...]) -> Iterator[Known]:
    labels: dict[str, Values] = dict.fromkeys(entry.labels)
    labels |= {label: frozenset(place[label] for place in places) for label in ("job", "instance")}
    one = Known(name, "gauge", labels, Unit.of(entry.unit), entry.bounds, sets=places, rare=entry.rare)
    yield from _expanded(one, entry.type)


def _expanded(known: Known, kind: str, *, falls: bool = False, highest: float | None = None) -> Iterator[Known]:
    """Yield the names under which *known* is exposed; *falls* is of a histogram that takes negative values."""
    if kind in {"counter", "gauge"}:
        yield replace(known, kind="counter" if kind == "counter" else "gauge")
        return
    if kind == "summary":
        yield replace(known, labels={**known.labels, "quantile": None})
    else:
        buckets = replace(known, kind="bucket", labels={**known.labels, "le": None}, highest=highest, family=known.name)
        yield replace(buckets, name=f"{known.name}_bucket")
    family = known.name if kind == "histogram" else ""
    yield replace(known, name=f"{known.name}_sum", kind="gauge" if falls else "counter", family=family)
    yield replace(known, name=f"{known.name}_count", kind="counter", unit=Unit("count"), family=family)
