"""The comparison: the contract against a side, and one side's values against another's. Findings are sentences."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tests.system.contract.exposed import ExposedMetric, Key, Side
from tests.system.contract.facts import STORED, Fact, Place

_PARTS: Final = {"histogram": ("_bucket", "_count", "_sum")}


def deviations(wanted: Iterable[Fact], side: Side, places: Mapping[str, Place] = STORED) -> list[str]:
    """Each way in which *side* shows something else than *wanted*; each names the metric, right and wrong.

    *places* says where a service's series must be from.
    """
    by_name = {fact.name: fact for fact in wanted}
    found = [f"{name}: must not be there, it is not in the contract" for name in side if name not in by_name]
    for name, fact in by_name.items():
        if name in side:
            found += [f"{name}: {problem}" for problem in _problems(fact, side[name], places)]
        elif not fact.absent:
            found.append(f"{name}: must be there, it is missing")
    return found


def differences(before: Mapping[str, Side], between: Side, after: Mapping[str, Side]) -> list[str]:
    """Where *between* has other series than the sides *before* and *after* it together, or other values.

    A value that is the same before and after must be that; one that moves must lie between.
    """
    earlier, middle, later = _values(before.values()), _values([between]), _values(after.values())
    found = [f"{_text(key)}: must not be there" for key in middle if key not in earlier and key not in later]
    for key in earlier.keys() & later.keys():
        low, high = sorted((earlier[key], later[key]))
        if key not in middle:
            found.append(f"{_text(key)}: must be there, it is missing")
        elif not low <= middle[key] <= high:
            found.append(f"{_text(key)}: must be {low:g}{f' to {high:g}' * (low < high)}, is {middle[key]:g}")
    return found


def moved(before: Mapping[str, Side], after: Mapping[str, Side]) -> set[str]:
    """The names of the metrics of which a value has changed, or a series has come or gone."""
    earlier, later = _values(before.values()).items(), _values(after.values()).items()
    return {_metric_of(key.sample, before) for key, _ in earlier ^ later}


def _metric_of(sample: str, sides: Mapping[str, Side]) -> str:
    """The metric's name that a histogram's sample is from."""
    return sample if any(sample in side for side in sides.values()) else sample.rpartition("_")[0]


def _problems(fact: Fact, shown: ExposedMetric, places: Mapping[str, Place]) -> Iterator[str]:
    if shown.types != {fact.type}:
        yield f"type must be {fact.type}, is {_list(shown.types)}"
    if shown.helps != {fact.help}:
        yield f"help must be {fact.help!r}, is {_list(map(repr, shown.helps))}"
    yield from (f"{_text(key)} is there twice" for key in shown.twice)
    wanted = {places[service] for service in fact.services}
    if shown.places != wanted and (shown.places or not fact.absent):
        yield f"must have series of {_list(map(' '.join, wanted))}, has of {_list(map(' '.join, shown.places))}"
    if not shown.values:
        return
    if shown.label_names != {fact.labels}:
        yield f"labels must be {_list(fact.labels)}, are {' and '.join(map(_list, shown.label_names))}"
    samples = {fact.name + part for part in _PARTS.get(fact.type, ("",))}
    if shown.samples != {frozenset(samples)}:
        yield f"a series must have {_list(samples)}, has {' or '.join(map(_list, shown.samples))}"
    if shown.bounds != {fact.bounds}:
        yield f"bounds must be {_numbers(fact.bounds)}, are {' and '.join(map(_numbers, shown.bounds))}"


def _values(sides: Iterable[Side]) -> dict[Key, float]:
    return {key: value for side in sides for shown in side.values() for key, value in shown.values.items()}


def _text(key: Key) -> str:
    labels = [*sorted(key.labels), *([("le", f"{key.bound:g}")] if key.bound is not None else [])]
    inner = ",".join(f'{label}="{value}"' for label, value in labels)
    return f"{key.sample}{{{inner}}} of {key.place[1] or 'nobody'}"


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"


def _numbers(bounds: Iterable[float]) -> str:
    return ", ".join(f"{bound:g}" for bound in bounds) or "none"
