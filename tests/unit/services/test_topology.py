"""What cannot import the table of the system says the same; each test names the file and what is to be added."""

import pkgutil
import re
import tomllib
from typing import Any, Final

import pytest
import yaml

from services import plugins, topology
from services.risk.rules import LAYERS, Reason
from services.settings import LIVE_SOURCES
from services.topology import SERVICES, Service
from services.ws import sources
from services.ws.live_source import LiveSource
from telemetry.contract import load_contract
from tests.support.paths import ROOT

COMPOSE: Final = "docker-compose.yml"
RULES: Final = "monitoring/prometheus/rules/alerts.yml"
ROUTES: Final = "monitoring/alertmanager/alertmanager.yml"
each_service: Final = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)


def text(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text(COMPOSE))["services"]
    return found


def test_every_stream_has_a_writer_and_a_reader() -> None:
    written = [stream for service in SERVICES for stream in service.writes]
    assert sorted(written) == sorted(topology.STREAMS)
    assert all(topology.READERS.values())


@each_service
def test_compose_runs_it(service: Service) -> None:
    container = compose().get(service.name)
    assert container, f"{COMPOSE}: add services.{service.name}"
    published = f"127.0.0.1:${{{service.port_variable}:-{service.port}}}:{service.port}"
    further = ["cdb_market"] if service is topology.WS else ["cdb_ledger"] if service.ledger else []
    wanted = {
        "command": ["python", "-m", service.module],
        "ports": [published],
        "networks": ["cdb_network", "cdb_bus", *further],
    }
    assert {key: container[key] for key in wanted} == wanted, f"{COMPOSE}: services.{service.name} must have {wanted}"
    line = f'{service.port_variable}: "{service.port}"'
    assert container["environment"].get(service.port_variable) == str(service.port), f"{COMPOSE}: add {line}"
    assert any(f":{service.port}/health" in word for word in container["healthcheck"]["test"])


def test_compose_runs_no_other_service_of_ours() -> None:
    """But for the programs around them."""
    around = {"services.migrate", "console", "deploy.containers.handover"}
    ours = {str(one["command"][-1]) for one in compose().values() if one.get("command", [""])[0] == "python"}
    assert ours - around == {service.module for service in SERVICES}


@each_service
def test_its_end_is_told(service: Service) -> None:
    line = f'absent(up{{job="cdb_services", instance="{service.instance}"}})'
    assert line in text(RULES), f"{RULES}: in the alert ServiceDown add: or {line}"


def test_an_outage_of_the_ledger_holds_back_who_needs_it() -> None:
    needs = "|".join(service.name for service in SERVICES if service.ledger)
    line = f"""[alertname="ServiceDown", 'service=~"{needs}"']"""
    assert line in text(ROUTES), f"{ROUTES}: where PostgreSQL inhibits ServiceDown, write target_matchers: {line}"


def test_the_contract_knows_every_service() -> None:
    assert load_contract().services == topology.NAMES, f"telemetry/contract.yaml: services: {list(topology.NAMES)}"


def test_the_contract_knows_every_layer() -> None:
    metrics = {metric.prometheus: metric for metric in load_contract().metrics}
    known = metrics["cdb_risk_violations_total"].combinations
    wanted = tuple({"violation_type": layer.reason.value, "layer": str(layer.number)} for layer in LAYERS)
    assert known == wanted, f"telemetry/contract.yaml: combinations of cdb_risk_violations_total: {list(wanted)}"
    checked = metrics["cdb_risk_layer_checks_total"].values["layer"]
    assert checked == tuple(str(layer.number) for layer in LAYERS), "telemetry/contract.yaml: labels: layer"
    reasons = metrics["cdb_orders_rejected_total"].values["reason_code"]
    assert set(reasons) == {reason.value for reason in Reason}, "telemetry/contract.yaml: labels: reason_code"


def test_services_are_kept_apart() -> None:
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    apart = next(one for one in contracts if one["type"] == "independence")["modules"]
    floors = next(one for one in contracts if one["type"] == "layers" and "services.runtime" in one["layers"])["layers"]
    ours = {service.module for service in SERVICES}
    assert ours <= set(apart), f"pyproject.toml: in the import-linter contract {apart} add {ours - set(apart)}"
    programs = set(floors[1].split(" : "))
    assert ours == programs, f"pyproject.toml: in the import-linter contract with {floors[1]!r} write {ours}"


def test_no_port_is_taken_twice() -> None:
    ports = re.findall(r"127\.0\.0\.1:\$\{CDB_[A-Z_]+_PORT:-(\d+)\}", text(COMPOSE))
    assert sorted(set(ports)) == sorted(ports)


def test_live_sources_are_those_that_stand_on_the_live_source() -> None:
    modules = [module.name for module in pkgutil.iter_modules(sources.__path__) if module.name != "port"]
    found = {name for name in modules if issubclass(plugins.find(sources, name, "SOURCE"), LiveSource)}
    assert found == LIVE_SOURCES
