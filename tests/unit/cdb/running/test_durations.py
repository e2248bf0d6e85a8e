"""Lengths of time in .env have one grammar; each server gets them in its own."""

from collections.abc import Callable

import pytest

from cdb.running import durations
from cdb.running.errors import StackError

GO = (*durations.IN_COLLECTOR, *durations.IN_JAEGER)
READER: dict[str, Callable[[dict[str, str]], object]] = {
    **dict.fromkeys((*durations.IN_COLLECTOR, durations.SLOW_DECISION), durations.for_collector),
    **dict.fromkeys(durations.IN_JAEGER, durations.for_jaeger),
    durations.PROMETHEUS_RETENTION: durations.retention,
    durations.SCRAPE_INTERVAL: durations.scrape_interval,
}


@pytest.mark.parametrize(("text", "given"), [("45s", "45s"), ("4500ms", "4500ms"), ("7d", "604800s"), ("1.5m", "90s")])
def test_the_collector_and_jaeger_get_what_go_reads(text: str, given: str) -> None:
    settings = dict.fromkeys(GO, text)
    assert {**durations.for_collector(settings), **durations.for_jaeger(settings)} == dict.fromkeys(GO, given)


@pytest.mark.parametrize(("text", "given"), [("50", "50"), ("50ms", "50"), ("0.1s", "100"), ("2.5", "2.5")])
def test_from_when_on_a_decision_is_slow_has_its_unit_in_its_name(text: str, given: str) -> None:
    assert durations.for_collector({durations.SLOW_DECISION: text}) == {durations.SLOW_DECISION: given}


def test_what_is_not_set_is_left_to_the_servers_files() -> None:
    empty = dict.fromkeys(durations.IN_CONTAINERS, "")
    assert durations.for_collector({}) == durations.for_collector(empty) == durations.for_jaeger(empty) == {}
    assert durations.scrape_interval({}) is None
    assert durations.retention({}) == "14d"
    durations.refuse_unreadable_in_containers(empty)


def test_prometheus_gets_one_whole_number() -> None:
    assert durations.retention({"CDB_PROMETHEUS_RETENTION": "2w"}) == "14d"
    assert durations.scrape_interval({"CDB_SCRAPE_INTERVAL": "0.5m"}) == "30s"


@pytest.mark.parametrize("name", [*durations.IN_CONTAINERS, durations.SCRAPE_INTERVAL])
def test_a_wrong_length_is_refused_by_name_with_what_is_allowed(name: str) -> None:
    settings = {name: "soon"}
    with pytest.raises(StackError, match=rf"^{name}='soon' is not a length of time: .*such as 90s, 15m or 7d$"):
        READER[name](settings)
    if name in durations.IN_CONTAINERS:
        with pytest.raises(StackError, match=f"^{name}='soon' is not a length of time"):
            durations.refuse_unreadable_in_containers(settings)


@pytest.mark.parametrize(
    ("name", "text", "instead"),
    [("CDB_TRACE_RETENTION", "7d", "604800s"), ("CDB_METRIC_EXPIRATION", "1h1d", "90000s"),
     ("CDB_PROMETHEUS_RETENTION", "1.5d", "36h"), ("CDB_SLOW_DECISION_MS", "0.1s", "100")],
)  # fmt: skip
def test_in_containers_a_length_that_its_server_cannot_read_is_refused_with_what_to_write(
    name: str, text: str, instead: str
) -> None:
    with pytest.raises(StackError, match=f"^{name}='{text}' must be written {instead} for containers$"):
        durations.refuse_unreadable_in_containers({name: text})
    durations.refuse_unreadable_in_containers({name: instead})
