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

_FOR_S: Final = 4.0


@dataclass(frozen=True)
class Reached:
    """A server and how long its last answer took, in seconds."""

    name: str
    known: Known[float]


def reached(ground: Ground, *, wait_s: float) -> list[Reached]:
    """Each server that the pages read from."""
    probes: dict[str, Callable[[], object]] = {
        "Prometheus": lambda: _ready(ground.prometheus),
        "Alertmanager": lambda: _ready(ground.alertmanager),
        "Jaeger": ground.jaeger.services,
        "Redis": lambda: _ping(ground),
        "PostgreSQL": lambda: _select(ground),
    }
    ask = ground.knowledge.of
    return [
        Reached(name, ask(("reached", name), partial(_timed, probe), for_s=_FOR_S, wait_s=wait_s))
        for name, probe in probes.items()
    ]


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
