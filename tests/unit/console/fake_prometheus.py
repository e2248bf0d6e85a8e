"""A Prometheus inside the test: two series for every query, with figures that differ by query, and exemplars."""

import json
import threading
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs
from zlib import crc32

import httpx
from flask.testing import FlaskClient

from cdb.kit.prometheus import Prometheus
from console.ground import Ground

SYMBOLS = ("BTCUSDT", "ETHUSDT")
TRACE = "0123456789abcdef0123456789abcdef"


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class FakePrometheus:
    """What it was asked, and how it answers."""

    names: tuple[str, ...] = SYMBOLS
    trace: str = TRACE
    away: bool = False
    refused: str = "nothing is refused"
    gap: bool = False
    value: float | None = None
    """Of every series, if it is not to differ by query."""
    hangs: threading.Event = field(default_factory=_set)
    rules: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def behind(self, ground: Ground) -> Ground:
        """*ground* with this Prometheus."""
        return replace(ground, prometheus=Prometheus("http://fake", transport=httpx.MockTransport(self._answer)))

    def queries(self) -> list[str]:
        """Expressions of the panels that it was asked for."""
        return [sent["query"] for path, sent in self.asked if path.startswith("query") and sent["query"] != "vector(1)"]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("nobody listens", request=request)
        self.hangs.wait(30)
        path = request.url.path.removeprefix("/api/v1/")
        sent = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        self.asked.append((path, sent))
        if self.refused in sent.get("query", ""):
            return _json({"status": "error", "error": "told to refuse"}, 400)
        return _json({"status": "success", "data": self._data(path, sent)})

    def _data(self, path: str, sent: dict[str, str]) -> Any:
        if path.startswith("label/"):
            return self.names
        if path == "rules":
            return {"groups": [{"name": "g", "rules": self.rules}]}
        if path == "query_exemplars":
            one = {"labels": {"trace_id": self.trace}, "value": "0.25", "timestamp": float(sent["end"]) - 60}
            return [{"seriesLabels": {}, "exemplars": [one]}]
        size = crc32(sent["query"].encode()) % 1000 / 100
        values = [size + at if self.value is None else self.value for at in range(len(self.names))]
        rows = [(self._labels(name), value) for name, value in zip(self.names, values, strict=True)]
        if path == "query":
            at = float(sent.get("time", 0))
            return {"resultType": "vector", "result": [{"metric": m, "value": [at, str(v)]} for m, v in rows]}
        start, end, step = (float(sent[name]) for name in ("start", "end", "step"))
        times = [start + at * step for at in range(int((end - start) // step) + 1)]
        if self.gap:
            times = times[: len(times) // 3] + times[2 * len(times) // 3 :]
        found = [{"metric": m, "values": [[at, str(v + at % 7 / 10)] for at in times]} for m, v in rows]
        return {"resultType": "matrix", "result": found}

    def _labels(self, name: str) -> dict[str, str]:
        return dict.fromkeys(("service", "symbol", "reason_code", "violation_type", "alertname", "strategy"), name)


def _json(value: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(value).encode())


def settled(client: FlaskClient, address: str) -> str:
    """The page once it waits for nothing more."""
    for _ in range(20):  # each waits for some seconds
        reply = client.get(address)
        shown = reply.get_data(as_text=True)
        assert reply.status_code == 200, shown
        if "has not answered yet" not in shown and "are being asked for" not in shown:
            return shown
    raise AssertionError("the page still waits")
