"""Settings: each that has an effect can be set and reaches who reads it; what is wrong is refused by name."""

import json
from typing import Any, Final

import pytest

from cdb.running.native import Ports, envfile
from cdb.running.native.known_settings import DOCUMENTED, OF_CONTAINERS
from console.settings import ConsoleSettings
from services.core.settings import CoreSettings
from services.execution.settings import ExecutionSettings
from services.risk.settings import RiskSettings
from services.settings import MigrateSettings, Settings
from services.settings import read as read_environment
from services.ws.settings import WsSettings
from tests.system.containers.compose import read
from tests.system.helm.rendered import CHART, SETS, VALUES, environment, pods, secret_items, template
from tests.system.helm.test_chart import CONTAINERS

NATIVE_ONLY: Final = {"CDB_OTLP_ENDPOINT", "CDB_SCRAPE_INTERVAL"}
"""docker-compose.yml passes them on to nobody, either."""
KINDS: Final[dict[str, type[Settings]]] = {
    "ws": WsSettings,
    "core": CoreSettings,
    "risk": RiskSettings,
    "execution": ExecutionSettings,
    "migrate": MigrateSettings,
    "console": ConsoleSettings,
}
FIXED: Final = {"CDB_CONSOLE_ON_LOOPBACK"}
"""What Compose sets because it publishes ports on loopback."""
ADDRESSES: Final = VALUES / "addresses.yaml"


def allowed() -> set[str]:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    return set(schema["properties"]["settings"]["properties"])


def test_every_documented_setting_can_be_set_but_for_secrets_ports_and_what_has_no_effect() -> None:
    ports = set(Ports.variables().values())
    assert allowed() == DOCUMENTED - set(envfile.SECRETS) - {"CDB_SMTP_PASSWORD"} - ports - OF_CONTAINERS - NATIVE_ONLY


def test_every_setting_reaches_the_containers_that_get_it_from_docker_compose() -> None:
    """Each is set to a value of its own; what Compose passes on has the same name here."""
    words = [word for name in sorted(allowed()) for word in ("--set-string", f"settings.{name}={_value(name)}")]
    found = pods("single", *words)
    services = read()["services"]
    for component, pod in found.items():
        container = CONTAINERS.get(component, f"cdb_{component}")
        theirs = services[container].get("environment", {})
        given = environment(pod.container)
        assert set(given) - {"PGDATA"} == set(theirs) - FIXED, component
        for name in set(given) & allowed():
            assert _value(name) in given[name], name


def test_settings_of_servers_are_checked_before_they_start() -> None:
    """By the init container of the collector, which is in every release."""
    words = [word for name in sorted(allowed()) for word in ("--set-string", f"settings.{name}={_value(name)}")]
    [init] = pods("single", *words)["collector"].spec["initContainers"]
    assert init["args"] == ["python", "-m", "deploy.containers.handover", "settings"]
    checked = {name for name in read()["services"]["cdb_handover"]["environment"] if "SMTP" not in name}
    assert set(environment(init)) == checked
    [init] = pods("single", *words)["alertmanager"].spec["initContainers"]
    mail = {name for name in read()["services"]["cdb_handover"]["environment"] if "SMTP" in name}
    assert set(environment(init)) == {*mail, "CDB_CONSOLE_HOST"}


@pytest.mark.parametrize("values", SETS)
def test_our_programs_start_with_the_environment_and_the_secrets_that_they_get(values: str) -> None:
    for component, kind in KINDS.items():
        if pod := pods(values).get(component):
            keys = [key for volume in pod.volumes.values() for key in secret_items(volume)]
            given = environment(pod.container) | dict.fromkeys(keys, "a-secret")
            given.pop("CDB_PLUGIN_PATH", None)  # there is no such directory here
            read_environment(kind, given)


def test_what_is_not_set_is_left_to_the_services() -> None:
    assert not set(environment(pods("addresses")["risk"].container)) & allowed()
    assert environment(pods("strategies")["risk"].container)["CDB_OPENING_CASH"] == "1000000"


def test_exporter_and_postgresql_follow_the_names_of_user_and_database() -> None:
    uri = environment(pods("other_names")["postgres-exporter"].container)["DATA_SOURCE_URI"]
    assert uri == "10.1.2.3:6432/ledger?sslmode=prefer"
    given = environment(pods("other_names")["risk"].container)
    assert (given["POSTGRES_HOST"], given["POSTGRES_PORT"]) == ("10.1.2.3", "6432")
    assert (given["POSTGRES_USER"], given["POSTGRES_DB"]) == ("trader", "ledger")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--set-string", "settings.MAX_POSITION_PC=0.1"], "'MAX_POSITION_PC' not allowed"),
        (["--set", "settings.MAX_ORDERS_PER_MINUTE=5"], "'/settings/MAX_ORDERS_PER_MINUTE': got number, want string"),
        (["--set-string", "settings.POSTGRES_PASSWORD=x"], "'POSTGRES_PASSWORD' not allowed"),
        (["--set", "services.risk.replicas=3"], "'/services/risk/replicas': maximum"),
        (["--set", "service.risk.replicas=2"], "'service' not allowed"),
        (["--set", "postgresql.host="], "postgresql.host is empty: say where that server is, or set trial.enabled"),
        (["--set", "redis.host="], "redis.host is empty"),
        (["--set", "redis.host=bus:6379"], "'/redis/host': 'bus:6379' does not match pattern"),
        (["--set", "jaeger.otlp="], "jaeger.otlp is empty"),
        (["--set", "prometheus.url="], "prometheus.url is empty"),
        (["--set", "prometheus.url=metrics:9090"], "'/prometheus/url': 'metrics:9090' does not match pattern"),
        (["--set", "alertmanager.url="], "alertmanager.url is empty"),
        (["--set", "secrets.existingSecret="], "secrets.existingSecret is empty: name the Secret"),
        (["--set", "metrics.scrape=always"], "'/metrics/scrape': value must be one of"),
        (["--set", "trial.enabled=true,jaeger.query="], "jaeger.otlp and jaeger.query belong together"),
        (["--set", "trial.slack=true"], "trial.slack has no effect without the trial's Alertmanager"),
        (["--set-string", "settings.CDB_SMTP_TO=a@b.c"], "settings.CDB_SMTP_TO has no effect without the trial's"),
        (["--set-string", "settings.CDB_TRACE_RETENTION=1h"], "settings.CDB_TRACE_RETENTION has no effect on a server"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(options: list[str], named: str) -> None:
    done = template("--values", ADDRESSES, *options, check=False)
    assert done.returncode != 0
    assert named in done.stderr


def test_all_that_is_missing_is_said_at_once() -> None:
    said = template(check=False).stderr
    names = ("secrets.existingSecret", "postgresql.host", "redis.host", "jaeger.otlp", "jaeger.query", "prometheus.url")
    assert not [name for name in (*names, "alertmanager.url") if f"{name} is empty" not in said]


def _value(name: str) -> Any:
    return {"CDB_SMTP_SMARTHOST": "mail:587"}.get(name, f"of-{name.lower()}")
