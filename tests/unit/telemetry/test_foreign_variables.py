"""Variables that are meant for another program's OpenTelemetry change nothing of ours."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import pytest

from cdb.main import GROUPS
from services.topology import SERVICES
from telemetry.pipeline import TelemetrySettings
from tests.support.hostile import OTEL, PROXIES
from tests.support.waiting import until
from tests.unit.telemetry.isolated import Isolated
from tests.unit.telemetry.test_export import Received, received

__all__ = ["received"]

_LISTS: Final = (
    "opentelemetry.environment_variables",
    "opentelemetry.instrumentation.environment_variables",
    "opentelemetry.sdk.environment_variables",
)
PROGRAMS: Final = (
    *(f"{service.module}.__main__" for service in SERVICES),
    "services.migrate",
    "console.__main__",
    *(f"cdb.{group}.command" for group in GROUPS),
)


def everything_that_opentelemetry_knows(value: str) -> dict[str, str]:
    modules = [import_module(name) for name in _LISTS]
    names = {each for module in modules for each in vars(module).values() if isinstance(each, str)}
    return {name: value for name in names if re.fullmatch(r"OTEL_[A-Z0-9_]+", name)}


def exported(received: Received) -> dict[str, Any]:
    settings = TelemetrySettings(otlp_endpoint=received.endpoint, otlp_token="ours", instance_id="cdb_risk:8002")
    box = Isolated("cdb_risk", settings=settings)
    until(lambda: received.metrics, what="the first export")
    box.metrics.orders_received.labels(symbol="BTCUSDT").inc(7)
    with box.telemetry.tracer_provider.get_tracer("test").start_as_current_span("risk.decide") as span:
        span.set_attribute("one", "a long value")
        box.metrics.risk_decision_duration_seconds.observe(0.2)
    box.telemetry.shutdown()
    ((resource, sent),) = received.spans
    newest = {metric.name: metric for metric in received.metrics}
    orders, decisions = newest["cdb.orders.received"].sum, newest["cdb.risk.decision.duration"].histogram
    return {
        "orders": [(point.as_double, orders.aggregation_temporality) for point in orders.data_points],
        "decisions": [(list(point.bucket_counts), len(point.exemplars)) for point in decisions.data_points],
        "service": (resource["service.name"], resource["service.instance.id"]),
        "attributes": sorted((item.key, item.value.string_value) for item in sent.attributes),
        "tokens": received.tokens,
    }


def test_export_is_the_same_under_all_of_them_at_once(received: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = exported(received)
    assert expected["service"] == ("cdb_risk", "cdb_risk:8002")
    assert ("one", "a long value") in expected["attributes"]
    assert expected["orders"][0][0] == 7
    for log in (received.metrics, received.spans):
        log.clear()
    for name, value in {**OTEL, **PROXIES}.items():
        monkeypatch.setenv(name, value)
    assert exported(received) == expected


@pytest.mark.parametrize("environment", [OTEL, everything_that_opentelemetry_knows("x!")], ids=["set", "all"])
def test_every_program_can_be_imported_under_them_and_has_none_left(environment: Mapping[str, str]) -> None:
    modules = ", ".join(PROGRAMS)
    program = f"import {modules}; import os; print(*(n for n in os.environ if n.startswith(('OTEL_', 'GRPC_'))))"
    environ = {"PATH": os.environ["PATH"], **environment}
    run = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == []
