"""The frame around every service: logs, telemetry, health, HTTP, signals, an orderly end.

A service's __main__ builds its clients and handler and hands them here.
"""

import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Final, Protocol

import structlog
from flask import Flask

from services import logs, web
from services.bus import Bus, connect
from services.clock import Clock, EventClock, WallClock
from services.health import Health, Probe
from services.ledger.connection import Ledger, LedgerAddress
from services.pulse import Pulse
from services.settings import LedgerSettings, ServiceSettings
from telemetry import metrics
from telemetry.setup import Telemetry, TelemetrySettings, start_telemetry

VERSION: Final = "0.1.0"
log = structlog.get_logger()


class Loop(Protocol):
    """A service's main loop; returns after *stop* is set."""

    def run(self) -> None:
        """Work until told to stop."""
        ...


@dataclass
class Process:
    """What a service's parts share while it runs."""

    service: str
    settings: ServiceSettings
    port: int
    clock: Clock
    stop: threading.Event
    pulse: Pulse
    telemetry: Telemetry

    @classmethod
    def begin(cls, service: str, settings: ServiceSettings, *, port: int) -> "Process":
        """Set up logs, telemetry and signal handlers; SIGTERM and SIGINT ask for an orderly end."""
        logs.configure(service, level=settings.log_level, log_format=settings.log_format)
        telemetry = start_telemetry(
            service=service,
            symbols=settings.symbols,
            expected={"source": [settings.source], "exchange": ["paper"]},
            settings=TelemetrySettings(
                otlp_endpoint=settings.otlp_endpoint or None,
                otlp_token=settings.otlp_token.get_secret_value() or None,
                instance_id=f"{service}:{port}",
                version=VERSION,
            ),
        )
        clock: Clock = EventClock() if settings.clock == "event" else WallClock()
        process = cls(service, settings, port, clock, threading.Event(), Pulse(), telemetry)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, process._on_signal)
        return process

    def bus(self) -> Bus:
        """Return a connection to the bus of this service's group. Each thread needs its own."""
        client = connect(
            host=self.settings.redis_host,
            port=self.settings.redis_port,
            password=self.settings.redis_password.get_secret_value(),
        )
        return Bus(client, group=self.service, consumer=self.service, clock=self.clock)

    def ledger(self, settings: LedgerSettings, purpose: str, *, writer: bool = False) -> Ledger:
        """Return a connection to the ledger. Each thread needs its own; only one *writer* per service gets in."""
        return Ledger(
            address_of(settings),
            application=f"{self.service}-{purpose}",
            writer_role=self.service if writer else None,
        )

    def run(
        self,
        loop: Loop,
        probes: Mapping[str, Probe],
        add_test_endpoints: Callable[[Flask], None],
        *,
        add_pages: Callable[[Flask], None] = lambda _app: None,
    ) -> None:
        """Answer HTTP and run *loop* until told to stop; test endpoints are added only where they are switched on."""
        health = Health(self.pulse, probes, lambda healthy: metrics.set_health_status(self.service, healthy))
        health.start(self.stop)
        app = web.create_app(self.service, health)
        add_pages(app)
        if self.settings.test_endpoints:
            add_test_endpoints(app)
        server = web.serve(app, host=self.settings.http_host, port=self.port)
        log.info("started", address=f"http://{self.settings.http_host}:{self.port}")
        try:
            loop.run()
        finally:
            server.close()
            self.telemetry.shutdown()
        log.info("stopped")

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.stop.set()


def address_of(settings: LedgerSettings) -> LedgerAddress:
    """Return the ledger's address from settings."""
    return LedgerAddress.of(
        host=settings.postgres_host,
        port=settings.postgres_port,
        user=settings.postgres_user,
        database=settings.postgres_db,
        password=settings.postgres_password.get_secret_value(),
    )
