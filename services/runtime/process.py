"""The frame around every service: logs, telemetry, health, HTTP, signals, an orderly end.

A service's __main__ builds its clients and handler and hands them here.
"""

import faulthandler
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import redis
import structlog
from flask import Flask

from services.bus.client import connect
from services.bus.dead_letters import DeadLetters
from services.bus.held import HeldSymbols
from services.bus.only_one import OnlyOne
from services.bus.streams import RedisBus
from services.clock import Clock, EventClock, WallClock
from services.errors import Superseded
from services.ledger.connection import Ledger, LedgerAddress
from services.runtime import instrumentation, logs
from services.runtime.bus_probe import bus_probe
from services.runtime.copies import Copies, where_the_work_is
from services.runtime.health import Health, Probe
from services.runtime.http_server import WebServer
from services.runtime.loop_state import LoopState
from services.runtime.web import create_app, pass_on
from services.settings import LedgerSettings, ServiceSettings
from services.topology import Service
from telemetry import metrics
from telemetry.setup import Telemetry, TelemetrySettings, start_telemetry

VERSION: Final = "0.1.0"
FINISH_WITHIN_S: Final = 2.0
TELL_WHY_AFTER_S: Final = 8
"""An end takes at most 5 s: FINISH_WITHIN_S, 1 s for open requests, 2 s for telemetry. At 10 s one is killed."""
_ALL_ADDRESSES: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  compared with, not listened on
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

    service: Service
    settings: ServiceSettings
    clock: Clock
    state: LoopState
    telemetry: Telemetry
    _of_loop: redis.Redis | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._only = OnlyOne(self.service.name, address=f"http://{self._own_host()}:{self.settings.port}")

    @classmethod
    def begin(
        cls, service: Service, settings: ServiceSettings, *, configured: Mapping[str, Sequence[str]] | None = None
    ) -> "Process":
        """Set up logs and telemetry; from here on SIGTERM and SIGINT wait until run() takes notice of them.

        *configured* are the values of open labels besides symbol and source, such as {"strategy": ["momentum_v1"]}.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        logs.configure(service.name, level=settings.log_level, log_format=settings.log_format)
        state = LoopState()
        telemetry = start_telemetry(
            service=service.name,
            symbols=settings.symbols,
            configured={"source": [settings.source], **(configured or {})},
            expected={"exchange": ["paper"]},
            settings=TelemetrySettings(
                otlp_endpoint=settings.otlp_endpoint or None,
                otlp_token=settings.otlp_token.get_secret_value() or None,
                instance_id=service.instance,
                version=VERSION,
                tracing=settings.tracing,
                export_interval_seconds=settings.export_interval_s,
                reports=state.reports,
            ),
        )
        clock: Clock = EventClock() if settings.clock == "event" else WallClock()
        return cls(service, settings, clock, state, telemetry)

    def bus(self, *, only: bool = False) -> RedisBus:
        """A connection to the bus for this service's group. Each thread needs its own.

        *only* one process of this service gets in: that is for its loop. A second one meets Standby meanwhile, and one
        that hung until another took its place meets Superseded.
        """
        client = self._redis(greet=self._only.greet if only else None)
        if only:
            self._of_loop = client
        return self._bus_on(client)

    def held(self) -> HeldSymbols:
        """The note of what is held. Each thread needs its own."""
        return HeldSymbols(self._redis())

    def dead_letters(self) -> DeadLetters:
        """The messages that were put aside. Each thread needs its own."""
        return DeadLetters(self._redis())

    def ledger(self, purpose: str, *, writer: bool = False) -> Ledger:
        """A connection to the ledger. Each thread needs its own; only one *writer* per service gets in."""
        assert isinstance(self.settings, LedgerSettings)  # noqa: S101  topology says who has a ledger
        return Ledger(
            LedgerAddress.of(self.settings),
            application=f"{self.service.name}-{purpose}",
            writer_role=self.service.name if writer else None,
            instrument=instrumentation.trace_statements,
            instruments_all=self._is_reference,
        )

    def run(
        self,
        loop: Loop,
        *,
        add_pages: Callable[[Flask], None] = lambda _app: None,
        add_test_endpoints: Callable[[Flask], None] = lambda _app: None,
    ) -> None:
        """Answer HTTP and run *loop* until told to stop; test endpoints are added only where they are switched on."""
        name = self.service.name
        health = Health(self.state, self._probes(), lambda healthy: metrics.set_health_status(name, healthy))
        health.start()
        if self.service.ledger:
            self.state.on_wait = Copies(self._only, self._redis(), lambda: health.checks()["ledger"] == "ok").waits
        app = create_app(name, health)
        others = self._redis()
        pass_on(app, self.state, lambda: where_the_work_is(others, name))
        add_pages(app)
        instrumentation.trace_requests(app, every=self._is_reference)
        if self.settings.test_endpoints:
            add_test_endpoints(app)
        server = WebServer(app, host=self.settings.http_host, port=self.settings.port)
        log.info("started", address=f"http://{self.settings.http_host}:{self.settings.port}")
        finished = self._run_until_signal(loop)
        server.close()
        self.telemetry.shutdown()
        log.info("stopped", in_order=finished)
        if not finished:
            sys.exit(1)

    @property
    def _is_reference(self) -> bool:
        """Whether this process is to do as OpenTelemetry's own packages do, to compare with."""
        return self.settings.recording == "sdk"

    def _redis(self, *, greet: Callable[[Any], None] | None = None) -> redis.Redis:
        client = connect(
            host=self.settings.redis_host,
            port=self.settings.redis_port,
            password=self.settings.redis_password.get_secret_value(),
            greet=greet,
        )
        if self._is_reference:
            instrumentation.trace_commands(client)
        return client

    def _probes(self) -> dict[str, Probe]:
        probes: dict[str, Callable[[], Probe]] = {
            "redis": lambda: bus_probe(self._bus_on(self._redis(greet=self._only.greet_alive)), self.clock),
            "ledger": lambda: self.ledger("health").ping,
        }
        return {name: probes[name]() for name in self.service.probes}

    def _bus_on(self, client: redis.Redis) -> RedisBus:
        return RedisBus(client, group=self.service.name, consumer=self.service.name, clock=self.clock)

    def _own_host(self) -> str:
        """Where others find this process: a name of its machine or container if it listens on all addresses."""
        host = self.settings.http_host
        return socket.gethostbyname(socket.gethostname()) if host in _ALL_ADDRESSES else host

    def _leave(self, reason: Superseded) -> None:
        """Leave the work to another process at once, and report nothing more in the name of both."""
        log.error("ending, to start afresh", reason=str(reason))
        self.state.leaves()
        if self._of_loop is not None:
            self._of_loop.connection_pool.disconnect()

    def _run_until_signal(self, loop: Loop) -> bool:
        """Run *loop* in a thread of its own until it ends or a signal asks for the end; False if it broke down.

        The loop may be inside a server's client library that hangs and would never let a signal handler run; after
        FINISH_WITHIN_S it is left there: what it has in hand is not acknowledged, so the next process takes it up.
        """
        ended_well, asked, over = threading.Event(), threading.Event(), threading.Event()

        def work() -> None:
            try:
                loop.run()
                ended_well.set()
            except Superseded as reason:
                self._leave(reason)
            finally:
                over.set()

        def listen() -> None:
            # Not sigtimedwait: in a process that was stopped and is continued it makes up a signal that nobody sent.
            signal.sigwait(_ENDING)
            asked.set()
            over.set()

        worker = threading.Thread(target=work, name="loop", daemon=True)
        worker.start()
        threading.Thread(target=listen, name="signals", daemon=True).start()
        over.wait()
        faulthandler.dump_traceback_later(TELL_WHY_AFTER_S, exit=True)  # whoever is killed cannot say what hung
        if asked.is_set():
            self.state.stop.set()
            worker.join(FINISH_WITHIN_S)
            return True
        return ended_well.is_set()
