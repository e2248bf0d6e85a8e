"""Which images of the running stack stand in for the official ones, and which versions differ."""

import re
import subprocess
from dataclasses import dataclass
from typing import Any, Final

import yaml

from tests.support.paths import ROOT

OVERRIDE: Final = "deploy/airgap/compose.override.yml"
_VERSION: Final = {
    "cdb_redis": ["redis-server", "--version"],
    "cdb_postgres": ["postgres", "--version"],
    "cdb_prometheus": ["/bin/prometheus", "--version"],
    "cdb_alertmanager": ["/bin/alertmanager", "--version"],
    "cdb_redis_exporter": ["/redis_exporter", "--version"],
    "cdb_postgres_exporter": ["/bin/postgres_exporter", "--version"],
    "cdb_otel_collector": ["/otelcol-contrib", "--version"],
    "cdb_jaeger": ["/cmd/jaeger/jaeger-linux", "version"],
}


@dataclass(frozen=True)
class StandIn:
    """One image: what it stands in for, and the version of what is in it, empty if it could not be found out."""

    container: str
    official: str
    image: str
    version: str


def standins() -> list[StandIn]:
    """The stand-ins that run, in the order of the override file; ask each for its version."""
    official, override = (_services(file) for file in ("docker-compose.yml", OVERRIDE))
    return [
        StandIn(name, official[name]["image"], image, _version(name))
        for name in override
        if (image := _docker("inspect", "--format", "{{.Config.Image}}", name).strip()).startswith("cdb-standin/")
    ]


def table(rows: list[StandIn]) -> list[str]:
    """One line for each stand-in."""
    widths = "{:<24} {:<50} {:<34} {}"
    return [
        widths.format("container", "official image", "here instead", "its version"),
        *(widths.format(row.container, row.official, row.image, row.version or "not known") for row in rows),
        "cdb_grafana has no stand-in: Grafana's own rendering was not run here.",
    ]


def _services(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["services"]
    return found


def _version(container: str) -> str:
    found = re.search(r"v?\d+\.\d+\.\d+|\d+\.\d+", _docker("exec", container, *_VERSION[container]))
    return found[0] if found else ""


def _docker(*arguments: str) -> str:
    """All that docker says, "" if it fails."""
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout + done.stderr
