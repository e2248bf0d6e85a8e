"""A bot whose metrics reach a Prometheus of its own, at fifteen times the usual pace."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cdb.running.native import TRADING
from tests.support.bot import Bot, running_bot

PACE: Final = {"CDB_METRIC_EXPORT_INTERVAL_S": "1", "CDB_SCRAPE_INTERVAL": "1s", "CDB_METRIC_EXPIRATION": "3s"}
"""Exports and scrapes every second instead of every 15; a series ends 3 s after its last export instead of 45."""
Series = frozenset[tuple[str, str]]


class Prometheus:
    """What a bot's Prometheus answers."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    def query(self, expression: str) -> dict[Series, float]:
        """The value of each series that *expression* gives now."""
        found = self._bot.prometheus("query", query=expression)["result"]
        return {frozenset(row["metric"].items()): float(row["value"][1]) for row in found}

    def samples(self, expression: str, *, start: float, end: float) -> dict[Series, list[float]]:
        """The samples of each series between two times, as they were stored."""
        window = f"{expression}[{max(1, round(end - start))}s]"
        found = self._bot.prometheus("query", query=window, time=str(end))["result"]
        return {frozenset(row["metric"].items()): [float(value) for _, value in row["values"]] for row in found}

    def series(self, selector: str, *, start: float, end: float) -> set[Series]:
        """The label sets that *selector* has had between two times."""
        found = self._bot.prometheus("series", **{"match[]": selector, "start": str(start), "end": str(end)})
        return {frozenset(labels.items()) for labels in found}


@contextmanager
def scraped_bot(state: Path, settings: Mapping[str, str]) -> Iterator[Bot]:
    """Run what trades, the collector and Prometheus."""
    parts = (*TRADING, "otel_collector", "prometheus")
    with running_bot(state, {**settings, **PACE}, parts=parts) as bot:
        yield bot
