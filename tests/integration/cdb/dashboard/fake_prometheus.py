"""A Prometheus that gives the same figure for every query, and refuses the queries it is told to refuse."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.cdb.fake_server import Answer, fake_server, vector

SYMBOLS = ("BTCUSDT", "ETHUSDT")
_LABELS = dict.fromkeys(("service", "symbol", "reason_code", "violation_type"), "cdb_core")


@dataclass
class FakePrometheus:
    """Its port, what it was asked (path and parameters), and the text of queries that it refuses."""

    port: int = 0
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    refused: str = "nothing is refused"

    def queries(self, *, but: str = "max(up)") -> list[Mapping[str, str]]:
        """Parameters of all queries for panels."""
        found = [sent for path, sent in self.asked if path.startswith("/api/v1/query")]
        return [sent for sent in found if sent["query"] not in {but, "vector(1)"}]

    def answer(self, path: str, sent: Mapping[str, str], _headers: Mapping[str, str]) -> Answer:
        """Note the question, then answer it."""
        self.asked.append((path, sent))
        if self.refused in sent.get("query", ""):
            return 400, {"status": "error", "errorType": "bad_data", "error": "told to refuse"}
        if path.startswith("/api/v1/label/"):
            return 200, {"status": "success", "data": list(SYMBOLS)}
        if path == "/api/v1/query":
            return vector((_LABELS, 1), at=float(sent.get("time", 0)))
        start, end, step = (float(sent[name]) for name in ("start", "end", "step"))
        points = [[start + at * step, "1"] for at in range(int((end - start) // step) + 1)]
        found = [{"metric": _LABELS, "values": points}]
        return 200, {"status": "success", "data": {"resultType": "matrix", "result": found}}


@contextmanager
def fake_prometheus() -> Iterator[FakePrometheus]:
    """Run it on a free port of 127.0.0.1."""
    server = FakePrometheus()
    with fake_server(server.answer) as server.port:
        yield server
