"""What a running bot shows of its metrics, gathered from every side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from telemetry.contract import Contract
from tests.support.bot import INSTANCES, Bot
from tests.support.collectors import OPENMETRICS, fetch
from tests.support.waiting import until
from tests.system.contract.comparison import deviations, differences, moved
from tests.system.contract.exposed import Side, exposition, openmetrics, page, stored
from tests.system.contract.facts import EXPOSED, facts

MOVES_AT_REST: Final = {"cdb_data_staleness_seconds", "cdb_risk_state_update_duration_seconds"}
"""An age, and what risk does every second."""
_OURS: Final = '{__name__=~"(cdb|otel_).*"}'


@dataclass(frozen=True)
class Evidence:
    """All sides at one time. *pages* are from before Prometheus was asked, *pages_after* from after it."""

    pages: Mapping[str, Side]
    exposed: Side
    exposed_strictly: Side
    stored: Side
    ever_stored: Side
    pages_after: Mapping[str, Side]

    def deviations(self, contract: Contract) -> dict[str, list[str]]:
        """Each side's deviations from *contract*."""
        wanted = facts(contract)
        return {
            **{f"page of {name}": deviations(facts(contract, name), side) for name, side in self.pages.items()},
            "exposition": deviations(wanted, self.exposed, EXPOSED),
            "exposition as OpenMetrics": deviations(wanted, self.exposed_strictly, EXPOSED),
            "Prometheus": deviations(wanted, self.stored),
            "Prometheus, ever": deviations(wanted, self.ever_stored),
        }


def pages(bot: Bot) -> dict[str, Side]:
    """Read every service's own page."""
    return {service: page(bot.ask(service, "/metrics")[1], service) for service in INSTANCES}


def stored_now(bot: Bot) -> Side:
    """Read the newest values from Prometheus."""
    found = bot.prometheus("query", query=_OURS)["result"]
    samples = [(_name(one["metric"]), _labels(one["metric"]), float(one["value"][1])) for one in found]
    return stored(bot.prometheus("metadata"), samples)


def stored_ever(bot: Bot) -> Side:
    """Read from Prometheus which series it has ever had, as 0."""
    found = bot.prometheus("series", **{"match[]": _OURS, "start": "0"})
    return stored(bot.prometheus("metadata"), [(_name(labels), _labels(labels), 0.0) for labels in found])


def gather(bot: Bot) -> Evidence:
    """Look at every side of a bot at rest, once Prometheus has what the pages show before and after it is asked."""
    before: Mapping[str, Side] = pages(bot)
    newest: Side = {}
    after = before

    def restless() -> list[str]:
        nonlocal before, newest, after
        before = before if moved(before, after) <= MOVES_AT_REST else after
        newest, after = stored_now(bot), pages(bot)
        moving = sorted(moved(before, after) - MOVES_AT_REST)
        return [f"{name}: must be at rest, it moves" for name in moving] or differences(before, newest, after)

    until(restless, holds=_nothing, what="a bot at rest with all its values in Prometheus", every_s=0.5)
    port = bot.stack.config.ports.exposition
    return Evidence(
        pages=before,
        exposed=exposition(fetch(port, "/metrics")),
        exposed_strictly=openmetrics(fetch(port, "/metrics", accept=OPENMETRICS)),
        stored=newest,
        ever_stored=stored_ever(bot),
        pages_after=after,
    )


def _nothing(found: list[str]) -> bool:
    return not found


def _name(labels: Mapping[str, str]) -> str:
    return labels["__name__"]


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {label: value for label, value in labels.items() if label != "__name__"}
