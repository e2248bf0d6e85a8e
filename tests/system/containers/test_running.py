"""What is to be seen of the stack in containers as deploy/airgap/run has started it, and what nobody can do to it."""

import ipaddress
import re
import socket
from pathlib import Path

import psutil
import pytest

from cdb.running.native.envfile import read as read_env
from tests.support.bot import TEST_ENDPOINTS
from tests.support.frozen_metrics import FROZEN
from tests.support.paths import ROOT
from tests.support.waiting import until
from tests.system.containers.running import ALL, ONE_SHOTS, WITHOUT_CHECK, Containers

pytestmark = pytest.mark.timeout(900)


def test_every_container_is_healthy(stack: Containers) -> None:
    stack.wait_well()
    checked = {container for container in ALL if stack.inspect(container)["Config"].get("Healthcheck")}
    assert set(ALL) - checked == WITHOUT_CHECK
    assert {name: stack.state(name).status for name in ONE_SHOTS} == dict.fromkeys(ONE_SHOTS, "exited")


def test_every_target_is_up(stack: Containers) -> None:
    def health() -> dict[str, str]:
        targets = (stack.prometheus("targets") or {"activeTargets": []})["activeTargets"]
        return {one["labels"]["instance"]: one["health"] for one in targets}

    seen = until(health, holds=lambda now: len(now) >= 11 and set(now.values()) == {"up"}, within_s=60, what="all up")
    assert {"cdb_ws:8000", "cdb_core:8001", "cdb_risk:8002", "cdb_execution:8003"} <= set(seen)


def test_prometheus_has_all_37_metrics(stack: Containers) -> None:
    wanted = {f"{name}_bucket" if kind == "histogram" else name for name, kind, *_ in FROZEN}
    assert len(wanted) == 37

    def missing() -> set[str]:
        return wanted - set(stack.prometheus("label/__name__/values") or ())

    until(missing, holds=lambda names: not names, within_s=60, what="all 37 metrics")


def test_a_trace_goes_through_core_risk_and_execution(stack: Containers) -> None:
    def seen() -> list[set[str]]:
        _, body = stack.ask("jaeger", "/api/traces?service=cdb_execution&limit=50")
        traces = body["data"] if isinstance(body, dict) else []
        return [{process["serviceName"] for process in trace["processes"].values()} for trace in traces]

    whole = {"cdb_core", "cdb_risk", "cdb_execution"}
    until(seen, holds=lambda traces: any(whole <= trace for trace in traces), within_s=90, what="a trace")


def test_ports_are_published_on_loopback_only(stack: Containers) -> None:
    """By what the engine says, and by what answers on the machine's other addresses."""
    published = {
        (binding["HostIp"], int(binding["HostPort"]))
        for container in ALL
        for bindings in stack.inspect(container)["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }
    assert {address for address, _ in published} == {"127.0.0.1"}
    ports = {port for _, port in published}
    assert all(answers("127.0.0.1", port) for port in ports)
    elsewhere = other_addresses()
    assert elsewhere, "this machine has no address but loopback"
    assert [(address, port) for address in elsewhere for port in ports if answers(address, port)] == []


@pytest.mark.parametrize("container", ALL)
def test_nobody_can_write_to_its_root(stack: Containers, container: str) -> None:
    """Not even root: what is asked is the container's own view of its files."""
    probe = Path(f"/proc/{stack.state(container).pid}/root/cdb-probe")
    with pytest.raises(OSError, match="Read-only file system"):
        probe.touch()


@pytest.mark.parametrize("container", ALL)
def test_nobody_has_privileges(stack: Containers, container: str) -> None:
    status = Path(f"/proc/{stack.state(container).pid}/status").read_text(encoding="ascii")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {name: int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")} == {
        "CapPrm": 0,
        "CapEff": 0,
        "CapBnd": 0,
    }
    assert fields["NoNewPrivs"] == "1"
    assert "0" not in fields["Uid"].split(), f"{container} runs as root"


def test_our_own_image_has_labels_and_curl_and_nothing_that_compiles(stack: Containers) -> None:
    labels = stack.inspect("cdb_risk")["Config"]["Labels"]
    named = {f"org.opencontainers.image.{name}" for name in ("title", "description", "licenses", "version")}
    assert named <= {name for name, text in labels.items() if text}
    programs = ("curl", "cc", "gcc", "g++", "ld", "make", "pip")
    found = stack.python("cdb_risk", f"import shutil; print(*filter(shutil.which, {programs}))")
    assert found.stdout == "curl\n"


def test_ws_cannot_reach_postgres(stack: Containers) -> None:
    """Neither by its name nor by its address; risk can, so it is there."""
    networks = stack.inspect("cdb_postgres")["NetworkSettings"]["Networks"].values()
    connect = "import socket; socket.create_connection(({!r}, 5432), timeout=3).close()"
    for address in ("cdb_postgres", *(network["IPAddress"] for network in networks)):
        assert stack.python("cdb_risk", connect.format(address)).returncode == 0, address
        assert stack.python("cdb_ws", connect.format(address)).returncode != 0, address


def test_ws_goes_out_through_the_network_of_the_market(stack: Containers) -> None:
    gateway = stack.inspect("cdb_ws")["NetworkSettings"]["Networks"]["cdb_market"]["Gateway"]
    routes = stack.python("cdb_ws", "print(open('/proc/net/route').read())").stdout.splitlines()[1:]
    default = next(fields[2] for fields in map(str.split, routes) if fields[1] == "00000000")
    assert str(ipaddress.ip_address(bytes.fromhex(default)[::-1])) == gateway


def test_postgres_refuses_a_wrong_password(stack: Containers) -> None:
    settings = read_env(ROOT / ".env")
    user = settings.get("POSTGRES_USER", "claire")
    database = settings.get("POSTGRES_DB", "claire_de_binaire")
    connect = (
        f"import psycopg2; psycopg2.connect(host='cdb_postgres', user={user!r}, dbname={database!r}, password={{}})"
    )
    refused = stack.python("cdb_risk", connect.format("'wrong'"))
    assert "password authentication failed" in refused.stderr
    right = "open('/run/secrets/postgres/POSTGRES_PASSWORD').read().strip()"
    accepted = stack.python("cdb_risk", connect.format(right))
    assert accepted.returncode == 0, accepted.stderr


@pytest.mark.parametrize(("credentials", "says"), [("password='wrong'", "invalid username-password"), ("", "NOAUTH")])
def test_redis_refuses_a_wrong_password(stack: Containers, credentials: str, says: str) -> None:
    result = stack.python(
        "cdb_ws", f"import redis; redis.Redis('cdb_redis', 6379, protocol=2, {credentials}).execute_command('PING')"
    )
    assert result.returncode != 0
    assert any(word in result.stderr for word in (says, "Authentication required")), result.stderr


@pytest.mark.parametrize("authorization", [{}, {"Authorization": "Bearer wrong"}])
def test_the_collector_refuses_a_wrong_token(stack: Containers, authorization: dict[str, str]) -> None:
    headers = {"Content-Type": "application/json", **authorization}
    assert stack.ask("otlp_http", "/v1/metrics", post=b"{}", **headers)[0] == 401


@pytest.mark.parametrize(("service", "path"), TEST_ENDPOINTS)
def test_the_test_endpoints_do_not_exist(stack: Containers, service: str, path: str) -> None:
    assert stack.ask(service, path, post=b"")[0] == 404


def test_a_stopped_service_is_told_of_and_starts_again(stack: Containers, core_outage: str) -> None:
    """As docs/operations.md has it under 'Try an alert'."""
    fires = core_outage.partition("Received by the console")[0]
    assert re.search(r"ServiceDown +.*cdb_core", fires), core_outage
    stack.wait_well()
    stack.wait_deciding()


def other_addresses() -> list[str]:
    """The machine's addresses that are not loopback; an IPv6 one of a link needs no look, nobody routes it."""
    found = [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in {socket.AF_INET, socket.AF_INET6} and "%" not in entry.address
    ]
    return [address for address in found if not ipaddress.ip_address(address).is_loopback]


def answers(address: str, port: int) -> bool:
    """Whether somebody listens."""
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False
