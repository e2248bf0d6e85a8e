"""The ports of a stack, all on 127.0.0.1."""

import dataclasses
import random
import socket
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

from cdb.running.native.errors import StackError

HOST = "127.0.0.1"
# Below the kernel's range for outgoing connections, or one of those could sit on a port while its part restarts.
_FREE_RANGE = range(20_000, 32_000)


def _port(default: int, variable: str) -> int:
    return field(default=default, metadata={"variable": variable})


@dataclass(frozen=True)
class Ports:
    """One TCP port for each listener. A new part's port is one line here, with the variable that overrides it."""

    redis: int = _port(16379, "REDIS_PORT")
    postgres: int = _port(15432, "POSTGRES_PORT")
    cdb_ws: int = _port(8000, "CDB_WS_PORT")
    cdb_core: int = _port(8001, "CDB_CORE_PORT")
    cdb_risk: int = _port(8002, "CDB_RISK_PORT")
    cdb_execution: int = _port(8003, "CDB_EXECUTION_PORT")
    otlp_grpc: int = _port(4317, "CDB_OTLP_GRPC_PORT")
    otlp_http: int = _port(4318, "CDB_OTLP_HTTP_PORT")
    exposition: int = _port(9464, "CDB_EXPOSITION_PORT")
    collector_telemetry: int = _port(8888, "CDB_COLLECTOR_TELEMETRY_PORT")
    collector_health: int = _port(13133, "CDB_COLLECTOR_HEALTH_PORT")
    redis_exporter: int = _port(9121, "CDB_REDIS_EXPORTER_PORT")
    postgres_exporter: int = _port(9187, "CDB_POSTGRES_EXPORTER_PORT")
    prometheus: int = _port(19090, "CDB_PROMETHEUS_PORT")
    alertmanager: int = _port(9093, "CDB_ALERTMANAGER_PORT")
    alert_receiver: int = _port(9094, "CDB_ALERT_RECEIVER_PORT")
    jaeger: int = _port(16686, "CDB_JAEGER_PORT")
    jaeger_grpc: int = _port(16685, "CDB_JAEGER_GRPC_PORT")
    jaeger_otlp_grpc: int = _port(14317, "CDB_JAEGER_OTLP_GRPC_PORT")
    jaeger_otlp_http: int = _port(14318, "CDB_JAEGER_OTLP_HTTP_PORT")
    jaeger_telemetry: int = _port(18888, "CDB_JAEGER_TELEMETRY_PORT")
    jaeger_health: int = _port(13134, "CDB_JAEGER_HEALTH_PORT")
    grafana: int = _port(3000, "CDB_GRAFANA_PORT")

    @classmethod
    def default(cls) -> Self:
        """Return the documented ports."""
        return cls()

    @classmethod
    def free(cls) -> Self:
        """Pick ports that nobody listens on now.

        As long as the object lives no other process picks one of them, not even while its part is stopped. Raise
        StackError if there are too few.
        """
        reservations = reserve(len(dataclasses.fields(cls)))
        ports = cls(*(reservation.getsockname()[1] for reservation in reservations))
        weakref.finalize(ports, release, reservations)
        return ports

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Return the documented ports with those that *environment* overrides; raise StackError on a wrong one."""
        chosen = {name: _parse(var, environment[var]) for name, var in cls.variables().items() if var in environment}
        ports = cls(**chosen)
        ports._refuse_duplicates()
        return ports

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Map the name of each port to the environment variable that sets it."""
        return {f.name: str(f.metadata["variable"]) for f in dataclasses.fields(cls)}

    def environment(self) -> dict[str, str]:
        """Return the variables that tell the services these ports."""
        return {variable: str(self.of(name)) for name, variable in self.variables().items()}

    def of(self, name: str) -> int:
        """Return the port called *name*."""
        return int(getattr(self, name))

    def _refuse_duplicates(self) -> None:
        seen: dict[int, str] = {}
        for name, variable in self.variables().items():
            other = seen.setdefault(self.of(name), variable)
            if other != variable:
                raise StackError(f"{other} and {variable} are both {self.of(name)}: every part needs its own port")


def reserve(count: int) -> list[socket.socket]:
    """Return *count* UDP sockets on ports that nobody listens on; raise StackError if there are too few.

    As long as one is open nobody else gets its number from here. No part uses the UDP port itself.
    """
    reservations = list(islice(_reservations(), count))
    if len(reservations) < count:
        release(reservations)
        raise StackError(f"{count} free ports are needed: {_FREE_RANGE[0]} to {_FREE_RANGE[-1]} has fewer")
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
        raise StackError(f"{variable}={text!r} is no port: a whole number from 1 to 65535 is allowed")
    return int(text)


def can_listen(port: int) -> bool:
    """Tell whether a server could listen on 127.0.0.1:*port* now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
