"""Lengths of time in .env have one grammar; each server gets them in its own."""

import pytest

from cdb.running import durations
from cdb.running.errors import StackError

SETTINGS = (*durations.IN_CONTAINERS, durations.SCRAPE_INTERVAL)


@pytest.mark.parametrize(
    ("name", "text", "given"),
    [
        ("CDB_METRIC_EXPIRATION", "45s", "45s"),
        ("CDB_METRIC_EXPIRATION", "4500ms", "4500ms"),
        ("CDB_TRACE_DECISION_WAIT", "1.5m", "90s"),
        ("CDB_TRACE_RETENTION", "7d", "604800s"),
        ("CDB_SLOW_DECISION_MS", "50", "50"),
        ("CDB_SLOW_DECISION_MS", "0.1s", "100"),
        ("CDB_SLOW_DECISION_MS", "2.5", "2.5"),
        ("CDB_PROMETHEUS_RETENTION", "2w", "14d"),
        ("CDB_PROMETHEUS_RETENTION", "1.5d", "36h"),
        ("CDB_SCRAPE_INTERVAL", "0.5m", "30s"),
    ],
)
def test_each_server_gets_what_it_reads(name: str, text: str, given: str) -> None:
    assert durations.for_servers({name: text}, *SETTINGS) == {name: given}


def test_what_is_not_set_is_left_to_the_servers_files() -> None:
    empty = dict.fromkeys(SETTINGS, "")
    assert durations.for_servers({}, *SETTINGS) == durations.for_servers(empty, *SETTINGS) == {}
    durations.refuse_unreadable_in_containers(empty)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_wrong_length_is_refused_by_name_with_what_is_allowed(name: str) -> None:
    with pytest.raises(StackError, match=rf"^{name}='soon' is not a length of time: .*such as 90s, 15m or 7d$"):
        durations.for_servers({name: "soon"}, name)


@pytest.mark.parametrize(
    ("name", "text", "instead"),
    [("CDB_TRACE_RETENTION", "7d", "604800s"), ("CDB_METRIC_EXPIRATION", "1h1d", "90000s"),
     ("CDB_PROMETHEUS_RETENTION", "1.5d", "36h"), ("CDB_SLOW_DECISION_MS", "2.5ms", "2.5")],
)  # fmt: skip
def test_in_containers_a_length_that_its_server_cannot_read_is_refused_with_what_to_write(
    name: str, text: str, instead: str
) -> None:
    with pytest.raises(StackError, match=f"^{name}='{text}' must be written {instead} for the Docker stack$"):
        durations.refuse_unreadable_in_containers({name: text})
    durations.refuse_unreadable_in_containers({name: instead})
