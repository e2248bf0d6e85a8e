"""docker-compose.yml as YAML says it, without an engine."""

import re
from typing import Any, Final, cast

import yaml

from tests.support.paths import ROOT

FILE: Final = ROOT / "docker-compose.yml"
OUR_IMAGE: Final = "cdb_services"
SERVICES: Final = ("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution")
Service = dict[str, Any]


def read() -> dict[str, Any]:
    """The whole file."""
    return cast("dict[str, Any]", yaml.safe_load(FILE.read_text(encoding="utf-8")))


def started() -> dict[str, Service]:
    """What `docker compose up` starts, one-shots too."""
    return {name: service for name, service in read()["services"].items() if not service.get("profiles")}


def is_ours(service: Service) -> bool:
    """Whether a container runs our image."""
    return str(service["image"]).startswith(f"{OUR_IMAGE}:")


def is_one_shot(service: Service) -> bool:
    """Whether a container ends by itself."""
    return bool(service["restart"] == "no")


def mebibytes(limit: str) -> int:
    """A limit such as 192m."""
    found = re.fullmatch(r"(\d+)m", limit)
    assert found, limit
    return int(found[1])


def mounts(service: Service) -> dict[str, str]:
    """What is mounted by the place in the container, of read-only mounts with :ro as in the file."""
    return {text.split(":", 1)[1]: text.split(":", 1)[0] for text in service.get("volumes", [])}


def words(service: Service) -> str:
    """What `docker inspect` and the list of processes would show of a container."""
    shown = (service.get(name, "") for name in ("command", "entrypoint", "environment", "healthcheck", "labels"))
    return "\n".join(map(str, shown))
