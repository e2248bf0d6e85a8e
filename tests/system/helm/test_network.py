"""NetworkPolicies of the chart: who can talk to whom is what docker-compose.yml allows, by need."""

from functools import cache
from itertools import product
from typing import Any, Final

import pytest

from services import topology
from tests.system.containers.compose import started
from tests.system.helm.rendered import SETS, Object, of_kind, pods
from tests.system.helm.test_chart import CONTAINERS

GUARDED: Final = tuple(name for name in SETS if name != "open_network")
SERVICES: Final = {"ws", "core", "risk", "execution"}


@cache
def policies(values: str) -> dict[str, Object]:
    """What holds for a component besides the rule that nothing is allowed."""
    found = {}
    for name, policy in of_kind("NetworkPolicy", values).items():
        if name != "cdb-default-deny":
            found[policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]] = policy["spec"]
    return found


def inside(values: str, component: str, direction: str) -> set[tuple[str, int]]:
    """The components, and ports, that a component may reach (egress) or be reached by (ingress)."""
    found = set()
    for rule in policies(values)[component][direction]:
        for peer in rule.get("to" if direction == "egress" else "from", []):
            labels = peer.get("podSelector", {}).get("matchLabels", {})
            if labels.get("app.kubernetes.io/instance") == "bot":
                assert labels["app.kubernetes.io/name"] == "claire-de-binare"
                found |= {(labels["app.kubernetes.io/component"], port["port"]) for port in rule["ports"]}
    return found


def connections(values: str) -> set[tuple[str, str, int]]:
    """Who can connect to whom: one end lets it out, the other lets it in."""
    out = {(one, to, port) for one in policies(values) for to, port in inside(values, one, "egress")}
    into = {(by, one, port) for one in policies(values) for by, port in inside(values, one, "ingress")}
    assert out == into, "a rule that only one end has lets nobody through"
    return out


def outside(values: str, component: str) -> list[dict[str, Any]]:
    """Rules by which a component gets out of the release, but for names (port 53)."""
    rules = policies(values)[component]["egress"]
    return [rule for rule in rules if not _is_inside(rule) and {port["port"] for port in rule.get("ports", [])} != {53}]


@pytest.mark.parametrize("values", GUARDED)
def test_every_pod_is_denied_all_and_allowed_what_it_needs(values: str) -> None:
    deny = of_kind("NetworkPolicy", values)["cdb-default-deny"]["spec"]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(deny)
    assert set(policies(values)) == set(pods(values))
    for component, pod in pods(values).items():
        labels = pod.metadata["labels"].items()
        assert deny["podSelector"]["matchLabels"].items() <= labels
        assert policies(values)[component]["podSelector"]["matchLabels"].items() <= labels
        for rule in policies(values)[component]["ingress"] or []:
            assert rule["from"], "an empty one would let everybody in"
            assert rule["ports"]


def test_who_can_connect_shares_a_network_with_docker() -> None:
    compose = started()
    networks = {n: set(compose[CONTAINERS.get(n, f"cdb_{n}")].get("networks", [])) for n in pods("trial")}
    for one, to, port in connections("trial"):
        assert networks[one] & networks[to], (one, to, port)


@pytest.mark.parametrize("server", ["redis", "postgresql"])
def test_bus_and_ledger_are_reached_by_those_who_reach_them_with_docker_and_reach_nobody(server: str) -> None:
    compose = started()
    near = set(compose[CONTAINERS[server]]["networks"])
    names = {CONTAINERS.get(component, f"cdb_{component}"): component for component in pods("trial")}
    wanted = {names[n] for n, s in compose.items() if near & set(s.get("networks", [])) and n != CONTAINERS[server]}
    assert {one for one, to, _ in connections("trial") if to == server} == wanted
    assert not {to for one, to, _ in connections("trial") if one == server}
    assert outside("trial", server) == []


def test_services_meet_on_the_bus_alone() -> None:
    found = {(one, to) for one, to, _ in connections("trial") if one in SERVICES}
    ledger = {(one.name.removeprefix("cdb_"), "postgresql") for one in topology.SERVICES if one.ledger}
    assert found == ledger | set(product(SERVICES, ("redis", "collector")))


def test_prometheus_reaches_all_that_it_scrapes() -> None:
    ports = {(f"{one.name.removeprefix('cdb_')}", one.port) for one in topology.SERVICES}
    assert ports <= inside("trial", "prometheus", "egress")
    assert {("collector", 9464), ("collector", 8888), ("jaeger", 8888)} <= inside("trial", "prometheus", "egress")


@pytest.mark.parametrize("values", GUARDED)
def test_only_ws_gets_out_to_the_world_and_only_to_a_live_market(values: str) -> None:
    world = {
        one for one in policies(values) if any("ipBlock" in p for r in outside(values, one) for p in r.get("to", []))
    }
    of_alerts = {"alertmanager"} if values == "trial" else set()  # Slack
    ledger = {"risk", "execution", "migrate", "postgres-exporter", "console"} if values == "other_names" else set()
    assert world == ({"ws"} if values == "live" else set()) | of_alerts | ledger


def test_the_way_to_the_market_leads_into_no_private_network() -> None:
    [rule] = [rule for rule in outside("live", "ws") if any("ipBlock" in peer for peer in rule.get("to", []))]
    assert [port["port"] for port in rule["ports"]] == [443, 9443]
    assert rule["to"][0]["ipBlock"]["cidr"] == "0.0.0.0/0"
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(
        rule["to"][0]["ipBlock"]["except"]
    )


def test_servers_elsewhere_are_reached_on_their_port_alone_or_where_the_values_say() -> None:
    anywhere = {
        port["port"] for rule in outside("addresses", "console") for port in rule.get("ports", []) if "to" not in rule
    }
    assert anywhere == {5432, 6379, 16686}
    [ledger] = [r for r in outside("other_names", "migrate") if r["to"] == [{"ipBlock": {"cidr": "10.1.2.3/32"}}]]
    assert "ports" not in ledger or ledger["ports"]
    assert outside("addresses", "core") == [{"ports": [{"port": 6379, "protocol": "TCP"}]}]


def test_a_prometheus_elsewhere_may_scrape_and_nobody_else_comes_in() -> None:
    for one in topology.SERVICES:
        rules = policies("addresses")[one.name.removeprefix("cdb_")]["ingress"]
        strangers = [rule for rule in rules if not _is_inside(rule)]
        assert strangers == [
            {
                "from": [
                    {
                        "namespaceSelector": {},
                        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
                    }
                ],
                "ports": [{"port": one.port, "protocol": "TCP"}],
            }
        ]


def test_a_cluster_without_policies_gets_none() -> None:
    assert not of_kind("NetworkPolicy", "open_network")


def _is_inside(rule: dict[str, Any]) -> bool:
    peers = rule.get("to", rule.get("from", []))
    labels = [peer.get("podSelector", {}).get("matchLabels", {}) for peer in peers]
    return any(one.get("app.kubernetes.io/instance") == "bot" for one in labels)
