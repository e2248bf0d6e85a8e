"""docker-compose.yml: names, ports, networks, limits and hardening, read without an engine."""

import re
from itertools import chain
from typing import Any, Final

import pytest
import yaml

from cdb.running.compose.engine import ONE_SHOTS
from cdb.running.compose.volume import PLACES
from cdb.running.native import Ports, envfile
from cdb.running.native.collector import FEATURE_GATES
from cdb.running.native.config import StackConfig
from cdb.running.native.grafana import HOME_DASHBOARD
from cdb.running.native.parts import ALL_PARTS
from cdb.running.server_settings import CollectorSettings, JaegerSettings, Secrets
from services.core.strategies.mean_reversion_v1 import MeanReversionSettings
from services.core.strategies.momentum_v1 import MomentumSettings
from services.settings import Settings
from services.ws.sources.binance import BinanceSettings
from services.ws.sources.mexc import MexcSettings
from services.ws.sources.replay import ReplaySettings
from services.ws.sources.simulated import SimulatorSettings
from tests.support.paths import ROOT
from tests.system.containers.compose import FILE, SERVICES, is_one_shot, mebibytes, mounts, read, started, words

LONG_RUNNING: Final = {
    *SERVICES,
    "cdb_redis",
    "cdb_postgres",
    "cdb_redis_exporter",
    "cdb_postgres_exporter",
    "cdb_otel_collector",
    "cdb_jaeger",
    "cdb_prometheus",
    "cdb_alertmanager",
    "cdb_console",
    "cdb_grafana",
}
# The native stack's name of a port, and the container and its port that stand for it.
PUBLISHED: Final = {
    "cdb_ws": ("cdb_ws", 8000),
    "cdb_core": ("cdb_core", 8001),
    "cdb_risk": ("cdb_risk", 8002),
    "cdb_execution": ("cdb_execution", 8003),
    "otlp_grpc": ("cdb_otel_collector", 4317),
    "otlp_http": ("cdb_otel_collector", 4318),
    "exposition": ("cdb_otel_collector", 9464),
    "collector_telemetry": ("cdb_otel_collector", 8888),
    "collector_health": ("cdb_otel_collector", 13133),
    "redis_exporter": ("cdb_redis_exporter", 9121),
    "postgres_exporter": ("cdb_postgres_exporter", 9187),
    "prometheus": ("cdb_prometheus", 9090),
    "alertmanager": ("cdb_alertmanager", 9093),
    "cdb_console": ("cdb_console", 8010),
    "jaeger": ("cdb_jaeger", 16686),
    "grafana": ("cdb_grafana", 3000),
}
ALL: Final = started()


def test_all_containers_have_their_documented_names() -> None:
    assert {name for name, service in ALL.items() if not is_one_shot(service)} == LONG_RUNNING
    assert {service["container_name"] for service in ALL.values()} == set(ALL)
    assert read()["networks"]["cdb_network"]["name"] == "cdb_network"
    assert read()["volumes"]["cdb_prom_data"]["name"] == "cdb_prom_data"


def test_the_doctor_knows_which_containers_end_by_themselves() -> None:
    assert {name for name, service in ALL.items() if is_one_shot(service)} == ONE_SHOTS


def test_each_port_is_published_on_loopback_as_the_native_stack_has_it() -> None:
    """The variable that moves a port is the same, too."""
    variables, defaults = Ports.variables(), Ports.default()
    wanted = {
        (container, f"127.0.0.1:${{{variables[name]}:-{defaults.of(name)}}}:{port}")
        for name, (container, port) in PUBLISHED.items()
    }
    assert {(name, port) for name, service in ALL.items() for port in service.get("ports", [])} == wanted


def test_what_prometheus_scrapes_are_these_containers_on_a_network_of_its_own() -> None:
    near = set(ALL["cdb_prometheus"]["networks"])
    seen = set()
    for file in sorted((ROOT / "monitoring" / "prometheus" / "targets").glob("*.yml")):
        for target in chain.from_iterable(group["targets"] for group in yaml.safe_load(file.read_text())):
            name = target.split(":")[0]
            seen.add(name)
            assert near & set(ALL[name]["networks"]), target
    assert seen == LONG_RUNNING - {"cdb_redis", "cdb_postgres", "cdb_console", "cdb_grafana"}


@pytest.mark.parametrize(
    ("server", "clients"),
    [
        ("cdb_postgres", {"cdb_risk", "cdb_execution", "cdb_postgres_exporter", "cdb_migrate", "cdb_console"}),
        ("cdb_redis", {*SERVICES, "cdb_redis_exporter", "cdb_console"}),
        (
            "cdb_grafana",
            {"cdb_prometheus", "cdb_jaeger", "cdb_otel_collector", "cdb_alertmanager", "cdb_console"},
        ),
    ],
)
def test_only_who_needs_a_server_shares_a_network_with_it(server: str, clients: set[str]) -> None:
    """So a process in cdb_ws has no way to PostgreSQL, and none in the services to what tells of alerts."""
    near = set(ALL[server]["networks"])
    assert {
        name for name, service in ALL.items() if near & set(service.get("networks", [])) and name != server
    } == clients


def test_bus_and_ledger_have_no_way_out() -> None:
    networks = read()["networks"]
    for name in ("cdb_redis", "cdb_postgres"):
        assert all(networks[network].get("internal") for network in ALL[name]["networks"])


def test_only_ws_and_what_tells_of_alerts_can_leave_the_machine() -> None:
    """The one for the market, the other for Slack and e-mail."""
    masquerading = "com.docker.network.bridge.enable_ip_masquerade"
    networks = read()["networks"]
    ways_out = {
        name
        for name, network in networks.items()
        if not network.get("internal") and network.get("driver_opts", {}).get(masquerading) != "false"
    }
    assert ways_out == {"cdb_market", "cdb_watch"}
    assert {name for name, service in ALL.items() if "cdb_market" in service.get("networks", [])} == {"cdb_ws"}
    assert not [name for name in SERVICES if "cdb_watch" in ALL[name]["networks"]]


def test_memory_limits_fit_four_gibibytes_together() -> None:
    assert sum(mebibytes(service["mem_limit"]) for service in ALL.values()) <= 4096
    assert all(0 < service["cpus"] <= 1 for service in ALL.values()), "an engine refuses more than the machine has"


def test_what_yields_natively_has_a_smaller_share_of_the_processor() -> None:
    yielding = {f"cdb_{part.name.removeprefix('cdb_')}" for part in ALL_PARTS if part.yields}
    assert {name: service.get("cpu_shares") for name, service in ALL.items() if service.get("cpu_shares")} == (
        dict.fromkeys(yielding, 128)
    )


def test_go_programs_are_told_of_less_memory_than_their_limit() -> None:
    """Else the kernel ends them before they have cleaned up."""
    told = {n: s["environment"]["GOMEMLIMIT"] for n, s in ALL.items() if "GOMEMLIMIT" in s.get("environment", {})}
    assert set(told) == {"cdb_otel_collector", "cdb_jaeger", "cdb_prometheus"}
    for name, limit in told.items():
        assert int(limit.removesuffix("MiB")) <= 0.8 * mebibytes(ALL[name]["mem_limit"])


@pytest.mark.parametrize("name", [*ALL, "cdb"])
def test_every_container_is_hardened(name: str) -> None:
    service = read()["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name != "cdb_handover"), "Compose copies secrets into that one"
    assert service["pids_limit"] <= 200
    assert not service.get("privileged")
    assert "docker.sock" not in str(service)


@pytest.mark.parametrize("name", sorted(LONG_RUNNING))
def test_what_runs_for_long_comes_back_ends_in_order_and_fills_no_disk(name: str) -> None:
    service = ALL[name]
    assert service["restart"] == "unless-stopped"
    assert int(service.get("stop_grace_period", "10s").removesuffix("s")) >= 5
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}


def test_all_but_the_collector_which_has_no_shell_say_how_they_are() -> None:
    assert {name for name in LONG_RUNNING if "healthcheck" not in ALL[name]} == {"cdb_otel_collector"}


def test_nobody_waits_for_the_health_of_another() -> None:
    """Each waits by itself for what it needs, at any time; only files and the exporter's account are made before."""
    for name, service in ALL.items():
        conditions = {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        assert set(conditions) <= {"cdb_handover", "cdb_migrate"}, name
        assert set(conditions.values()) <= {"service_completed_successfully"}, name


def test_whoever_mounts_secrets_comes_after_the_one_that_writes_them() -> None:
    mounting = {n for n, s in ALL.items() if any("cdb_secret_" in source for source in mounts(s).values())}
    assert {"cdb_handover", *SERVICES} <= mounting
    for name in mounting - {"cdb_handover"}:
        assert "cdb_handover" in ALL[name]["depends_on"], name


def test_no_container_shows_a_secret_in_its_settings_or_command() -> None:
    for name, service in read()["services"].items():
        assert not [s for s in envfile.SECRETS if re.search(rf"\$\{{?{s}\b(?!_)", words(service))], name
        given = set(service.get("environment", {})) & set(envfile.SECRETS)
        assert given == ({"CDB_OTLP_TOKEN"} if name == "cdb_otel_collector" else set()), name
    token = ALL["cdb_otel_collector"]["environment"]["CDB_OTLP_TOKEN"]
    assert token == "$${file:/run/secrets/otlp/CDB_OTLP_TOKEN}", "the name of a file"


@pytest.mark.parametrize(
    ("volume", "readers"),
    [
        ("cdb_secret_postgres", {"cdb_postgres", "cdb_migrate", "cdb_risk", "cdb_execution"}),
        ("cdb_secret_redis", {"cdb_redis", *SERVICES}),
        ("cdb_secret_otlp", {"cdb_otel_collector", *SERVICES}),
        ("cdb_secret_operator", {"cdb_risk", "cdb_console"}),
        ("cdb_secret_console", {"cdb_console"}),
        ("cdb_secret_reader", {"cdb_migrate", "cdb_console"}),
        ("cdb_secret_monitoring", {"cdb_migrate", "cdb_redis_exporter", "cdb_postgres_exporter"}),
        ("cdb_secret_grafana", {"cdb_grafana"}),
        ("cdb_alertmanager_conf", {"cdb_alertmanager"}),
    ],
)
def test_only_who_needs_a_secret_mounts_it_and_cannot_change_it(volume: str, readers: set[str]) -> None:
    mounted = {n: place for n, s in ALL.items() for place, source in mounts(s).items() if source == volume}
    assert set(mounted) == {*readers, "cdb_handover"}
    assert all(place.endswith(":ro") for name, place in mounted.items() if name != "cdb_handover")


def test_the_command_has_what_it_needs_to_act_and_reaches_cdb_risk_by_its_name() -> None:
    command = read()["services"]["cdb"]
    assert "cdb_secret_operator:/run/secrets/operator:ro" in command["volumes"]
    assert command["environment"]["CDB_RISK_HOST"] == "cdb_risk"
    assert set(command["networks"]) & set(ALL["cdb_risk"]["networks"])


def test_every_secret_is_asked_for_by_name_before_anything_starts() -> None:
    text = read()["configs"]["what-env-must-hold"]["content"]
    asked = dict(re.findall(r"\$\{([A-Z_]+)(:?\?)run `make env`", text))
    needed = {
        entry.name: ":?" if entry.required else "?" for entry in envfile.ENTRIES if entry.name in read()["secrets"]
    }
    assert asked == needed
    users = [n for n, service in read()["services"].items() if "what-env-must-hold" in str(service.get("configs", ""))]
    assert users == [], "where nobody uses it, `docker compose config` does not print it"


@pytest.mark.parametrize(("container", "place"), PLACES.values())
def test_what_a_backup_saves_is_in_a_volume_of_its_own(container: str, place: str) -> None:
    found = mounts(read()["services"][container])
    assert found[place] in read()["volumes"]


def test_images_are_pinned_by_version() -> None:
    images = {str(service["image"]) for service in ALL.values()}
    assert all(re.fullmatch(r"[a-z0-9/_-]+:v?\d+\.?\d*[\w.-]*", image) for image in images), images
    assert not [image for image in images if image.endswith(":latest")]


def test_the_collector_is_of_the_version_that_is_built_natively() -> None:
    builder = yaml.safe_load((ROOT / "otel-collector" / "builder.yaml").read_text())
    assert ALL["cdb_otel_collector"]["image"].endswith(f":{builder['dist']['version']}")


def test_configuration_is_the_same_files_as_without_containers() -> None:
    binds = {
        (name, source.removeprefix("./"))
        for name, service in ALL.items()
        for place, source in mounts(service).items()
        if source.startswith("./")
    }
    assert binds == {
        ("cdb_console", "monitoring/dashboards/json"),
        ("cdb_console", "monitoring/runbooks"),
        ("cdb_grafana", "monitoring/dashboards/json"),
        ("cdb_grafana", "monitoring/grafana/provisioning"),
        ("cdb_handover", "monitoring/alertmanager"),
        ("cdb_jaeger", "monitoring/jaeger"),
        ("cdb_otel_collector", "otel-collector"),
        ("cdb_prometheus", "monitoring/prometheus"),
        ("cdb_prometheus", "monitoring/runbooks"),
        ("cdb_redis", "deploy/containers/redis.conf"),
    }
    for name, path in binds:
        assert (ROOT / path).exists(), (name, path)
    assert all(
        place.endswith(":ro") for s in ALL.values() for place, source in mounts(s).items() if source.startswith("./")
    )


def test_servers_are_told_what_they_are_told_without_containers(native: StackConfig) -> None:
    """An option that is only in one of the two ways would be a difference nobody knows of."""
    for container, part in (
        ("cdb_prometheus", "prometheus"),
        ("cdb_alertmanager", "alertmanager"),
        ("cdb_redis_exporter", "redis_exporter"),
        ("cdb_postgres_exporter", "postgres_exporter"),
        ("cdb_otel_collector", "otel_collector"),
    ):
        there = {_option(word) for word in native.part(part).command(native)[1:]}
        here = {_option(word) for word in ALL[container]["command"]}
        assert here == there - {"web.listen-address"} - {w for w in there if w.startswith("/")}, container
    assert FEATURE_GATES in ALL["cdb_otel_collector"]["command"]
    assert "--storage.tsdb.retention.time=${CDB_PROMETHEUS_RETENTION:-14d}" in ALL["cdb_prometheus"]["command"]


def test_settings_of_servers_and_what_they_must_fit_are_checked_before_those_servers_start() -> None:
    """All that docker-compose.yml gives them, and secrets."""
    of_servers = CollectorSettings.variables().keys() | JaegerSettings.variables().keys()
    wanted = {*of_servers, "CDB_PROMETHEUS_RETENTION", "CDB_METRIC_EXPORT_INTERVAL_S", "MAX_SIGNAL_AGE_S"}
    assert wanted <= {*ALL["cdb_handover"]["environment"]}
    assert Secrets.variables().keys() <= {*ALL["cdb_handover"]["secrets"]}


def test_an_empty_value_means_the_default() -> None:
    """With - instead of :- an emptied line of .env would reach a server; a service takes its default by itself."""
    text = FILE.read_text(encoding="utf-8")
    assert re.findall(r"\$\{[A-Z0-9_]+-[^}]*\}", text) == []
    ours = {*SERVICES, "cdb_handover", "cdb_console", "cdb", "cdb_migrate"}
    passed_on = {
        f"{container}: {name}"
        for container, service in ALL.items()
        if container not in ours and isinstance(service.get("environment"), dict)
        for name, value in service["environment"].items()
        if value is None
    }
    assert passed_on == set()


def test_redis_is_set_up_as_without_containers(native: StackConfig) -> None:
    native.layout.state_dir.mkdir(exist_ok=True)
    native.part("redis").prepare(native)  # type: ignore[misc]
    there = _redis_settings(native.layout.redis_conf.read_text())
    here = _redis_settings((ROOT / "deploy" / "containers" / "redis.conf").read_text())
    differ = {"bind", "port", "unixsocket", "unixsocketperm", "dir", "requirepass", "aclfile", "user"}
    assert {k: v for k, v in here.items() if k not in differ} == {k: v for k, v in there.items() if k not in differ}


def test_grafana_lets_nobody_in_unknown_and_opens_on_a_dashboard() -> None:
    settings = ALL["cdb_grafana"]["environment"]
    assert settings["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].endswith(f"/{HOME_DASHBOARD}")
    provisioning = ROOT / "monitoring" / "grafana" / "provisioning"
    left_open = set(re.findall(r"\$\{(CDB_\w+)\}", "".join(f.read_text() for f in provisioning.rglob("*.yml"))))
    assert left_open == {name for name in settings if name.startswith("CDB_")}


def test_the_default_trades_on_the_simulator_without_test_endpoints() -> None:
    for name in SERVICES:
        environment = ALL[name]["environment"]
        assert environment["CDB_TEST_ENDPOINTS"] == "${CDB_TEST_ENDPOINTS:-0}"
        assert environment["CDB_SOURCE"] is None, "passed on if it is set; simulated is the services' own default"


PLUGINS: Final[dict[str, tuple[type[Settings], ...]]] = {
    "cdb_ws": (SimulatorSettings, ReplaySettings, MexcSettings, BinanceSettings),
    "cdb_core": (MomentumSettings, MeanReversionSettings),
}
"""The sources and strategies of ours, which have settings of their own."""


def test_every_setting_of_a_service_can_be_passed_to_it() -> None:
    """One that .env may hold and the container does not get would be ignored without a word."""
    fixed = {"CDB_CLOCK", "CDB_LOCKSTEP", "CDB_REPLAY_FILE", "CDB_REPLAY_READING", "CDB_REPLAY_SPEED"}  # of a replay
    for name in SERVICES:
        kind = _settings_of(name)
        of_plugins = {variable for plugin in PLUGINS.get(name, ()) for variable in plugin.variables()}
        wanted = (kind.variables().keys() | of_plugins) - fixed - set(envfile.SECRETS)
        assert len(wanted) > 10, "it would pass without a look at any"
        assert wanted <= set(ALL[name]["environment"]), name


@pytest.mark.parametrize(
    ("container", "file"),
    [("cdb_otel_collector", "otel-collector/config.yaml"), ("cdb_jaeger", "monitoring/jaeger/config.yaml")],
)
def test_every_setting_of_a_configuration_file_can_be_passed_to_its_container(container: str, file: str) -> None:
    """Ports inside of a container stay as they are, and are published as .env says."""
    asked = set(re.findall(r"\$\{env:(CDB_\w+)", (ROOT / file).read_text()))
    given = set(ALL[container]["environment"])
    assert {name for name in asked - given if not name.endswith("_PORT")} == set()
    assert {name for name in given if name.startswith("CDB_")} <= asked


@pytest.fixture
def native(tmp_path: Any) -> StackConfig:
    parts = tuple(part for part in ALL_PARTS if part.name != "grafana")
    return StackConfig.isolated(ROOT, tmp_path, parts=parts)


def _settings_of(service: str) -> Any:
    short = service.removeprefix("cdb_")
    module = __import__(f"services.{short}.settings", fromlist=["settings"])
    return getattr(module, f"{short.capitalize()}Settings")


def _option(word: str) -> str:
    return word.lstrip("-").split("=", 1)[0]


def _redis_settings(text: str) -> dict[str, str]:
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    return {line[0]: line[1] for line in lines}
