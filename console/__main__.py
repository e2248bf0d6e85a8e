"""cdb_console: `python -m console`."""

import ctypes
import signal
import sys
import threading
from contextlib import suppress

import structlog

from cdb.dashboard.model.dashboards import load_dashboards
from cdb.kit.paths import ROOT
from console.app import create_app
from console.ground import Ground
from console.settings import ConsoleSettings
from monitoring.notifications.ends import Ends
from monitoring.notifications.store import Store, StoreFailed
from services import topology
from services.clock import WallClock
from services.runtime import logs
from services.runtime.http_server import WebServer
from services.settings import load

THREADS = 16
"""Readers that wait for a server, an operator whom cdb_risk keeps waiting, and room for others."""
_ARENAS = (-8, 2)  # M_ARENA_MAX of glibc
"""Each thread would get memory of its own, which holds for ever what its largest page took."""
_ENDING = frozenset({signal.SIGTERM, signal.SIGINT})


def main() -> None:
    """Serve pages, and store notifications, until told to stop."""
    settings = load(ConsoleSettings)
    with suppress(AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(*_ARENAS)
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    logs.configure(topology.CONSOLE.name, level=settings.log_level, log_format=settings.log_format)
    log = structlog.get_logger()
    clock = WallClock()
    try:
        store = Store(settings.data, keep=settings.keep, clock=clock)
    except StoreFailed as error:
        sys.exit(f"CDB_CONSOLE_DATA={str(settings.data)!r} cannot be used: {error}")
    if store.damaged:
        log.error("the stored notifications were damaged; new ones are stored in a new file", kept=str(store.damaged))
    ends = Ends(store, prometheus=settings.prometheus, alertmanager=settings.alertmanager, clock=clock)
    threading.Thread(target=ends.watch, name="ends", daemon=True).start()
    found = load_dashboards(ROOT)
    for file, why in found.refused.items():
        log.warning("not a dashboard", file=file.name, why=why)
    dashboards = {board.uid: board for board in found.read.values()}
    app = create_app(
        Ground.of(settings, clock, store, dashboards=dashboards, runbooks=ROOT / "monitoring" / "runbooks")
    )
    ports = [settings.port, *([settings.grafana_port] if settings.grafana_port else [])]
    servers = [WebServer(app, host=settings.http_host, port=port, threads=THREADS) for port in ports]
    log.info("started", addresses=[f"http://{settings.http_host}:{port}" for port in ports])
    signal.sigwait(_ENDING)
    for server in servers:
        server.close()
    log.info("stopped")


if __name__ == "__main__":
    main()
