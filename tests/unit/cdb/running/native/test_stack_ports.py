"""Which ports a stack takes."""

import socket

import pytest

from cdb.running.native import Ports, StackError
from cdb.running.native.ports import can_listen


def test_the_default_ports_are_the_documented_ones() -> None:
    assert Ports.default().environment() == {
        "REDIS_PORT": "16379",
        "POSTGRES_PORT": "15432",
        "CDB_WS_PORT": "8000",
        "CDB_CORE_PORT": "8001",
        "CDB_RISK_PORT": "8002",
        "CDB_EXECUTION_PORT": "8003",
        "CDB_WS_STANDBY_PORT": "8100",
        "CDB_CORE_STANDBY_PORT": "8101",
        "CDB_RISK_STANDBY_PORT": "8102",
        "CDB_EXECUTION_STANDBY_PORT": "8103",
        "CDB_OTLP_GRPC_PORT": "4317",
        "CDB_OTLP_HTTP_PORT": "4318",
        "CDB_EXPOSITION_PORT": "9464",
        "CDB_COLLECTOR_TELEMETRY_PORT": "8888",
        "CDB_COLLECTOR_HEALTH_PORT": "13133",
        "CDB_REDIS_EXPORTER_PORT": "9121",
        "CDB_POSTGRES_EXPORTER_PORT": "9187",
        "CDB_PROMETHEUS_PORT": "19090",
        "CDB_ALERTMANAGER_PORT": "9093",
        "CDB_CONSOLE_PORT": "8010",
        "CDB_JAEGER_PORT": "16686",
        "CDB_JAEGER_GRPC_PORT": "16685",
        "CDB_JAEGER_OTLP_GRPC_PORT": "14317",
        "CDB_JAEGER_OTLP_HTTP_PORT": "14318",
        "CDB_JAEGER_TELEMETRY_PORT": "18888",
        "CDB_JAEGER_HEALTH_PORT": "13134",
        "CDB_GRAFANA_PORT": "3000",
    }


def test_a_variable_overrides_its_port_only() -> None:
    ports = Ports.from_environment({"CDB_RISK_PORT": "9002"})
    assert (ports.cdb_risk, ports.cdb_core) == (9002, Ports.default().cdb_core)


@pytest.mark.parametrize("wrong", ["risk", "0", "-1", "65536", "80.5", "\u0661"])
def test_a_wrong_port_is_refused_with_its_variable_its_value_and_what_is_allowed(wrong: str) -> None:
    with pytest.raises(StackError, match=r"CDB_RISK_PORT=.* 1 to 65535") as refusal:
        Ports.from_environment({"CDB_RISK_PORT": wrong})
    assert repr(wrong) in str(refusal.value)


def test_two_parts_on_one_port_are_refused_with_both_variables() -> None:
    with pytest.raises(StackError, match="REDIS_PORT and CDB_WS_PORT are both 8000"):
        Ports.from_environment({"REDIS_PORT": "8000"})


def test_free_ports_differ_and_can_be_listened_on() -> None:
    numbers = [int(port) for port in Ports.free().environment().values()]
    assert len(set(numbers)) == len(numbers)
    assert all(can_listen(number) for number in numbers)


def test_free_ports_stay_reserved_as_long_as_they_are_known() -> None:
    ports = Ports.free()
    port = ports.redis
    assert not can_reserve(port)
    del ports
    assert can_reserve(port)


def can_reserve(port: int) -> bool:
    """Whether another process could reserve *port*."""
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not can_listen(listener.getsockname()[1])
