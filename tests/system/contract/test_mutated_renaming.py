"""Every change of an entry of the renaming is found, in real collectors that have it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from telemetry.contract import Metric, load_contract
from tests.support.points import all_wrong, send
from tests.system.contract.comparison import deviations
from tests.system.contract.exposed import exposition
from tests.system.contract.facts import EXPOSED, facts_with_values
from tests.system.contract.mutants import Mutation, Renaming, running_mutants
from tests.system.contract.valid_points import valid_points

pytestmark = pytest.mark.integration

METRICS: Final = load_contract().metrics
COUNTERS: Final = [metric for metric in METRICS if metric.type == "counter"]
HISTOGRAMS: Final = [metric for metric in METRICS if metric.type == "histogram"]


def another_name(renaming: Renaming, metric: Metric) -> None:
    described, named = renaming.statements[metric.otel]
    renaming.statements[metric.otel] = [described, named.replace('"cdb_', '"cdb_another_')]


def another_help(renaming: Renaming, metric: Metric) -> None:
    described, named = renaming.statements[metric.otel]
    renaming.statements[metric.otel] = [described.removesuffix('")') + ', or so")', named]


def no_help(renaming: Renaming, metric: Metric) -> None:
    renaming.statements[metric.otel] = renaming.statements[metric.otel][1:]


def no_name(renaming: Renaming, metric: Metric) -> None:
    del renaming.statements[metric.otel]


def not_let_through(renaming: Renaming, metric: Metric) -> None:
    renaming.names = renaming.names.replace(f'"{metric.otel}"', f'"{metric.otel}.no_more"')


def one_label_more(renaming: Renaming, metric: Metric) -> None:
    condition = renaming.conditions[metric.otel]
    renaming.conditions[metric.otel] = re.sub(r"(attributes\) ==) \d+", rf"\1 {len(metric.labels) + 1}", condition)


def another_type(renaming: Renaming, metric: Metric) -> None:
    kinds = {"counter": "GAUGE", "gauge": "HISTOGRAM", "histogram": "SUM"}
    condition = renaming.conditions[metric.otel]
    renaming.conditions[metric.otel] = re.sub(r"(DATA_TYPE)_\w+", rf"\1_{kinds[metric.type]}", condition)


def other_bounds(renaming: Renaming, metric: Metric) -> None:
    renaming.conditions[metric.otel] = renaming.conditions[metric.otel].replace(']"', ',1000000]"')


@pytest.mark.parametrize(
    ("mutation", "metrics", "finding"),
    [
        (another_name, METRICS, "must be there, it is missing"),
        (another_help, METRICS, "help must be "),
        (no_help, METRICS, "help must be "),
        (no_name, METRICS, "(must be there, it is missing|help must be )"),  # the dotted name can be the right one
        (not_let_through, METRICS, "must be there, it is missing"),
        (one_label_more, METRICS, "must be there, it is missing"),
        (another_type, METRICS, "must be there, it is missing"),
        (other_bounds, HISTOGRAMS, "must be there, it is missing"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_entry_that_changes_or_stops_right_points_is_found(
    tmp_path: Path, mutation: Mutation, metrics: Sequence[Metric], finding: str
) -> None:
    """There is a finding on each changed metric, and none on another."""
    with running_mutants(tmp_path, mutation, metrics) as mutants:
        send(mutants.collector.endpoint, valid_points(load_contract()))
        for changed, text in mutants.expositions():
            found = deviations(facts_with_values(load_contract()), exposition(text), EXPOSED)
            assert {line.split(":")[0] for line in found if re.search(f": {finding}", line)} == changed
            assert not [line for line in found if line.split(":")[0] not in changed | new_names(changed)]


def new_names(changed: set[str]) -> set[str]:
    """What *changed* metrics are called after another_name and no_name."""
    dotted = {metric.otel.replace(".", "_") for metric in METRICS if metric.prometheus in changed}
    return dotted | {name.replace("cdb_", "cdb_another_") for name in changed}


def no_condition(renaming: Renaming, metric: Metric) -> None:
    del renaming.conditions[metric.otel]


def any_number_of_labels(renaming: Renaming, metric: Metric) -> None:
    renaming.without(metric, "Len")


def any_label(number: int) -> Mutation:
    def mutation(renaming: Renaming, metric: Metric) -> None:
        renaming.without(metric, f'"{metric.labels[number]}"')

    return mutation


def any_type(renaming: Renaming, metric: Metric) -> None:
    renaming.without(metric, r"metric\.|bounds")  # what another type lacks, temporality and bounds, stops it too


def may_fall(renaming: Renaming, metric: Metric) -> None:
    renaming.without(metric, "is_monotonic")


def any_temporality(renaming: Renaming, metric: Metric) -> None:
    renaming.without(metric, "temporality")


def any_bounds(renaming: Renaming, metric: Metric) -> None:
    renaming.without(metric, "bounds")


def all_that_begins_so(renaming: Renaming, metric: Metric) -> None:
    renaming.names = renaming.names.replace(f'== "{metric.otel}"', f'== "{metric.otel}.more"')


@pytest.mark.parametrize(
    ("mutation", "metrics"),
    [
        (no_condition, METRICS),
        (any_number_of_labels, METRICS),
        *((any_label(number), [metric for metric in METRICS if len(metric.labels) > number]) for number in range(3)),
        (any_type, METRICS),
        (may_fall, COUNTERS),
        (any_temporality, [*COUNTERS, *HISTOGRAMS]),
        (any_bounds, HISTOGRAMS),
        (all_that_begins_so, METRICS),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_entry_that_lets_wrong_points_through_is_found(
    tmp_path: Path, mutation: Mutation, metrics: Sequence[Metric]
) -> None:
    """Where only wrong points are sent something arrives of each changed metric, and of no other."""
    with running_mutants(tmp_path, mutation, metrics) as mutants:
        send(mutants.collector.endpoint, {"cdb_ws": [sent for _, sent in all_wrong(load_contract())]})
        for changed, text in mutants.expositions():
            arrived = {name.removesuffix("_more") for name in exposition(text)}
            unnamed = {metric.otel.replace(".", "_") for metric in METRICS if metric.prometheus in changed}
            assert arrived in (changed, unnamed)
