"""One whole bot for the room. First nothing happens on its market; then it trades; then the market stands still."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cdb.running.native import Stack, StackConfig, select
from services.settings import DEFAULT_SYMBOLS
from telemetry.contract import load_contract
from tests.support.bot import LIVELY, Bot, running_bot
from tests.support.paths import ROOT
from tests.support.waiting import until
from tests.system.contract.comparison import deviations
from tests.system.contract.evidence import Evidence, gather, stored_now
from tests.system.contract.exposed import Series, Side, series
from tests.system.contract.facts import STORED, facts, known
from tests.system.contract.recorders import CONFIGURED, EXPECTED

QUICK = {"CDB_METRIC_EXPORT_INTERVAL_S": "1", "CDB_SCRAPE_INTERVAL": "2s", "CDB_METRIC_EXPIRATION": "6s"}
NO_TRADE_TODAY = {"SIMULATOR_TRADES_PER_SECOND": "0.000001"}


@pytest.fixture(scope="package")
def whole_bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Run everything, on a market on which nothing happens."""
    settings = {**LIVELY, **QUICK, **NO_TRADE_TODAY}
    with running_bot(tmp_path_factory.mktemp("contract"), settings, parts=()) as bot:
        yield bot


@pytest.fixture(scope="package")
def known_series() -> set[Series]:
    """Every series that is known before anything has happened."""
    return {
        (name, labels, place)
        for service, place in STORED.items()
        for name, labels in known(load_contract(), service, {**CONFIGURED, **EXPECTED, "symbol": DEFAULT_SYMBOLS})
    }


@pytest.fixture(scope="package")
def beginning(whole_bot: Bot, known_series: set[Series]) -> Side:
    """What Prometheus has before the first trade, as soon as that is no less than what is known."""
    side: Side = {}

    def missing() -> list[str]:
        nonlocal side
        side = stored_now(whole_bot)
        unseen = sorted(f"{name} {dict(labels)} of {place[1]}" for name, labels, place in known_series - series(side))
        return deviations(facts(load_contract()), side) or unseen

    until(missing, holds=lambda found: not found, what="every known series in Prometheus")
    return side


@pytest.fixture(scope="package")
def evidence(whole_bot: Bot, beginning: Side, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    """Let the bot trade until there are gains, losses and rejections; return what is seen once it is at rest."""
    whole_bot.stack.stop_part("cdb_ws")
    with lively_market(whole_bot, tmp_path_factory.mktemp("market")):
        until(
            lambda: (
                whole_bot.count("decisions", "reason IS NOT NULL"),
                whole_bot.count("fills", "realised_pnl > 0"),
                whole_bot.count("fills", "realised_pnl < 0"),
            ),
            holds=all,
            within_s=60,
            what="rejections, gains and losses",
        )
        whole_bot.quiesce()
        yield gather(whole_bot)


def lively_market(bot: Bot, state: Path) -> Stack:
    """Another cdb_ws for *bot*, which has stopped its own."""
    config = bot.stack.config
    endpoint = config.process_environment()["CDB_OTLP_ENDPOINT"]
    environment = {**config.environment, **LIVELY, "CDB_OTLP_ENDPOINT": endpoint}
    return Stack(
        StackConfig.isolated(ROOT, state, parts=select(("cdb_ws",)), environment=environment, ports=config.ports)
    )
