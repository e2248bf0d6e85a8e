"""Every change of an instrument is found: the services' recording with such instruments, through a real collector."""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pytest

from telemetry.contract import Contract, ContractError, Metric, MetricType, load_contract
from telemetry.pipeline import Telemetry
from tests.support.collectors import Collector, running_collector
from tests.support.waiting import until
from tests.system.contract.comparison import deviations
from tests.system.contract.exposed import exposition, page, series
from tests.system.contract.facts import EXPOSED, Fact, facts, facts_with_values, known
from tests.system.contract.recorders import CONFIGURED, EXPECTED, recording

pytestmark = pytest.mark.integration

CONTRACT = load_contract()
BUILT_IN = {"cdb_telemetry_export_failures_total", "cdb_telemetry_spans_lost_total"}
ALL_THERE = facts_with_values(CONTRACT)
Change = Callable[[Metric], Metric]
Concerned = Callable[[Metric], bool]


def another_dotted_name(metric: Metric) -> Metric:
    return msgspec.structs.replace(metric, otel=f"{metric.otel}.changed")


def another_type(metric: Metric) -> Metric:
    kinds: dict[str, MetricType] = {"counter": "gauge", "gauge": "counter", "histogram": "gauge"}
    return msgspec.structs.replace(metric, type=kinds[metric.type])


def a_label_more(metric: Metric) -> Metric:
    return msgspec.structs.replace(metric, labels=(*metric.labels, "more"), values={**metric.values, "more": ("x",)})


def a_label_less(metric: Metric) -> Metric:
    return msgspec.structs.replace(metric, labels=metric.labels[1:], combinations=())


def another_label(metric: Metric) -> Metric:
    labels = ("another", *metric.labels[1:])
    return msgspec.structs.replace(metric, labels=labels, values={**metric.values, "another": ("x",)}, combinations=())


def another_bound(metric: Metric) -> Metric:
    return msgspec.structs.replace(metric, buckets=(*metric.buckets[:-1], metric.buckets[-1] * 2))


def a_bound_less(metric: Metric) -> Metric:
    return msgspec.structs.replace(metric, buckets=metric.buckets[1:])


def everything(metric: Metric) -> bool:
    return metric.prometheus not in BUILT_IN


def labelled(metric: Metric) -> bool:
    return bool(metric.labels) and metric.prometheus not in BUILT_IN


def with_buckets(metric: Metric) -> bool:
    return bool(metric.buckets)


def another_unit(metric: Metric) -> Metric:
    return msgspec.structs.replace(metric, unit="s" if metric.unit == "%" else "%")


def another_help(metric: Metric) -> Metric:
    return msgspec.structs.replace(metric, brief=f"{metric.brief}, or so")


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize(
    ("change", "concerned", "shown_on_page"),
    [
        (another_dotted_name, everything, False),
        (another_type, everything, True),
        (another_unit, everything, False),
        (a_label_more, everything, True),
        (a_label_less, labelled, True),
        (another_label, labelled, True),
        (another_bound, with_buckets, True),
        (a_bound_less, with_buckets, True),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_a_changed_instrument_records_does_not_arrive(
    tmp_path: Path, change: Change, concerned: Concerned, shown_on_page: bool, half: int
) -> None:
    """Of two halves of the metrics one is changed and does not arrive; of the other all arrives as it should."""
    changed = names(filter(concerned, CONTRACT.metrics), half)
    with running_collector(tmp_path / "log") as collector, recording(having(changed, change), collector) as services:
        until_arrived(collector, missing=changed)
        for service, telemetry in services.items():
            assert_page_deviates(service, telemetry, changed if shown_on_page else set())


@pytest.mark.parametrize("half", [0, 1])
def test_another_help_does_not_reach_prometheus(tmp_path: Path, half: int) -> None:
    """It is the contract's there, though the service's own page shows another."""
    changed = names(CONTRACT.metrics, half)
    instruments = having(changed, another_help)
    with running_collector(tmp_path / "log") as collector, recording(instruments, collector) as services:
        until_arrived(collector, missing=set())
        for service, telemetry in services.items():
            assert_page_deviates(service, telemetry, changed)


def test_telemetry_refuses_to_start_without_its_own_counter(tmp_path: Path) -> None:
    """The one metric that the tests above leave out: telemetry asks for it by name and type."""
    contract = having(BUILT_IN, another_type)
    with running_collector(tmp_path / "log") as collector, pytest.raises(ContractError, match="|".join(BUILT_IN)):
        recording(contract, collector).__enter__()


def test_from_an_empty_start_all_known_series_are_in_the_first_export_as_zero(tmp_path: Path) -> None:
    """Nothing is recorded, and the next export would come in an hour."""
    wanted = {
        (name, labels, place)
        for service, place in EXPOSED.items()
        for name, labels in known(CONTRACT, service, {**CONFIGURED, **EXPECTED})
    }
    with running_collector(tmp_path / "log") as collector, recording(CONTRACT, collector, nothing_absent=False):
        until_arrived(collector, missing=set(), wanted=facts(CONTRACT))
        shown = exposition(collector.exposition())
    assert series(shown) == wanted
    assert {key for metric in shown.values() for key, value in metric.values.items() if value != 0} == set()


def names(metrics: Iterable[Metric], half: int) -> set[str]:
    """The names of every second metric."""
    return {metric.prometheus for metric in list(metrics)[half::2]}


def having(changed: set[str], change: Change) -> Contract:
    """The contract with the *changed* metrics changed."""
    metrics = tuple(change(metric) if metric.prometheus in changed else metric for metric in CONTRACT.metrics)
    return msgspec.structs.replace(CONTRACT, metrics=metrics)


def until_arrived(collector: Collector, *, missing: set[str], wanted: Iterable[Fact] = ALL_THERE) -> None:
    """Wait until all but what is *missing* is exposed as the contract says."""
    until(
        lambda: set(deviations(wanted, exposition(collector.exposition()), EXPOSED)),
        holds=lambda found: found == {f"{name}: must be there, it is missing" for name in missing},
        what=f"nothing missing but {missing}",
    )


def assert_page_deviates(service: str, telemetry: Telemetry, changed: set[str]) -> None:
    """Fail unless the service's page is found to deviate in the *changed* metrics and in no other."""
    mine = facts(CONTRACT, service)
    found = {line.split(":")[0] for line in deviations(mine, page(telemetry.exposition().decode(), service))}
    assert {fact.name for fact in mine if fact.services} & changed <= found
    assert {fact.name for fact in mine} & found <= changed
