"""The images' tags in docker-compose.yml are the one list of versions: what is built natively is of the same ones."""

import re
from typing import Any

import pytest

from cdb.doctor.versions import _PROGRAMS as PROGRAMS
from tests.support.paths import ROOT
from tests.support.versions import image_version

JAEGER = {"2.13.0": "1.76.0"}
"""By the container image's version the Go module's, which counts on from Jaeger 1: both are of one tag there."""


def script(name: str) -> str:
    return (ROOT / "deploy" / "native" / name).read_text(encoding="utf-8")


def test_the_collector_is_built_from_components_of_the_images_version() -> None:
    """All but those that are stable have its number."""
    version = image_version("cdb_otel_collector")
    builder = (ROOT / "otel-collector" / "builder.yaml").read_text(encoding="utf-8")
    assert {*re.findall(r" v?(0\.\d+\.\d+)$", builder, re.MULTILINE)} == {version}
    assert f"cmd/builder@v{version}\n" in script("collector.sh")


def test_jaeger_is_built_from_the_module_of_the_images_version() -> None:
    assert f"github.com/jaegertracing/jaeger@v{JAEGER[image_version('cdb_jaeger')]} " in script("jaeger.sh")


def test_prometheus_is_built_from_the_module_of_the_images_version() -> None:
    """Version 3.13.3 is the module's 0.313.3."""
    major, minor, patch = image_version("cdb_prometheus").split(".")
    assert f"github.com/prometheus/prometheus@v0.{major}{minor:0>2}.{patch} " in script("prometheus.sh")


def test_alertmanager_is_built_from_the_module_of_the_images_version() -> None:
    assert f"github.com/prometheus/alertmanager@v{image_version('cdb_alertmanager')}\n" in script("alertmanager.sh")


@pytest.mark.parametrize("program", [one for one in PROGRAMS if one.name != "services"], ids=lambda one: one.name)
def test_the_checklist_takes_what_the_images_have(program: Any) -> None:
    services = {"collector": "otel_collector", "PostgreSQL": "postgres"}
    version = image_version(f"cdb_{services.get(program.name, program.name.lower())}")
    assert tuple(map(int, JAEGER.get(version, version).split("."))) >= program.oldest


def test_the_operations_page_names_what_is_built() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    prometheus, alertmanager = (image_version(f"cdb_{name}") for name in ("prometheus", "alertmanager"))
    assert f"| Debian 12 | 3.11 | 15.18 | 7.0.15 | {prometheus}, built | {alertmanager}, built |" in page
