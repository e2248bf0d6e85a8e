"""The frame around every service: logs, telemetry, health, HTTP, signals, an orderly end.

A service's __main__ builds its clients and handler and hands them here.
"""

import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from flask import Flask

from services.bus.streams import Bus, connect
from services.clock import Clock, EventClock, WallClock
from services.ledger.address import address_of
from services.ledger.connection import Ledger
from services.runtime import instrumentation, logs, web
from services.runtime.health import Health, Probe
from services.runtime.loop_state import Pulse
from services.settings import LedgerSettings, ServiceSettings
from telemetry import metrics
from telemetry.setup import Telemetry, TelemetrySettings, start_telemetry

VERSION: Final = "0.1.0"
FINISH_WITHIN_S: Final = 2.5
DOCUMENTED_PORTS: Final = {"cdb_ws": 8000, "cdb_core": 8001, "cdb_risk": 8002, "cdb_execution": 8003}
"""What `instance` says in Prometheus, whatever port a service listens on: the same series on every machine."""
_LOOK_EVERY_S: Final = 0.5
_ENDING: Final = frozenset({signal.SIGTERM, signal.SIGINT})
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
        """Set up logs and telemetry; from here on SIGTERM and SIGINT wait until run() takes notice of them."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        logs.configure(service, level=settings.log_level, log_format=settings.log_format)
        telemetry = start_telemetry(
            service=service,
            symbols=settings.symbols,
            expected={"source": [settings.source], "exchange": ["paper"]},
            settings=TelemetrySettings(
                otlp_endpoint=settings.otlp_endpoint or None,
                otlp_token=settings.otlp_token.get_secret_value() or None,
                instance_id=f"{service}:{DOCUMENTED_PORTS[service]}",
                version=VERSION,
                tracing=settings.tracing,
                export_interval_seconds=settings.export_interval_s,
            ),
        )
        clock: Clock = EventClock() if settings.clock == "event" else WallClock()
        return cls(service, settings, port, clock, threading.Event(), Pulse(), telemetry)

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
            instrument=instrumentation.trace_statements,
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
        instrumentation.trace_requests(app)
        if self.settings.test_endpoints:
            add_test_endpoints(app)
        server = web.serve(app, host=self.settings.http_host, port=self.port)
        log.info("started", address=f"http://{self.settings.http_host}:{self.port}")
        finished = self._run_until_signal(loop)
        server.close()
        self.telemetry.shutdown()
        log.info("stopped", in_order=finished)
        if not finished:
            sys.exit(1)

    def _run_until_signal(self, loop: Loop) -> bool:
        """Run *loop* in a thread of its own until it ends or a signal asks for the end; False if it broke down.

        The loop may be inside a server's client library that hangs and would never let a signal handler run; after
        FINISH_WITHIN_S it is left there: what it has in hand is not acknowledged, so the next process takes it up.
        """
        ended_well = threading.Event()

        def work() -> None:
            loop.run()
            ended_well.set()

        worker = threading.Thread(target=work, name="loop", daemon=True)
        worker.start()
        while worker.is_alive():
            if signal.sigtimedwait(_ENDING, _LOOK_EVERY_S) is not None:
                self.stop.set()
                worker.join(FINISH_WITHIN_S)
                return True
        return ended_well.is_set()
