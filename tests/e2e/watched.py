"""What a bot's Prometheus, its collector and its services' own pages show of it."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.bot import SERVICES, Bot, running_bot

INSTANCES: Final = {
    "cdb_ws": "cdb_ws:8000",
    "cdb_core": "cdb_core:8001",
    "cdb_risk": "cdb_risk:8002",
    "cdb_execution": "cdb_execution:8003",
}
EXPORT_S: Final = 3
SCRAPE_S: Final = 2
EXPIRATION_S: Final = 9
QUICK: Final = {
    "CDB_METRIC_EXPORT_INTERVAL_S": str(EXPORT_S),
    "CDB_SCRAPE_INTERVAL": f"{SCRAPE_S}s",
    "CDB_METRIC_EXPIRATION": f"{EXPIRATION_S}s",
}
"""The usual 15 s, 15 s and 45 s in about the same proportion."""

Labels = tuple[tuple[str, str], ...]
Values = dict[tuple[str, Labels], float]
_OF_THE_WAY: Final = frozenset({"__name__", "job"})


def key(name: str, labels: Mapping[str, str]) -> tuple[str, Labels]:
    """Return what a series is known by, whichever way it came; bucket bounds are written in more than one way."""
    own = {label: str(float(value)) if label == "le" else value for label, value in labels.items()}
    return name, tuple(sorted((label, value) for label, value in own.items() if label not in _OF_THE_WAY))


class Watched:
    """A running bot with all that watches it."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    def prometheus(self, query: str) -> list[dict[str, Any]]:
        """Return the result of an instant query: each series with its `metric` and `value` (or `values`)."""
        found: list[dict[str, Any]] = self._api("query", query=query)["result"]
        return found

    def over_time(self, query: str, *, start: float, end: float, step_s: float = SCRAPE_S) -> list[dict[str, Any]]:
        """Return the result of *query* from *start* to *end* (Unix seconds), [] if it never had any."""
        found: list[dict[str, Any]] = self._api("query_range", query=query, start=start, end=end, step=step_s)["result"]
        return found

    def series(self, match: str, *, start: float, end: float) -> list[dict[str, str]]:
        """Return the labels of every series that *match* and had a sample from *start* to *end* (Unix seconds)."""
        found: list[dict[str, str]] = self._api("series", **{"match[]": match, "start": start, "end": end})
        return found

    def stored(self, query: str = '{__name__=~"cdb_.*"}') -> Values:
        """Return what Prometheus has now."""
        return {
            key(row["metric"].get("__name__", query), row["metric"]): float(row["value"][1])
            for row in self.prometheus(query)
        }

    def stored_sum(self, query: str) -> float:
        """Return the sum of all series of an instant query, 0 if there are none."""
        return sum(float(row["value"][1]) for row in self.prometheus(query))

    def exposed(self) -> Values:
        """Return what the collector shows of the services."""
        return dict(_samples(self._page("exposition", "/metrics")))

    def own_pages(self) -> Values:
        """Return what all services show of themselves (contract names only)."""
        found: Values = {}
        for service in SERVICES:
            pairs = _samples(self._page(service, "/metrics"), instance=INSTANCES[service])
            found |= {series: value for series, value in pairs if series[0].startswith("cdb_")}
        return found

    def collector_counts(self, name: str) -> Values:
        """Return the samples called *name* of the collector's own telemetry."""
        return {series: value for series, value in _samples(self._page("collector_telemetry", "/metrics"))
                if series[0] == name}  # fmt: skip

    def _page(self, port_name: str, path: str) -> str:
        url = f"http://127.0.0.1:{self.bot.stack.config.ports.of(port_name)}{path}"
        with urllib.request.urlopen(url, timeout=10) as reply:
            return str(reply.read().decode())

    def _api(self, path: str, **parameters: Any) -> Any:
        body = json.loads(self._page("prometheus", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))
        assert body["status"] == "success", body
        return body["data"]


def summed(values: Values, name: str, **labels: str) -> float:
    """Return the sum of all series called *name* that carry *labels*."""
    return sum(value for (of, own), value in values.items() if of == name and set(labels.items()) <= set(own))


@contextmanager
def watched_bot(state: Path, settings: Mapping[str, str], *, parts: tuple[str, ...] = ()) -> Iterator[Watched]:
    """Run a bot with all its parts, or *parts*, on short intervals."""
    with running_bot(state, {**QUICK, **settings}, parts=parts) as bot:
        yield Watched(bot)


def _samples(page: str, **more: str) -> Iterable[tuple[tuple[str, Labels], float]]:
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            yield key(sample.name, {**sample.labels, **more}), float(sample.value)
