"""The HTTP server: a Flask application behind waitress, in threads of its own."""

import sys
import threading
from typing import Any, Final

from flask import Flask
from waitress.server import create_server
from waitress.wasyncore import close_all

THREADS: Final = 4
CONNECTIONS: Final = 1_000
"""Idle ones included, which are closed after two minutes."""
ENDS_WITHIN_S: Final = 1


class WebServer:
    """Listens on *host*:*port*, 0 for a free one, and answers in *threads* of its own until it is closed.

    Ends the process with a sentence if it cannot listen there.
    """

    def __init__(self, app: Flask, *, host: str, port: int, threads: int = THREADS) -> None:
        self._sockets: dict[int, Any] = {}
        try:
            self._server = create_server(
                app,
                host=host,
                port=port,
                threads=threads,
                map=self._sockets,
                connection_limit=CONNECTIONS,
                asyncore_use_poll=True,  # select knows no more than 1,024 files
            )
        except OSError as error:
            sys.exit(f"cannot listen on {host}:{port}: {error.strerror or error}")
        threading.Thread(target=self._server.run, name="http", daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens; *host* is one address."""
        return int(self._server.effective_port)  # type: ignore[union-attr]

    def close(self) -> None:
        """Take no more requests; those that are being answered have ENDS_WITHIN_S."""
        self._server.task_dispatcher.shutdown(timeout=ENDS_WITHIN_S)
        close_all(self._sockets)
