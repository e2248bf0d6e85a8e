"""The local alert receiver: `python -m monitoring.receiver`."""

import signal
import sys
import threading
from pathlib import Path
from typing import Final

import structlog

from monitoring.receiver.app import create_app
from monitoring.receiver.ends import Ends
from monitoring.receiver.settings import ReceiverSettings
from monitoring.receiver.store import Store, StoreFailed
from services.clock import WallClock
from services.runtime import logs
from services.runtime.web import serve
from services.settings import load

RUNBOOKS: Final = Path(__file__).resolve().parents[2] / "monitoring" / "runbooks"
_ENDING: Final = frozenset({signal.SIGTERM, signal.SIGINT})


def main() -> None:
    """Store and show notifications until told to stop."""
    settings = load(ReceiverSettings)
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    logs.configure("cdb_alert_receiver", level=settings.log_level, log_format=settings.log_format)
    try:
        store = Store(settings.data, keep=settings.keep, clock=WallClock())
    except StoreFailed as error:
        sys.exit(f"CDB_ALERT_RECEIVER_DATA={str(settings.data)!r} cannot be used: {error}")
    if settings.prometheus and settings.alertmanager:
        addresses = {"prometheus": settings.prometheus, "alertmanager": settings.alertmanager}
        ends = Ends(store, **addresses, clock=WallClock())
        threading.Thread(target=ends.watch, name="ends", daemon=True).start()
    server = serve(create_app(store, RUNBOOKS), host=settings.http_host, port=settings.port)
    log = structlog.get_logger()
    log.info("started", address=f"http://{settings.http_host}:{settings.port}")
    signal.sigwait(_ENDING)
    server.close()
    log.info("stopped")


if __name__ == "__main__":
    main()
