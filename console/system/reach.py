"""Whether the console reaches its own servers, and in what time each answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from cdb.kit.errors import Away
from cdb.kit.http_client import HttpClient
from console.ground import Ground
from console.knowledge import Known
from services.bus.client import translated

SERVERS: Final = ("Prometheus", "Alertmanager", "Jaeger", "Redis", "PostgreSQL")
_FOR_S: Final = 4.0


@dataclass(frozen=True)
class Reached:
    """A server and how long its last answer took, in seconds."""

    name: str
    known: Known[float]


def reached(ground: Ground, *, wait_s: float) -> list[Reached]:
    """Each server that the pages read from."""
    return [Reached(name, reach(ground, name, wait_s=wait_s)) for name in SERVERS]


def reach(ground: Ground, name: str, *, wait_s: float) -> Known[float]:
    """How long the last answer of one of SERVERS took, in seconds."""
    probes: dict[str, Callable[[], object]] = {
        "Prometheus": lambda: _ready(ground.prometheus),
        "Alertmanager": lambda: _ready(ground.alertmanager),
        "Jaeger": ground.jaeger.services,
        "Redis": lambda: _ping(ground),
        "PostgreSQL": lambda: _select(ground),
    }
    return ground.knowledge.of(("reached", name), partial(_timed, probes[name]), for_s=_FOR_S, wait_s=wait_s)


def _timed(probe: Callable[[], object]) -> float:
    begun = time.monotonic()
    probe()
    return time.monotonic() - begun


def _ready(server: HttpClient) -> None:
    answer = server.get("/-/ready")
    if not answer.is_success:
        raise Away(f"{server.name} at {server.url} is not ready: {answer.status_code}")


def _ping(ground: Ground) -> None:
    with translated():
        ground.bus.ping()


def _select(ground: Ground) -> None:
    with ground.ledger.moment() as rows:
        rows.execute("SELECT 1")
