"""The chart with ten sets of values: what Kubernetes takes, hardening, images, configuration."""

import subprocess
import tarfile
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from services import topology
from tests.support.paths import ROOT
from tests.support.programs import promtool
from tests.system.containers.compose import mebibytes, read, started
from tests.system.helm.rendered import CHART, SETS, VALUES, environment, mounted, of_kind, pods, rendered, run

COMPOSE: Final = started()
CONTAINERS: Final = {
    "redis": "cdb_redis",
    "postgresql": "cdb_postgres",
    "collector": "cdb_otel_collector",
    "jaeger": "cdb_jaeger",
    "redis-exporter": "cdb_redis_exporter",
    "postgres-exporter": "cdb_postgres_exporter",
    "prometheus": "cdb_prometheus",
    "alertmanager": "cdb_alertmanager",
    "grafana": "cdb_grafana",
}
"""Components that run an official image, and their names in docker-compose.yml."""
ADDRESSES: Final = {
    "cdb_redis": "cdb-redis",
    "cdb_postgres": "cdb-postgresql",
    "cdb_jaeger": "cdb-jaeger",
    "cdb_prometheus": "cdb-prometheus",
    "sslmode=disable": "sslmode=prefer",  # PostgreSQL may be somewhere else, with TLS
}
OPERATORS: Final = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of the Prometheus operator, of which Kubernetes has no schema."""


@pytest.mark.parametrize("values", SETS)
def test_helm_finds_no_fault(values: str) -> None:
    said = run("lint", "--strict", CHART, "--values", VALUES / f"{values}.yaml").stdout
    assert "0 chart(s) failed" in said
    assert "WARNING" not in said


@pytest.mark.parametrize("values", SETS)
def test_kubernetes_knows_every_field(values: str) -> None:
    unknown = set()
    for one in rendered(values):
        if one["kind"] in OPERATORS:
            unknown.add(one["kind"])
        else:
            kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
    assert unknown == (OPERATORS if values == "service_monitor" else set())


@pytest.mark.parametrize("values", SETS)
def test_names_are_unique_and_everything_is_of_the_release(values: str) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in rendered(values)]
    assert len(names) == len(set(names))
    for one in rendered(values):
        assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == "bot"
        assert "namespace" not in one["metadata"], "that of the release"


@pytest.mark.parametrize("values", SETS)
def test_every_container_is_hardened(values: str) -> None:
    for pod in pods(values).values():
        assert pod.spec["securityContext"]["runAsUser"] > 0
        assert pod.spec["securityContext"]["runAsNonRoot"] is True
        assert pod.spec["automountServiceAccountToken"] is False
        assert pod.spec["enableServiceLinks"] is False, "it would set CDB_WS_PORT to a URL"
        assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & set(pod.spec)
        for container in pod.containers:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            }, container["name"]
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), container["name"]
            assert "memory" in container["resources"]["limits"], container["name"]


@pytest.mark.parametrize("values", SETS)
def test_volumes_are_in_memory_or_claimed_and_what_is_not_data_is_read_only(values: str) -> None:
    for pod in pods(values).values():
        claimed = {claim["metadata"]["name"] for claim in pod.owner["spec"].get("volumeClaimTemplates", [])}
        for container in pod.containers:
            for mount in container["volumeMounts"]:
                volume = pod.volumes.get(mount["name"], {})
                assert volume or mount["name"] in claimed, mount
                if not volume or "emptyDir" in volume:
                    continue
                assert mount["readOnly"] is True, mount
        kinds = {kind for volume in pod.volumes.values() for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "projected", "secret"}


@pytest.mark.parametrize("values", SETS)
def test_nothing_listens_beyond_the_cluster(values: str) -> None:
    assert {service["spec"]["type"] for service in of_kind("Service", values).values()} == {"ClusterIP"}
    assert not of_kind("Ingress", values)
    assert not [
        port
        for pod in pods(values).values()
        for c in pod.containers
        for port in c.get("ports", [])
        if "hostPort" in port
    ]


@pytest.mark.parametrize("values", SETS)
@pytest.mark.parametrize("service", topology.SERVICES, ids=lambda service: service.name)
def test_each_service_runs_under_its_name_and_port(service: topology.Service, values: str) -> None:
    name = service.name.replace("_", "-")
    workload = of_kind("StatefulSet", values)[name]
    pod = pods(values)[name.removeprefix("cdb-")]
    assert pod.container["args"] == COMPOSE[service.name]["command"] == ["python", "-m", service.module]
    assert pod.container["ports"] == [{"name": "http", "containerPort": service.port, "protocol": "TCP"}]
    assert environment(pod.container)[service.port_variable] == str(service.port)
    for offered in (name, f"{name}-pods"):
        spec = of_kind("Service", values)[offered]["spec"]
        assert [port["port"] for port in spec["ports"]] == [service.port]
        assert spec["selector"].items() <= pod.metadata["labels"].items()
    assert workload["spec"]["serviceName"] == f"{name}-pods"
    assert workload["spec"]["replicas"] == (1 if values == "single" else 2)


@pytest.mark.parametrize("service", ["ws", "core", "risk", "execution"])
def test_two_copies_are_kept_apart_and_never_evicted_together(service: str) -> None:
    budget = of_kind("PodDisruptionBudget", "addresses")[f"cdb-{service}"]["spec"]
    pod = pods("addresses")[service]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= pod.metadata["labels"].items()
    spread = pod.spec["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert all(one["labelSelector"]["matchLabels"].items() <= pod.metadata["labels"].items() for one in spread)
    assert of_kind("StatefulSet", "addresses")[f"cdb-{service}"]["spec"]["podManagementPolicy"] == "Parallel"


@pytest.mark.parametrize("service", ["ws", "core", "risk", "execution"])
def test_a_service_that_waits_for_a_server_is_not_ready_and_is_not_started_again(service: str) -> None:
    container = pods("addresses")[service].container
    assert container["readinessProbe"]["httpGet"] == {"path": "/health", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/metrics", "port": "http"}


@pytest.mark.parametrize("values", SETS)
def test_all_that_run_for_long_are_asked_how_they_are(values: str) -> None:
    for component, pod in pods(values).items():
        asked = {"livenessProbe", "readinessProbe"} & set(pod.container)
        assert asked == (set() if component == "migrate" else {"livenessProbe", "readinessProbe"}), component


def test_the_console_is_asked_under_a_name_that_it_answers_to() -> None:
    container = pods("trial")["console"].container
    headers = container["readinessProbe"]["httpGet"]["httpHeaders"]
    assert headers == [{"name": "Host", "value": "localhost"}]
    assert "cdb-console" in environment(container)["CDB_CONSOLE_NAMES"].split(",")
    assert "CDB_CONSOLE_ON_LOOPBACK" not in environment(container), "other pods reach it"


def test_images_are_those_of_the_one_list_of_versions() -> None:
    found = {component: pod.container["image"] for component, pod in pods("trial").items()}
    for component, container in CONTAINERS.items():
        assert found.pop(component) == COMPOSE[container]["image"], component
    assert set(found.values()) == {COMPOSE["cdb_ws"]["image"]}


def test_memory_has_the_limits_that_it_has_with_docker() -> None:
    for component, pod in pods("trial").items():
        container = CONTAINERS.get(component, f"cdb_{component}")
        limit = pod.container["resources"]["limits"]["memory"]
        assert limit == f"{mebibytes(COMPOSE[container]['mem_limit'])}Mi", component


@pytest.mark.parametrize("component", CONTAINERS)
def test_servers_are_told_what_docker_compose_tells_them(component: str) -> None:
    service = COMPOSE[CONTAINERS[component]]
    container = pods("trial", *ALL_DEFAULTS)[component].container
    if component == "grafana":
        assert "args" not in container
    else:
        assert container["args"] == [_told(word) for word in service["command"]]
    given = {name: value for name, value in environment(container).items() if name not in {"PGDATA"}}
    assert given == {name: _told(value) for name, value in service.get("environment", {}).items()}


def test_configuration_is_the_projects_own_files_byte_for_byte() -> None:
    wanted = {
        "cdb-alertmanager": [*_files("monitoring/alertmanager", "*.yml"), *_files("monitoring/alertmanager/templates")],
        "cdb-dashboards": _files("monitoring/dashboards/json"),
        "cdb-grafana": _files("monitoring/grafana/provisioning", "*/*.yml"),
        "cdb-jaeger": _files("monitoring/jaeger"),
        "cdb-otel-collector": [f for f in _files("otel-collector") if f.name != "builder.yaml"],
        "cdb-prometheus": [ROOT / "monitoring/prometheus/prometheus.yml"],
        "cdb-prometheus-rules": _files("monitoring/prometheus/rules"),
        "cdb-redis": [ROOT / "deploy/containers/redis.conf"],
        "cdb-runbooks": _files("monitoring/runbooks"),
    }
    found = {name: one["data"] for name, one in of_kind("ConfigMap", "trial").items()}
    assert set(found) == {*wanted, "cdb-prometheus-targets"}
    for name, files in wanted.items():
        assert files, name
        assert {key: text.encode() for key, text in found[name].items()} == {f.name: f.read_bytes() for f in files}, (
            name
        )


@pytest.mark.parametrize("values", SETS)
def test_rules_and_dashboards_are_there_whoever_reads_them(values: str) -> None:
    maps = of_kind("ConfigMap", values)
    assert maps["cdb-prometheus-rules"]["data"].keys() == {f.name for f in _files("monitoring/prometheus/rules")}
    assert maps["cdb-dashboards"]["data"].keys() == {f.name for f in _files("monitoring/dashboards/json")}
    assert maps["cdb-dashboards"]["metadata"]["labels"]["grafana_dashboard"] == "1"


@pytest.mark.parametrize("values", SETS)
def test_what_is_mounted_is_in_a_configmap(values: str) -> None:
    """A name or key that is not there keeps a pod from starting; those of extraVolumes are the operator's."""
    maps = {name: set(one["data"]) for name, one in of_kind("ConfigMap", values).items()}
    for pod in pods(values).values():
        for volume in pod.volumes.values():
            sources = [volume] if "configMap" in volume else volume.get("projected", {}).get("sources", [])
            for source in sources:
                if source["configMap"]["name"] != "my-strategies":
                    keys = {item["key"] for item in source["configMap"].get("items", [])}
                    assert keys <= maps[source["configMap"]["name"]], volume


def test_the_same_values_give_the_same_chart() -> None:
    """Or an upgrade that changes nothing would start servers again."""
    command = ("template", "bot", CHART, "--namespace", "trading", "--values", VALUES / "trial.yaml")
    assert len({run(*command).stdout for _ in range(8)}) == 1


def test_a_package_has_the_same_files(tmp_path: Path) -> None:
    run("package", CHART, "--destination", tmp_path)
    [package] = tmp_path.iterdir()
    with tarfile.open(package) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    unpacked = tmp_path / "unpacked" / "claire-de-binare"
    assert not [path for path in unpacked.rglob("*") if path.is_symlink()]
    text = run("template", "bot", unpacked, "--namespace", "trading", "--values", VALUES / "trial.yaml").stdout
    assert [one for one in yaml.safe_load_all(text) if one] == list(rendered("trial"))


def test_prometheus_takes_what_the_chart_gives_it(tmp_path: Path) -> None:
    pod = pods("trial")["prometheus"]
    assert mounted(pod.container)["/etc/prometheus"] == "config"
    maps = {name: one["data"] for name, one in of_kind("ConfigMap", "trial").items()}
    for source in pod.volumes["config"]["projected"]["sources"]:
        data = maps[source["configMap"]["name"]]
        for item in source["configMap"].get("items") or [{"key": key, "path": key} for key in data]:
            file = tmp_path / item["path"]
            file.parent.mkdir(exist_ok=True)
            file.write_text(data[item["key"]])
    done = subprocess.run(
        [promtool(), "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_the_schema_is_migrated_before_the_services_unless_postgresql_comes_with_them() -> None:
    hook = of_kind("Job", "addresses")["cdb-migrate"]
    assert hook["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    job = of_kind("Job", "trial")["cdb-migrate-1"]
    assert "annotations" not in job["metadata"], "a hook would wait for a PostgreSQL that comes after it"
    assert pods("addresses")["migrate"].container["args"] == COMPOSE["cdb_migrate"]["command"]


def test_data_stay_where_a_size_is_given() -> None:
    claims = {name: one["spec"].get("volumeClaimTemplates") for name, one in of_kind("StatefulSet", "trial").items()}
    kept = {name for name, claim in claims.items() if claim}
    servers = {f"cdb-{component}" for component in CONTAINERS if "exporter" not in component}
    assert kept == {*servers, "cdb-console"}
    for claim in claims["cdb-postgresql"] or []:
        assert claim["spec"]["storageClassName"] == "standard"
    assert not [n for n, one in of_kind("StatefulSet", "single").items() if "volumeClaimTemplates" in one["spec"]]


def test_pods_run_where_the_values_say() -> None:
    risk = pods("placement")["risk"]
    assert risk.container["resources"]["limits"] == {"cpu": 2, "memory": "512Mi"}
    for pod in pods("placement").values():
        assert pod.spec["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
        assert pod.spec["tolerations"] == [{"key": "trading", "operator": "Exists", "effect": "NoSchedule"}]
        assert pod.spec["priorityClassName"] == "trading"
        assert pod.metadata["labels"]["team"] == "trading"
    assert [one["topologyKey"] for one in risk.spec["topologySpreadConstraints"]] == ["topology.kubernetes.io/region"]


def test_images_come_from_the_registry_that_the_values_name() -> None:
    found = pods("own_images")
    assert found["ws"].container["image"] == "registry.example.org:5000/trading/cdb:1.2.3"
    assert found["collector"].container["image"].startswith("registry.example.org:5000/mirror/otelcol:0.161.0@sha256:")
    assert all(pod.spec["imagePullSecrets"] == [{"name": "registry"}] for pod in found.values())


def _files(folder: str, pattern: str = "*") -> list[Path]:
    return sorted(path for path in (ROOT / folder).glob(pattern) if path.is_file())


def _defaults() -> tuple[str, ...]:
    """Options that set what docker-compose.yml has as defaults, so that environments can be compared."""
    found: dict[str, str] = {}
    for container in CONTAINERS.values():
        service = read()["services"][container]
        for name, value in service.get("environment", {}).items():
            if str(value).startswith(f"${{{name}:-"):
                found[name] = _told(value)
    found["CDB_PROMETHEUS_RETENTION"] = "14d"
    return tuple(word for name, value in found.items() for word in ("--set-string", f"settings.{name}={value}"))


def _told(value: Any) -> str:
    """What docker-compose.yml says, with its defaults, and the addresses of the chart."""
    text = str(value)
    while "${" in text and ":-" in text:
        before, _, rest = text.partition("${")
        _, _, rest = rest.partition(":-")
        default, _, after = rest.partition("}")
        text = before + default + after
    for theirs, ours in ADDRESSES.items():
        text = text.replace(theirs, ours) if "dir" not in text and not text.startswith("/") else text
    return text.replace("$${", "${")


ALL_DEFAULTS: Final = _defaults()
