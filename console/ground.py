"""What the pages read from: one client of each server, shared by all threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from cdb.dashboard.model.dashboards import Dashboard
from cdb.kit.http_client import TIMEOUT, HttpClient
from cdb.kit.prometheus import Prometheus
from cdb.trace.jaeger import Jaeger
from console.knowledge import Knowledge
from console.settings import ConsoleSettings
from monitoring.notifications.store import Store
from services.bus.client import connect
from services.clock import Clock
from services.ledger.connection import Ledger, LedgerAddress
from services.ledger.snapshot import Snapshot, snapshot
from services.settings import READER


@dataclass(frozen=True)
class Ground:
    """The servers and files that the pages show. Methods of the clients raise Away or ServerAway."""

    settings: ConsoleSettings
    clock: Clock
    notifications: Store
    dashboards: dict[str, Dashboard]
    runbooks: Path
    prometheus: Prometheus
    alertmanager: HttpClient
    jaeger: Jaeger
    bus: redis.Redis
    ledger: "LedgerReader"
    knowledge: Knowledge

    @classmethod
    def of(
        cls,
        settings: ConsoleSettings,
        clock: Clock,
        notifications: Store,
        *,
        dashboards: dict[str, Dashboard],
        runbooks: Path,
    ) -> "Ground":
        """Make the clients; they connect when they are first asked."""
        password = settings.reader_password.get_secret_value()
        return cls(
            settings=settings,
            clock=clock,
            notifications=notifications,
            dashboards=dashboards,
            runbooks=runbooks,
            prometheus=Prometheus(settings.prometheus),
            alertmanager=HttpClient(settings.alertmanager, name="Alertmanager"),
            jaeger=Jaeger(settings.jaeger, timeout=TIMEOUT),
            bus=connect(host=settings.redis_host, port=settings.redis_port, user=READER, password=password),
            ledger=LedgerReader(settings.ledger),
            knowledge=Knowledge(clock),
        )


class LedgerReader:
    """Reads the ledger with a connection for each thread."""

    def __init__(self, address: LedgerAddress) -> None:
        self._address = address
        self._threads = threading.local()

    @contextmanager
    def moment(self, *, timeout_ms: int = 0) -> Iterator[Snapshot]:
        """Read the ledger as of one moment; with *timeout_ms* no statement may take longer. Raises ServerAway."""
        ledger: Ledger | None = getattr(self._threads, "ledger", None)
        if ledger is None:
            ledger = self._threads.ledger = Ledger(self._address, application="cdb-console")
        ledger.wake()
        with snapshot(ledger) as reading:
            if timeout_ms:
                reading.cursor.execute("SET LOCAL statement_timeout = %s", (timeout_ms,))
            yield reading
