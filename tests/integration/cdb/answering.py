"""A server that answers as Prometheus does: the same figure to every query but those it is told to refuse."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SYMBOLS = ("BTCUSDT", "ETHUSDT")
_LABELS = dict.fromkeys(("service", "symbol", "reason_code", "violation_type"), "cdb_core")


class Answering:
    """What was asked, and what is refused."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.refused = "nothing is refused"

    def queries(self, *, but: str = "max(up)") -> list[dict[str, str]]:
        """Return the parameters of all queries for panels."""
        found = [sent for path, sent in self.asked if path.startswith("/api/v1/query")]
        return [sent for sent in found if sent["query"] not in {but, "vector(1)"}]


@contextmanager
def answering() -> Iterator[Answering]:
    """Run the server on a free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            sent = {name: values[0] for name, values in parse_qs(address.query).items()}
            state.asked.append((address.path, sent))
            status, content = _answer(address.path, sent, state.refused)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Answering(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(path: str, sent: dict[str, str], refused: str) -> tuple[int, dict[str, Any]]:
    if refused in sent.get("query", ""):
        return 400, {"status": "error", "errorType": "bad_data", "error": "told to refuse"}
    if path.startswith("/api/v1/label/"):
        return 200, {"status": "success", "data": list(SYMBOLS)}
    if path == "/api/v1/query":
        found = [{"metric": _LABELS, "value": [float(sent.get("time", 0)), "1"]}]
        return 200, {"status": "success", "data": {"resultType": "vector", "result": found}}
    start, end, step = (float(sent[name]) for name in ("start", "end", "step"))
    points = [[start + at * step, "1"] for at in range(int((end - start) // step) + 1)]
    return 200, {
        "status": "success",
        "data": {"resultType": "matrix", "result": [{"metric": _LABELS, "values": points}]},
    }
