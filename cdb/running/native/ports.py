"""The ports of a stack, all on 127.0.0.1."""

import random
import socket
import weakref
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, Self

from cdb.running.errors import StackError
from services import topology

HOST: Final = "127.0.0.1"
# Below the kernel's range for outgoing connections, or one of those could sit on a port while its part restarts.
_FREE_RANGE: Final = range(20_000, 32_000)
_LISTENERS: Final = {
    "redis": (16379, "cdb_redis:6379"),
    "postgres": (15432, "cdb_postgres:5432"),
    **{one.name: (one.port, one.instance) for one in (*topology.SERVICES, topology.CONSOLE)},
    **{one.standby: (one.standby_port, f"{one.standby}:{one.standby_port}") for one in topology.SERVICES},
    "otlp_grpc": (4317, "cdb_otel_collector:4317"),
    "otlp_http": (4318, "cdb_otel_collector:4318"),
    "exposition": (9464, "cdb_otel_collector:9464"),
    "collector_telemetry": (8888, "cdb_otel_collector:8888"),
    "collector_health": (13133, "cdb_otel_collector:13133"),
    "redis_exporter": (9121, "cdb_redis_exporter:9121"),
    "postgres_exporter": (9187, "cdb_postgres_exporter:9187"),
    "prometheus": (19090, "cdb_prometheus:9090"),
    "alertmanager": (9093, "cdb_alertmanager:9093"),
    "jaeger": (16686, "cdb_jaeger:16686"),
    "jaeger_grpc": (16685, "cdb_jaeger:16685"),
    "jaeger_otlp_grpc": (14317, "cdb_jaeger:4317"),
    "jaeger_otlp_http": (14318, "cdb_jaeger:4318"),
    "jaeger_telemetry": (18888, "cdb_jaeger:8888"),
    "jaeger_health": (13134, "cdb_jaeger:13134"),
    "grafana": (3000, "cdb_grafana:3000"),
}
"""Each listener's documented port, and its address among containers, which is also its `instance`."""
STANDBYS: Final = {name: _LISTENERS[name][1] for name in topology.STANDBYS}
"""The address of each second copy of a service, as its `instance` says it."""
BY_ADDRESS: Final = {address: name for name, (_, address) in _LISTENERS.items()}
"""Listener at an address among containers."""


def _variable(name: str) -> str:
    own = name in ("redis", "postgres") or name.startswith("cdb_")
    return f"{name.upper()}_PORT" if own else f"CDB_{name.upper()}_PORT"


class Ports(dict[str, int]):
    """A TCP port for each listener, by name: ports["redis"] or ports.redis; the documented one if none is chosen."""

    def __init__(self, **chosen: int) -> None:
        super().__init__({name: chosen.get(name, default) for name, (default, _) in _LISTENERS.items()})

    def __getattr__(self, name: str) -> int:
        if name not in self:
            raise AttributeError(name)
        return self[name]

    @classmethod
    def default(cls) -> Self:
        """Documented ports."""
        return cls()

    @classmethod
    def free(cls) -> Self:
        """Pick ports that nobody listens on now; raises StackError if there are too few.

        As long as the object lives no other process picks one of them, not even while its part is stopped.
        """
        reservations = reserve(len(_LISTENERS))
        numbers = (reservation.getsockname()[1] for reservation in reservations)
        ports = cls(**dict(zip(_LISTENERS, numbers, strict=True)))
        weakref.finalize(ports, release, reservations)
        return ports

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Take the documented ports but those that *environment* overrides; raises StackError on a wrong one."""
        ports = cls(
            **{name: _parse(var, text) for name, var in cls.variables().items() if (text := environment.get(var, ""))}
        )
        ports._refuse_duplicates()
        return ports

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Environment variable that sets each port."""
        return {name: _variable(name) for name in _LISTENERS}

    def environment(self) -> dict[str, str]:
        """Variables that tell the services these ports."""
        return {_variable(name): str(port) for name, port in self.items()}

    def of(self, name: str) -> int:
        """Port by its name."""
        return self[name]

    def _refuse_duplicates(self) -> None:
        seen: dict[int, str] = {}
        for name, port in self.items():
            if (other := seen.setdefault(port, name)) != name:
                raise StackError(
                    f"{_variable(other)} and {_variable(name)} are both {port}: every part needs its own port"
                )


def reserve(count: int) -> list[socket.socket]:
    """Open *count* UDP sockets on ports that nobody listens on; raises StackError if there are too few.

    As long as one is open nobody else gets its number from here. No part uses the UDP port itself.
    """
    reservations = list(islice(_reservations(), count))
    if len(reservations) < count:
        release(reservations)
        raise StackError(f"{count} free ports are needed, but {_FREE_RANGE[0]} to {_FREE_RANGE[-1]} has fewer")
    return reservations


def release(reservations: Iterable[socket.socket]) -> None:
    """Give up *reservations*."""
    for reservation in reservations:
        reservation.close()


def _reservations() -> Iterator[socket.socket]:
    for port in random.sample(_FREE_RANGE, len(_FREE_RANGE)):
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reservation.bind((HOST, port))
        except OSError:
            reservation.close()
            continue
        if can_listen(port):
            yield reservation
        else:
            reservation.close()


def _parse(variable: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535):
        raise StackError(f"{variable}={text!r} is not a port: it must be a whole number from 1 to 65535")
    return int(text)


def can_listen(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:*port* now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
