"""After a replay every figure is what the ledger says, in the collector's exposition, in Prometheus, on own pages."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from cdb.replay.tape import survey
from cdb.stack import TRADING
from tests.e2e.ledger_truth import differences, truth
from tests.e2e.tapes import with_everything_in_it
from tests.e2e.watched import Values, Watched, summed, watched_bot
from tests.servers import ROOT
from tests.waiting import until

pytestmark = pytest.mark.e2e

REAL: Final = ROOT / "tests" / "data" / "ethusdt-trades-2023-02-02.csv"
SOME: Final = ("signals", "decisions", "approved", "fills", "open positions")
REASONS: Final = (
    "STALE_MARKET_DATA",
    "CIRCUIT_BREAKER_ACTIVE",
    "EXPOSURE_LIMIT",
    "POSITION_SIZE_EXCEEDED",
    "ORDER_RATE_EXCEEDED",
    "NO_POSITION",
)
MOMENTS: Final = {
    "signals": "SELECT count(*) FROM signals",
    "decisions": "SELECT count(*) FROM decisions",
    "approved": "SELECT count(*) FROM orders WHERE cause = 'signal'",
    "fills": "SELECT count(*) FROM fills",
    "gains": "SELECT count(*) FROM fills WHERE realised_pnl > 0",
    "losses": "SELECT count(*) FROM fills WHERE realised_pnl < 0",
    "losses beyond the last bucket": "SELECT count(*) FROM fills WHERE realised_pnl < -1000",
    "stop losses": "SELECT count(*) FROM orders WHERE cause = 'stop_loss'",
    "open positions": "SELECT count(*) FROM positions WHERE quantity > 0",
    "a tripped breaker": "SELECT count(*) FROM breaker WHERE active",
    **{reason: f"SELECT count(*) FROM decisions WHERE reason = '{reason}'" for reason in REASONS},  # noqa: S608
}


@dataclass(frozen=True)
class Replay:
    """A tape that has been played to its end, and what must have happened on it."""

    watched: Watched
    file: Path
    moments: tuple[str, ...]


def real(_place: Path) -> tuple[Path, dict[str, str], tuple[str, ...]]:
    """Trades that happened; the threshold is for so quiet a market."""
    return REAL, {"MOMENTUM_THRESHOLD_PCT": "0.00008"}, SOME


def made_up(place: Path) -> tuple[Path, dict[str, str], tuple[str, ...]]:
    """Everything that can happen, on several symbols."""
    file = place / "everything.csv"
    with_everything_in_it().write(file)
    return file, {"MAX_ORDERS_PER_MINUTE": "6"}, tuple(MOMENTS)


@pytest.fixture(scope="module", params=[real, made_up], ids=lambda way: way.__name__)
def replay(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """Play a tape as `cdb replay` does (event clock, lockstep), but with a collector and a Prometheus of its own."""
    file, settings, moments = request.param(tmp_path_factory.mktemp("tape"))
    replaying = {
        "CDB_SOURCE": "replay",
        "CDB_REPLAY_FILE": str(file),
        "CDB_REPLAY_SPEED": "max",
        "CDB_SYMBOLS": ",".join(survey(file).symbols),
        "CDB_CLOCK": "event",
        "CDB_LOCKSTEP": "1",
        "CDB_TEST_ENDPOINTS": "0",
        "CDB_LOG_LEVEL": "WARNING",
    }
    place = tmp_path_factory.mktemp("replay")
    with watched_bot(place, {**replaying, **settings}, parts=(*TRADING, "otel_collector", "prometheus")) as watched:
        until(
            lambda: watched.bot.ask("cdb_ws", "/feed")[1],
            holds=lambda feed: bool(feed and feed["finished"]),
            within_s=90,
            what="the tape's end",
        )
        yield Replay(watched, file, moments)


WAYS: Final[dict[str, Callable[[Watched], Values]]] = {
    "the services' own pages": Watched.own_pages,
    "the collector's exposition": Watched.exposed,
    "Prometheus": Watched.stored,
}


def test_the_tape_brings_about_what_is_to_be_counted(replay: Replay) -> None:
    """Otherwise equality would prove little."""
    happened = {moment: replay.watched.bot.query(MOMENTS[moment])[0][0] for moment in replay.moments}
    assert all(happened.values()), happened


@pytest.mark.parametrize("way", WAYS)
def test_every_figure_is_what_the_ledger_says(replay: Replay, way: str) -> None:
    """Counters, gauges, buckets and sums, by all their labels; what the ledger does not have is 0."""
    until(
        lambda: differences(WAYS[way](replay.watched), truth(replay.watched.bot)),
        holds=lambda wrong: not wrong,
        what=f"no difference (shown, ledger) between {way} and the ledger",
    )


def test_every_trade_of_the_tape_is_counted_on_its_way(replay: Replay) -> None:
    """Received by the feed, read by the signal engine, dealt with by risk: the tape's rows, each once."""
    rows = survey(replay.file).rows
    expected = {
        "cdb_market_data_received_total": rows,
        "cdb_data_ingestion_latency_seconds_count": rows,
        "cdb_market_data_events_received_total": rows,
        "cdb_market_data_refused_total": 0,
        "cdb_market_data_trimmed_total": 0,
        "cdb_dead_letters_total": 0,
        "cdb_telemetry_values_refused_total": 0,
        "cdb_telemetry_label_overflow_total": 0,
    }
    until(
        lambda: {name: summed(replay.watched.stored(), name) for name in expected},
        holds=lambda shown: shown == expected,
        what=f"in Prometheus: {expected}",
    )


def test_losses_are_in_the_buckets_and_in_the_sum(replay: Replay) -> None:
    """A histogram with negative values, as it is stored: the losing trades below 0, and the sum is the account's."""
    losses, realised = replay.watched.bot.query(
        "SELECT count(*) FILTER (WHERE realised_pnl <= 0), coalesce(sum(realised_pnl), 0) FROM fills"
    )[0]
    stored = until(
        replay.watched.stored,
        holds=lambda now: summed(now, "cdb_trade_pnl_usd_bucket", le="0.0") == losses,
        what=f"{losses} losing trades in the bucket up to 0",
    )
    assert summed(stored, "cdb_trade_pnl_usd_sum") == pytest.approx(float(realised))
    assert summed(stored, "cdb_cumulative_pnl_usd") == pytest.approx(float(realised))
