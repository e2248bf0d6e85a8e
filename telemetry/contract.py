"""Load and check the metric contract.

contract.yaml, beside this file, explains its keys.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from keyword import iskeyword
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import yaml

CONTRACT_FILE: Final = Path(__file__).with_name("contract.yaml")
EVERY_SERVICE: Final = "all"
TYPES: Final = ("counter", "gauge", "histogram")
UNITS: Final = ("1", "s", "%", "USD", "bps")
OPEN: Final = "open"

_ANNOTATION = re.compile(r"\{[a-z_]+\}")
_PROMETHEUS_NAME = re.compile(r"cdb(_[a-z0-9]+)+")
_OTEL_NAME = re.compile(r"cdb(\.[a-z][a-z0-9_]*)+")
_LABEL_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TAKEN_LABELS = frozenset({"le", "quantile", "job", "instance"})

MetricType = Literal["counter", "gauge", "histogram"]


class ContractError(ValueError):
    """The contract contradicts itself; the message names the entry and what is allowed."""


class _NoKeyTwice(yaml.CSafeLoader):
    """Refuses a key that occurs twice; plain YAML silently takes the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, count in Counter(key.value for key, _ in node.value).items():
            if count > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} is there twice", node.start_mark)
        return super().construct_mapping(node, deep)


class Metric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the contract."""

    prometheus: str
    type: MetricType
    otel: str
    unit: str
    owner: str
    brief: str
    when: str
    query: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    bounds: tuple[float, float] | None = None  # of a gauge: the least and the most that it can be
    absent: bool = False  # not shown before it has a value
    values: dict[str, tuple[str, ...]] = {}  # by label; no value: open
    combinations: tuple[dict[str, str], ...] = ()
    extension: bool = False

    @property
    def attribute(self) -> str:
        """Name of this metric in code: orders_received for cdb_orders_received_total."""
        return self.prometheus.removeprefix("cdb_").removesuffix("_total")


msgspec.json.Decoder(Metric)  # works out what it is made of; msgspec crashes if two threads have to do so at once


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """All metrics in the file's order; each label has its values."""

    services: tuple[str, ...]
    metrics: tuple[Metric, ...]

    @property
    def owners(self) -> tuple[str, ...]:
        """Who may own a metric: a service without its `cdb_`, or all of them."""
        return owners_of(self.services)

    @property
    def open_labels(self) -> frozenset[str]:
        """Labels whose values are configured, or not known before they are seen."""
        return frozenset(label for metric in self.metrics for label, values in metric.values.items() if not values)

    def owned_by(self, service: str | None) -> tuple[Metric, ...]:
        """Metrics that *service* (such as cdb_core) records; all of them for None."""
        owners = {EVERY_SERVICE, service.removeprefix("cdb_")} if service else set(self.owners)
        return tuple(metric for metric in self.metrics if metric.owner in owners)


def owners_of(services: tuple[str, ...]) -> tuple[str, ...]:
    """Who may own a metric where there are these *services*."""
    return (*(service.removeprefix("cdb_") for service in services), EVERY_SERVICE)


def load_contract(path: Path = CONTRACT_FILE) -> Contract:
    """Read and check the contract. Raises ContractError, which names the wrong entry."""
    try:
        return parse_contract(yaml.load(path.read_text(encoding="utf-8"), _NoKeyTwice))  # noqa: S506  a CSafeLoader
    except yaml.YAMLError as error:
        raise ContractError(f"{path.name}: not YAML: {error}") from error


def parse_contract(raw: Any) -> Contract:
    """Build and check a contract from parsed YAML. Raises ContractError, which names the wrong entry."""
    _only_keys("the contract", raw, {"services", "labels", "metrics"}, required=True)
    if not isinstance(raw["metrics"], list) or not isinstance(raw["labels"], dict):
        raise ContractError("the contract: metrics must be a list, labels a mapping")
    entries = [_entry(number, entry) for number, entry in enumerate(raw["metrics"], 1)]
    services = _texts("services", raw["services"])
    words = {"services": services, "metrics": tuple(entry.prometheus for entry in entries), OPEN: ()}
    listed: dict[str, tuple[str, ...]] = {}
    for label, values in raw["labels"].items():
        if isinstance(values, str) and values not in words:
            raise ContractError(f"label {label}: {values!r} is neither a list nor one of {', '.join(words)}")
        listed[label] = words[values] if isinstance(values, str) else _texts(f"label {label}", values)
    for entry in entries:
        _check(entry, listed, services)
    _check_unique(entries)
    for entry in entries:
        _check_query(entry)
    return Contract(services=services, metrics=tuple(_resolved(entry, listed) for entry in entries))


def _entry(number: int, raw: Any) -> Metric:
    name = f"metric {raw.get('prometheus', f'number {number}') if isinstance(raw, dict) else f'number {number}'}"
    _only_keys(name, raw, set(Metric.__struct_fields__))
    if (kind := raw.get("type")) not in TYPES:
        raise ContractError(f"{name}: type {kind!r} is not one of {', '.join(TYPES)}")
    try:
        return msgspec.convert(raw, Metric)
    except msgspec.ValidationError as error:
        raise ContractError(f"{name}: {error}") from error


def _only_keys(name: str, raw: Any, allowed: set[str], *, required: bool = False) -> None:
    if not isinstance(raw, dict):
        raise ContractError(f"{name}: must be a mapping with the keys {', '.join(sorted(allowed))}")
    if unknown := raw.keys() - allowed:
        keys = ", ".join(map(str, unknown))
        raise ContractError(f"{name}: unknown key {keys}; allowed: {', '.join(sorted(allowed))}")
    if required and (missing := allowed - raw.keys()):
        raise ContractError(f"{name}: {', '.join(sorted(missing))} is missing")


def _texts(name: str, values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not values:
        raise ContractError(f"{name}: needs a list of at least one value")
    for value in values:
        if not isinstance(value, str) or not value:
            raise ContractError(f"{name}: the value {value!r} is not text (numbers need quotes)")
    if twice := [value for value, count in Counter(values).items() if count > 1]:
        raise ContractError(f"{name}: the value {twice[0]!r} is there twice")
    return tuple(values)


def _check(metric: Metric, listed: Mapping[str, tuple[str, ...]], services: tuple[str, ...]) -> None:
    name = f"metric {metric.prometheus}"
    if not _PROMETHEUS_NAME.fullmatch(metric.prometheus):
        raise ContractError(f"{name}: the prometheus name must look like cdb_words_with_underscores")
    if not metric.attribute.isidentifier() or iskeyword(metric.attribute):
        raise ContractError(f"{name}: {metric.attribute!r} cannot be a name in code; allowed: what Python can call so")
    if not _OTEL_NAME.fullmatch(metric.otel):
        raise ContractError(f"{name}: the otel name {metric.otel!r} must look like cdb.dotted.words")
    if metric.owner not in (owners := owners_of(services)):
        raise ContractError(f"{name}: owner {metric.owner!r} is not one of {', '.join(owners)}")
    if metric.unit not in UNITS and not _ANNOTATION.fullmatch(metric.unit):
        raise ContractError(f"{name}: unit {metric.unit!r} is not one of {', '.join(UNITS)} or a {{word}}")
    for key, text in (("brief", metric.brief), ("when", metric.when), ("query", metric.query)):
        if not text.strip() or not text.isprintable():
            raise ContractError(f"{name}: {key} must be one line of text")
    if (metric.type == "counter") != metric.prometheus.endswith("_total"):
        raise ContractError(f"{name}: a {metric.type} must {'' if metric.type == 'counter' else 'not '}end in _total")
    _check_buckets(name, metric)
    if metric.bounds and (metric.type != "gauge" or metric.bounds[0] >= metric.bounds[1]):
        raise ContractError(f"{name}: bounds are of a gauge, the least before the most, not {list(metric.bounds)}")
    _check_labels(name, metric, listed)
    _check_combinations(name, metric, services)


def _check_buckets(name: str, metric: Metric) -> None:
    if metric.type != "histogram":
        if metric.buckets:
            raise ContractError(f"{name}: a {metric.type} has no buckets, only a histogram has")
    elif not metric.buckets:
        raise ContractError(f"{name}: a histogram needs buckets")
    elif not all(low < high < float("inf") for low, high in pairwise((float("-inf"), *metric.buckets))):
        raise ContractError(f"{name}: buckets must rise strictly and be finite, not {list(metric.buckets)}")


def _check_labels(name: str, metric: Metric, listed: Mapping[str, tuple[str, ...]]) -> None:
    for label, count in Counter(metric.labels).items():
        if count > 1:
            raise ContractError(f"{name}: label {label} is there twice")
        if not _LABEL_NAME.fullmatch(label) or iskeyword(label) or label in _TAKEN_LABELS:
            taken = ", ".join(sorted(_TAKEN_LABELS))
            raise ContractError(
                f"{name}: bad label name {label!r}; allowed: lower_case_words, none of Python's, none of {taken}"
            )
        if label not in listed and label not in metric.values:
            known = ", ".join(sorted({*listed, *metric.values}))
            raise ContractError(f"{name}: label {label} has no values; list them under labels (there are: {known})")
    for label, values in metric.values.items():
        if label not in metric.labels:
            raise ContractError(f"{name}: values for {label!r}, which is not one of its labels {list(metric.labels)}")
        _texts(f"{name}, label {label}", values)


def _check_combinations(name: str, metric: Metric, services: tuple[str, ...]) -> None:
    shapes = {frozenset(combination) - {"service"} for combination in metric.combinations}
    if len(shapes) > 1:
        raise ContractError(f"{name}: all combinations must have the same keys")
    for combination in metric.combinations:
        if unknown := combination.keys() - {*metric.labels, "service"}:
            raise ContractError(
                f"{name}: combination with {', '.join(unknown)}; allowed: {', '.join((*metric.labels, 'service'))}"
            )
        if (service := combination.get("service", services[0])) not in services:
            raise ContractError(f"{name}: combination for service {service!r}, not one of {', '.join(services)}")


def _check_query(metric: Metric) -> None:
    name = f"metric {metric.prometheus}"
    if not re.search(rf"\b({'|'.join(_exposed(metric))})\b", metric.query):
        raise ContractError(f"{name}: query does not ask for it; it must have one of {', '.join(_exposed(metric))}")
    falling = {"gauge": metric.prometheus, "histogram": f"{metric.prometheus}_sum"}.get(metric.type)
    if metric.type == "histogram" and metric.buckets[0] >= 0:
        return
    if falling and (found := re.search(rf"\b(rate|irate|increase)\(\s*{falling}\b", metric.query)):
        raise ContractError(f"{name}: query takes {found[1]}() of {falling}, which can fall; allowed: what only rises")


def _exposed(metric: Metric) -> tuple[str, ...]:
    suffixes = ("_bucket", "_sum", "_count") if metric.type == "histogram" else ("",)
    return tuple(metric.prometheus + suffix for suffix in suffixes)


def _check_unique(metrics: Iterable[Metric]) -> None:
    seen: dict[str, str] = {}
    for metric in metrics:
        exposed = dict.fromkeys((metric.prometheus, *_exposed(metric)))
        for name in (*exposed, metric.otel, f"attribute {metric.attribute}"):
            if name in seen:
                raise ContractError(f"metric {metric.prometheus}: the name {name} is already taken by {seen[name]}")
            seen[name] = metric.prometheus


def _resolved(metric: Metric, listed: Mapping[str, tuple[str, ...]]) -> Metric:
    values = {label: metric.values.get(label, listed.get(label, ())) for label in metric.labels}
    for combination in metric.combinations:
        for label, value in combination.items():
            if label in values and value not in values[label]:
                allowed = ", ".join(values[label])
                raise ContractError(f"metric {metric.prometheus}: combination {label}={value!r}; allowed: {allowed}")
    return msgspec.structs.replace(metric, values=values)
