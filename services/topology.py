"""The one table of the system: its services, their ports, the streams between them, and what each of them needs.

Lists of services, groups that read a stream, ports, scrape targets and health checks are derived from it. What cannot
import Python (compose, targets, alert rules, dashboards, import-linter) is compared with it by
tests/unit/services/test_topology.py, which names the file and the line to add. Standard library only.
"""

from dataclasses import dataclass
from typing import Final

MARKET_DATA: Final = "market_data"
SIGNALS: Final = "signals"
ORDERS: Final = "orders"
FILLS: Final = "fills"
DEAD_LETTERS: Final = "dead_letters"


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service. *reads* are in the order in which they are asked for; *port* is the documented one."""

    name: str
    port: int
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    ledger: bool = False
    package: str = "services."

    @property
    def module(self) -> str:
        """What `python -m` starts."""
        return f"{self.package}{self.name.removeprefix('cdb_')}"

    @property
    def port_variable(self) -> str:
        """The environment variable that sets another port."""
        return f"{self.name.upper()}_PORT"

    @property
    def instance(self) -> str:
        """What `instance` says in Prometheus, whatever port it listens on: the same series on every machine."""
        return f"{self.name}:{self.port}"

    @property
    def standby(self) -> str:
        """What its second copy is called where one runs beside it."""
        return f"{self.name}_standby"

    @property
    def standby_port(self) -> int:
        """The documented port of that copy."""
        return self.port + 100

    @property
    def probes(self) -> tuple[str, ...]:
        """The servers that its health check asks."""
        return ("redis", "ledger") if self.ledger else ("redis",)


WS: Final = Service(name="cdb_ws", port=8000, writes=(MARKET_DATA,))
CORE: Final = Service(name="cdb_core", port=8001, reads=(MARKET_DATA,), writes=(SIGNALS,))
RISK: Final = Service(name="cdb_risk", port=8002, reads=(FILLS, MARKET_DATA, SIGNALS), writes=(ORDERS,), ledger=True)
EXECUTION: Final = Service(name="cdb_execution", port=8003, reads=(ORDERS,), writes=(FILLS,), ledger=True)

CONSOLE: Final = Service(name="cdb_console", port=8010, package="")
"""Shows and acts; it trades nothing, so it is none of SERVICES."""

SERVICES: Final = (WS, CORE, RISK, EXECUTION)
NAMES: Final = tuple(service.name for service in SERVICES)
STANDBYS: Final = tuple(service.standby for service in SERVICES)
STREAMS: Final = (MARKET_DATA, SIGNALS, ORDERS, FILLS)
READERS: Final = {stream: tuple(service.name for service in SERVICES if stream in service.reads) for stream in STREAMS}
"""For each stream the groups that must have read a message before it is done with."""
