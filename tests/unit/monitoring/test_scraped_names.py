"""Names that a program exposes with dots, and Prometheus from 3.0 on takes as they are, are stored with underscores."""

import re
from typing import Any, Final

import pytest
import yaml

from tests.support.paths import ROOT

_CONFIG: Final = yaml.safe_load((ROOT / "monitoring/prometheus/prometheus.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("job", ["otel_collector", "jaeger"])
@pytest.mark.parametrize(
    ("exposed", "stored"),
    [
        ("otelcol_processor_filter_datapoints.filtered", "otelcol_processor_filter_datapoints_filtered"),
        ("rpc.server.call.duration_count", "rpc_server_call_duration_count"),
        ("http.server.request.body.size_bytes_bucket", "http_server_request_body_size_bytes_bucket"),
        ("http_server_request_duration_count", "http_server_request_duration_count"),
        ("otelcol_process_uptime", "otelcol_process_uptime"),
    ],
)
def test_no_dot_is_left_in_a_metrics_name(job: str, exposed: str, stored: str) -> None:
    assert scraped(job, {"__name__": exposed})["__name__"] == stored


@pytest.mark.parametrize("job", ["otel_collector", "jaeger"])
def test_no_dot_is_left_in_a_labels_name(job: str) -> None:
    exposed = {
        "service.version": "1.2.3",
        "http.response.status_code": "200",
        "a.b.c.d": "x",
        "exporter": "otlp.grpc",
    }
    assert scraped(job, {"__name__": "target_info", **exposed}) == {
        "__name__": "target_info",
        "service_version": "1.2.3",
        "http_response_status_code": "200",
        "a_b_c_d": "x",
        "exporter": "otlp.grpc",
    }


def test_metrics_of_the_contract_keep_their_names_and_get_the_services_job() -> None:
    series = {"__name__": "cdb_daily_drawdown_pct", "instance": "cdb_risk:8002"}
    assert scraped("otel_collector", series) == {**series, "job": "cdb_services"}


def scraped(job: str, labels: dict[str, str]) -> dict[str, str]:
    """Labels that Prometheus stores for a series that *job* exposes with *labels*."""
    (config,) = (each for each in _CONFIG["scrape_configs"] if each["job_name"] == job)
    for rule in config["metric_relabel_configs"]:
        labels = relabelled(labels, **rule)
    return labels


def relabelled(
    labels: dict[str, str], *, regex: str, action: str = "replace", replacement: str = "", **names: Any
) -> dict[str, str]:
    """Apply one rule, as Prometheus does: its expression matches whole texts."""
    template = re.sub(r"\$\{(\d)\}", r"\\\1", replacement)

    def replaced(text: str) -> str | None:
        return found.expand(template) if (found := re.fullmatch(regex, text)) else None

    if action == "labeldrop":
        return {name: value for name, value in labels.items() if replaced(name) is None}
    if action == "labelmap":
        return labels | {new: value for name, value in labels.items() if (new := replaced(name))}
    (source,) = names["source_labels"]
    new = replaced(labels[source])
    return labels if new is None else {**labels, names["target_label"]: new}
