"""What a service's page, the collector's exposition or Prometheus shows, all in one form."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from prometheus_client.core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from tests.system.contract.facts import STORED, Labels, Place

Sample = tuple[str, Mapping[str, str], float]
"""Name, labels, value."""

_OURS: Final = ("cdb", "otel_")  # the contract's own names, and what OpenTelemetry would add
_NEGATIVE: Final = "cdb_trade_pnl_usd"


@dataclass(frozen=True)
class Key:
    """What identifies one value: the sample's name, its labels but for bound and place, the bound, the place."""

    sample: str
    labels: Labels
    bound: float | None
    place: Place


@dataclass(frozen=True)
class ExposedMetric:
    """One metric as one side shows it. More than one type or help text means that the side contradicts itself."""

    types: frozenset[str]
    helps: frozenset[str]
    values: Mapping[Key, float]
    twice: frozenset[Key]

    @cached_property
    def label_names(self) -> frozenset[frozenset[str]]:
        """The sets of labels that series have."""
        return frozenset(frozenset(label for label, _ in key.labels) for key in self.values)

    @cached_property
    def places(self) -> frozenset[Place]:
        """Where series come from."""
        return frozenset(key.place for key in self.values)

    @cached_property
    def samples(self) -> frozenset[frozenset[str]]:
        """The names of samples that make up one series."""
        return frozenset(frozenset(key.sample for key in keys) for keys in self._series)

    @cached_property
    def bounds(self) -> frozenset[tuple[float, ...]]:
        """The upper bounds of the buckets that make up one series."""
        return frozenset(tuple(sorted(key.bound for key in keys if key.bound is not None)) for keys in self._series)

    @cached_property
    def _series(self) -> list[list[Key]]:
        found: dict[tuple[Labels, Place], list[Key]] = defaultdict(list)
        for key in self.values:
            found[key.labels, key.place].append(key)
        return list(found.values())


Side = Mapping[str, ExposedMetric]
"""What one side shows of each metric, by the name that stands in queries."""
Series = tuple[str, Labels, Place]
"""One of a metric's series, by the metric's name: a histogram with all its buckets is one."""


def series(side: Side) -> set[Series]:
    """The series of *side*."""
    return {(name, key.labels, key.place) for name, shown in side.items() for key in shown.values}


def page(text: str, service: str) -> Side:
    """Read a service's own page. Its series get the place under which Prometheus has them."""
    job, instance = STORED[service]
    return _text(text, {"job": job, "instance": instance})


def exposition(text: str) -> Side:
    """Read the collector's exposition in the text format."""
    return _text(text, {})


def openmetrics(text: str) -> Side:
    """Read the collector's exposition in the format that Prometheus asks for. Raises ValueError if it is malformed.

    But for one metric, which is read as text: the parser refuses what OpenMetrics forbids and Prometheus takes, the sum
    of a histogram with negative bounds.
    """
    lines = text.splitlines(keepends=True)
    negative = [line for line in lines if line.removeprefix("# HELP ").removeprefix("# TYPE ").startswith(_NEGATIVE)]
    rest = "".join(line for line in lines if line not in negative)
    families = [*openmetrics_families(rest), *text_families("".join(negative))]  # type: ignore[no-untyped-call]
    return _side(_described(families, {}, totals=None))


def stored(metadata: Mapping[str, Iterable[Mapping[str, str]]], samples: Iterable[Sample]) -> Side:
    """Read Prometheus' answers: /api/v1/metadata, and the stored series."""
    descriptions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, entries in metadata.items():
        for entry in entries:
            # To OpenMetrics a counter's name is the one without _total.
            full = f"{name.removesuffix('_total')}_total" if entry["type"] == "counter" else name
            descriptions[full].append((entry["type"], entry["help"]))
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        found[_family_of(sample[0], descriptions)].append(sample)
    return _side((name, descriptions.get(name, []), found.get(name, [])) for name in {*descriptions, *found})


def _text(text: str, place: Mapping[str, str]) -> Side:
    # The parser adds a missing _total to a counter's name, so what is declared is looked up.
    declared = {line.split(" ")[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    return _side(_described(text_families(text), place, totals=declared))


_Description = tuple[str, list[tuple[str, str]], list[Sample]]


def _described(
    families: Iterable[Family], place: Mapping[str, str], *, totals: set[str] | None
) -> Iterator[_Description]:
    for family in families:
        name = family.name
        if family.type == "counter" and (totals is None or f"{name}_total" in totals):
            name += "_total"
        samples: list[Sample] = [
            (sample.name, {**place, **sample.labels}, float(sample.value)) for sample in family.samples
        ]
        yield name, [(family.type, family.documentation)], samples


def _family_of(sample: str, descriptions: Mapping[str, Any]) -> str:
    family = sample.rpartition("_")[0]
    return family if sample not in descriptions and family in descriptions else sample


def _side(described: Iterable[_Description]) -> Side:
    found: dict[str, tuple[list[tuple[str, str]], list[Sample]]] = {}
    for name, descriptions, samples in described:
        if name.startswith(_OURS):
            known_descriptions, known_samples = found.setdefault(name, ([], []))
            known_descriptions += descriptions
            known_samples += samples
    return {name: _metric(*parts) for name, parts in found.items()}


def _metric(descriptions: list[tuple[str, str]], samples: list[Sample]) -> ExposedMetric:
    values: dict[Key, float] = {}
    twice: set[Key] = set()
    for sample in samples:
        key = _key(sample)
        if key in values:
            twice.add(key)
        values[key] = sample[2]
    types, helps = zip(*descriptions, strict=True) if descriptions else ((), ())
    return ExposedMetric(types=frozenset(types), helps=frozenset(helps), values=values, twice=frozenset(twice))


def _key(sample: Sample) -> Key:
    name, all_labels, _ = sample
    labels = dict(all_labels)
    place = labels.pop("job", ""), labels.pop("instance", "")
    bound = float(labels.pop("le")) if "le" in labels else None
    return Key(name, frozenset(labels.items()), bound, place)
