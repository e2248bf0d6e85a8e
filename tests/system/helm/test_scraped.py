"""What Prometheus scrapes has the jobs and instances that rules and dashboards ask for, in each way to tell it."""

import re
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from services import topology
from tests.support.paths import ROOT
from tests.support.programs import promtool
from tests.system.helm.rendered import Object, of_kind, pods

PROMETHEUS: Final = ROOT / "monitoring" / "prometheus"
STANDBYS: Final = {f"{one.standby}:{one.standby_port}" for one in topology.SERVICES}
ANNOTATED: Final = ("addresses", "--set", "metrics.scrape=annotations")
OF_OTHERS: Final = {"jaeger", "prometheus", "alertmanager"}
"""Jobs of servers that are not in the release where they exist already."""


def committed() -> dict[str, set[str]]:
    """Instances by job: the containers', which are the native stack's."""
    files = sorted((PROMETHEUS / "targets").glob("*.yml"))
    return {
        f.stem: set(chain.from_iterable(group["targets"] for group in yaml.safe_load(f.read_text()))) for f in files
    }


def wanted(*, standbys: bool = True) -> dict[str, set[str]]:
    found = committed()
    return found | {"cdb_services": found["cdb_services"] | (STANDBYS if standbys else set())}


def jobs() -> dict[str, Any]:
    return {
        job["job_name"]: job for job in yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    }


@pytest.mark.parametrize("values", ["trial", "single"])
def test_the_trials_prometheus_scrapes_what_it_scrapes_with_docker_and_standbys(values: str) -> None:
    data = of_kind("ConfigMap", values)["cdb-prometheus-targets"]["data"]
    groups = {file.removesuffix(".yml"): yaml.safe_load(text) for file, text in data.items()}
    found = {job: {group["labels"]["instance"] for group in its} for job, its in groups.items()}
    assert found == wanted(standbys=values == "trial")
    for target in chain.from_iterable(group["targets"] for its in groups.values() for group in its):
        _assert_leads_to_a_pod(target, values)


def test_another_prometheus_is_told_the_same_targets(tmp_path: Path) -> None:
    """Those of pods that are not there are down, and not absent: one of two copies is enough for ServiceDown."""
    text = of_kind("ConfigMap", "addresses")["cdb-prometheus-scrape"]["data"]["claire-de-binare.yml"]
    scraped = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
    assert scraped.keys() == jobs().keys() - OF_OTHERS
    for name, job in scraped.items():
        assert job.get("metric_relabel_configs") == jobs()[name].get("metric_relabel_configs")
        assert job.get("honor_labels") == jobs()[name].get("honor_labels")
        assert {one["labels"]["instance"] for one in job["static_configs"]} == wanted()[name]
        for target in chain.from_iterable(one["targets"] for one in job["static_configs"]):
            _assert_leads_to_a_pod(target.replace(".trading.svc", ""), "addresses")
    file = tmp_path / "prometheus.yml"
    file.write_text(text)
    done = subprocess.run([promtool(), "check", "config", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_prometheus_finds_the_same_by_annotations() -> None:
    text = of_kind("ConfigMap", *ANNOTATED)["cdb-prometheus-scrape"]["data"]["claire-de-binare.yml"]
    scraped = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
    assert scraped.keys() == jobs().keys() - OF_OTHERS
    for name, job in scraped.items():
        assert job.get("metric_relabel_configs") == jobs()[name].get("metric_relabel_configs")
        assert job.get("honor_labels") == jobs()[name].get("honor_labels")
        annotated, *named, last = job["relabel_configs"]
        assert (annotated["regex"], annotated["action"]) == (name, "keep")
        assert last == {"source_labels": ["instance"], "regex": ".+", "action": "keep"}
        ends = [(end, pod) for end in _pod_ends() for pod in [end.split(";")[0]] if _job_of(pod) == name]
        found = {rule["replacement"] for rule in named for end, _ in ends if re.fullmatch(rule["regex"], end)}
        assert found == wanted()[name], name
        assert all(len([1 for end, _ in ends if re.fullmatch(rule["regex"], end)]) == 1 for rule in named)


def test_the_operators_monitors_find_the_same() -> None:
    found: dict[str, set[str]] = {}
    for monitor in of_kind("ServiceMonitor", "service_monitor").values():
        selected = monitor["spec"]["selector"]["matchLabels"].items()
        offered = [
            s for s in of_kind("Service", "service_monitor").values() if selected <= s["metadata"]["labels"].items()
        ]
        assert len(offered) == 1, "a pod that two Services offer would be scraped twice"
        ports = {port["name"] for port in offered[0]["spec"]["ports"]}
        for endpoint in monitor["spec"]["endpoints"]:
            assert endpoint["port"] in ports
            job, *instances = endpoint["relabelings"]
            assert job["targetLabel"] == "job"
            found.setdefault(job["replacement"], set()).update(rule["replacement"] for rule in instances)
            theirs = jobs()[job["replacement"]]
            assert endpoint.get("honorLabels") == theirs.get("honor_labels")
            assert endpoint.get("metricRelabelings", []) == [
                _renamed(r) for r in theirs.get("metric_relabel_configs", [])
            ]
    assert found == {job: its for job, its in wanted().items() if job not in OF_OTHERS}


def test_the_operator_gets_the_committed_rules() -> None:
    groups = of_kind("PrometheusRule", "service_monitor")["cdb-alerts"]["spec"]["groups"]
    files = sorted((PROMETHEUS / "rules").glob("*.yml"))
    assert groups == list(chain.from_iterable(yaml.safe_load(file.read_text())["groups"] for file in files))
    for kind in ("ServiceMonitor", "PrometheusRule"):
        for one in of_kind(kind, "service_monitor").values():
            assert one["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_whoever_scrapes_otherwise_is_told_nothing() -> None:
    assert "cdb-prometheus-scrape" not in of_kind("ConfigMap", "open_network")
    assert not of_kind("ServiceMonitor", "open_network")
    assert not [p for p in pods("open_network").values() if "claire-de-binare/job" in p.metadata["annotations"]]


def _pod_ends() -> list[str]:
    """Pod and port as Prometheus' discovery joins them, for each pod of the release."""
    found = []
    for component, pod in pods(*ANNOTATED).items():
        copies = pod.owner["spec"].get("replicas", 0)
        is_set = pod.owner["kind"] == "StatefulSet"
        names = [f"cdb-{component}-{number if is_set else '7d9c-x2x4z'}" for number in range(copies)]
        found += [f"{name};{port['containerPort']}" for name in names for port in pod.container.get("ports", [])]
    return found


def _job_of(pod: str) -> str:
    component = max((c for c in pods(*ANNOTATED) if pod.startswith(f"cdb-{c}-")), key=len)
    return str(pods(*ANNOTATED)[component].metadata["annotations"].get("claire-de-binare/job"))


def _assert_leads_to_a_pod(target: str, values: str) -> None:
    host, port = target.split(":")
    if host == "localhost":
        return
    services = of_kind("Service", values)
    name = host.partition(".")[2] or host
    assert int(port) in [one["port"] for one in services[name]["spec"]["ports"]], target
    if "." in host:
        owner = of_kind("StatefulSet", values)[host.partition(".")[0].rpartition("-")[0]]
        assert owner["spec"]["serviceName"] == name
        assert int(host.partition(".")[0].rpartition("-")[2]) < owner["spec"]["replicas"]


def _renamed(rule: Object) -> Object:
    names = {"source_labels": "sourceLabels", "target_label": "targetLabel"}
    return {names.get(name, name): value for name, value in rule.items()}
