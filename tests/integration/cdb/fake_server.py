"""An HTTP server whose answers a test decides: for what a healthy part never says."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]
Answers = Callable[[str, Mapping[str, str], Mapping[str, str]], Answer]
"""From path, parameters and headers to status and body."""


@contextmanager
def fake_server(answers: Answers) -> Iterator[int]:
    """Run the server on a free port of 127.0.0.1; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            sent = {name: values[0] for name, values in parse_qs(address.query).items()}
            status, content = answers(address.path, sent, dict(self.headers.items()))
            body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  the library's name

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def vector(*samples: tuple[Mapping[str, str], float], at: float = 0) -> Answer:
    """Prometheus' answer to an instant query: labels and value of each sample."""
    rows = [{"metric": labels, "value": [at, str(value)]} for labels, value in samples]
    return 200, {"status": "success", "data": {"resultType": "vector", "result": rows}}
