"""What the operator sets for collector, Jaeger and Prometheus: one grammar, checked here, each server gets its own."""

from typing import Final

import pytest

from cdb.running.errors import StackError
from cdb.running.server_settings import (
    CollectorSettings,
    JaegerSettings,
    PrometheusSettings,
    ServerSettings,
    for_server,
    refuse_unreadable_in_containers,
)
from cdb.running.settings import read_settings
from services.settings import Settings

KINDS: Final[tuple[type[Settings], ...]] = (CollectorSettings, JaegerSettings, PrometheusSettings)
NAMES: Final = [(kind, name) for kind in KINDS for name in kind.variables()]
LENGTHS: Final = [name for kind, name in NAMES if not name.startswith(("CDB_TRACES_", "CDB_TRACE_S", "CDB_TRACE_Q"))]


@pytest.mark.parametrize(
    ("kind", "name", "text", "given"),
    [
        (CollectorSettings, "CDB_METRIC_EXPIRATION", "45s", "45s"),
        (CollectorSettings, "CDB_METRIC_EXPIRATION", "45", "45s"),
        (CollectorSettings, "CDB_METRIC_EXPIRATION", "4500ms", "4500ms"),
        (CollectorSettings, "CDB_TRACE_DECISION_WAIT", "1.5m", "90s"),
        (CollectorSettings, "CDB_SPAN_METRICS_INTERVAL", "0.5", "500ms"),
        (CollectorSettings, "CDB_SLOW_DECISION_MS", "50", "50"),
        (CollectorSettings, "CDB_SLOW_DECISION_MS", "50ms", "50"),
        (CollectorSettings, "CDB_SLOW_DECISION_MS", "0.1s", "100"),
        (CollectorSettings, "CDB_SLOW_DECISION_MS", "2.5", "2.5"),
        (CollectorSettings, "CDB_TRACE_SHARE_PERCENT", "0.5", "0.5"),
        (CollectorSettings, "CDB_TRACE_SPANS_AT_ONCE", "10000000", "10000000"),
        (JaegerSettings, "CDB_TRACE_RETENTION", "7d", "604800s"),
        (JaegerSettings, "CDB_TRACE_RETENTION", "1d12h", "129600s"),
        (PrometheusSettings, "CDB_PROMETHEUS_RETENTION", "2w", "14d"),
        (PrometheusSettings, "CDB_PROMETHEUS_RETENTION", "1.5d", "36h"),
        (PrometheusSettings, "CDB_PROMETHEUS_RETENTION", "86400", "1d"),
        (PrometheusSettings, "CDB_SCRAPE_INTERVAL", "0.5m", "30s"),
    ],
)
def test_each_server_gets_what_it_reads(kind: type[Settings], name: str, text: str, given: str) -> None:
    assert for_server(kind, {name: text})[name] == given


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_value_means_the_default(kind: type[Settings]) -> None:
    assert for_server(kind, dict.fromkeys(kind.variables(), "")) == for_server(kind, {})


def test_what_is_empty_is_accepted_in_containers() -> None:
    refuse_unreadable_in_containers({name: "" for _, name in NAMES})


@pytest.mark.parametrize("name", LENGTHS)
def test_a_wrong_length_is_refused_by_name_with_what_is_allowed(name: str) -> None:
    with pytest.raises(
        StackError, match=rf"^{name}='soon' is refused: 'soon' is not a length of time: .*such as 90s, 15m or 7d"
    ):
        read_settings(ServerSettings, {name: "soon"})


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("CDB_TRACE_SHARE_PERCENT", "abc", r"valid number.*\(5 means 5 %\)"),
        ("CDB_TRACE_SHARE_PERCENT", "101", "less than or equal to 100"),
        ("CDB_TRACE_SHARE_PERCENT", "nan", "finite number"),
        ("CDB_TRACES_IN_MEMORY", "0", "greater than or equal to 1"),
        ("CDB_TRACES_IN_MEMORY", "1e4", "valid integer"),
        ("CDB_TRACE_QUEUE_SPANS", "99", "greater than or equal to 100"),
        ("CDB_TRACE_SPANS_AT_ONCE", "-1", "greater than or equal to 100"),
        ("CDB_TRACE_SPANS_PER_SECOND", "2.5", "valid integer"),
        ("CDB_SCRAPE_INTERVAL", "1m", "'1m' is out of range: 1ms to 30s"),
        ("CDB_PROMETHEUS_RETENTION", "14", "'14' is out of range: 1h to 36500d"),
        ("CDB_METRIC_EXPIRATION", "-45s", "not a length of time"),
    ],
)
def test_a_value_that_the_server_would_not_start_or_work_with_is_refused_by_name(
    name: str, text: str, allowed: str
) -> None:
    with pytest.raises(StackError, match=rf"^{name}='{text}' is refused: .*{allowed}"):
        read_settings(ServerSettings, {name: text})


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"CDB_TRACE_DECISION_WAIT": "3s"}, "CDB_TRACE_DECISION_WAIT=3s and MAX_SIGNAL_AGE_S=3"),
        ({"MAX_SIGNAL_AGE_S": "1m"}, "CDB_TRACE_DECISION_WAIT=10s and MAX_SIGNAL_AGE_S=60"),
        ({"CDB_SLOW_DECISION_MS": "10s"}, "CDB_TRACE_DECISION_WAIT=10s and CDB_SLOW_DECISION_MS=10s"),
        ({"CDB_METRIC_EXPIRATION": "15"}, "CDB_METRIC_EXPIRATION=15s and CDB_METRIC_EXPORT_INTERVAL_S=15"),
        ({"CDB_METRIC_EXPORT_INTERVAL_S": "2m"}, "CDB_METRIC_EXPIRATION=45s and CDB_METRIC_EXPORT_INTERVAL_S=120"),
        ({"CDB_SPAN_METRICS_INTERVAL": "1m"}, "CDB_METRIC_EXPIRATION=45s and CDB_SPAN_METRICS_INTERVAL=1m"),
    ],
)
def test_settings_that_cannot_work_together_are_refused_with_both_names(given: dict[str, str], names: str) -> None:
    for refused in (lambda: read_settings(ServerSettings, given), lambda: refuse_unreadable_in_containers(given)):
        with pytest.raises(StackError, match=rf"^{names} cannot work together: \w+"):
            refused()


@pytest.mark.parametrize(
    ("name", "text", "instead"),
    [
        ("CDB_TRACE_RETENTION", "7d", "604800s"),
        ("CDB_METRIC_EXPIRATION", "1h1d", "90000s"),
        ("CDB_METRIC_EXPIRATION", "46", "46s"),
        ("CDB_PROMETHEUS_RETENTION", "1.5d", "36h"),
        ("CDB_SLOW_DECISION_MS", "2.5ms", "2.5"),
        ("CDB_TRACES_IN_MEMORY", "10_000", "10000"),
    ],
)
def test_in_containers_a_value_that_its_server_cannot_read_is_refused_with_what_to_write(
    name: str, text: str, instead: str
) -> None:
    with pytest.raises(StackError, match=f"^{name}='{text}' must be written {instead} for the Docker stack$"):
        refuse_unreadable_in_containers({name: text})
    refuse_unreadable_in_containers({name: instead})
