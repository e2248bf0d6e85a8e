"""Each alert by its real cause: the operator is told of it, with the right labels, and told when it is over.

Times are a tenth (fast_copy.py). Causes that do not disturb each other run at once, and an end is waited for only after
what takes longer has begun; the table at the end of the test run says how long each took.
"""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import pytest

from cdb.breaker.breaker import breaker_state
from cdb.replay.saved import address_of
from services.ledger.connection import Ledger
from tests.support.alerted_bot import PATIENCE_S, TOLD, Alert, Watch, watched_ten_times_as_fast
from tests.support.bot import SERVICES, Bot
from tests.support.waiting import until
from tests.system.native.faults import away, frozen, replaced_as_writer
from tests.system.native.market_moves import exposure, held, marks, positions, realised, shock

pytestmark = pytest.mark.e2e

DRAWDOWN: Final = Alert("DailyDrawdownLimitExceeded", "critical", "risk_engine")
BREAKER: Final = Alert("CircuitBreakerActivated", "critical", "risk_engine")
DOWN: Final = {name: Alert("ServiceDown", "critical", name, {"service": name}) for name in SERVICES}
ERRORS: Final = Alert("HighErrorRate", "warning", "system")
STALE: Final = Alert("StaleMarketData", "warning", "market_data", {"source": "simulated"})
EXPOSURE: Final = Alert("ExposureLimitApproaching", "warning", "risk_engine")
LATENCY: Final = Alert("HighEventProcessingLatency", "warning", "cdb_risk", {"service": "cdb_risk"})
DATABASE: Final = Alert("DatabaseConnectionFailures", "critical", "database")
REDIS: Final = Alert("RedisUnavailable", "critical", "message_bus")
PROFIT: Final = Alert("PositivePnLMilestone", "info", "trading")
COLLECTOR: Final = Alert("CollectorDown", "critical", "telemetry")
COLLECTOR_AWAY_S: Final = 6.0
MILESTONE_USD: Final = 1000
MARGIN_USD: Final = 400
LOSS_USD: Final = 1000
"""What an eighth of a position's price is worth, about: a position is 8.5 % of 100,000."""
HIGH_EXPOSURE: Final = 0.5
"""Over the alert's 45 %, and with enough cash left for the loss that follows."""


def size_of(symbol: str) -> Alert:
    return Alert("PositionSizeViolation", "warning", "risk_engine", {"symbol": symbol})


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Watch]:
    """Hand out a bot that trades, of which there is nothing to tell."""
    with watched_ten_times_as_fast(tmp_path_factory.mktemp("alerts")) as bot:
        watch = Watch(bot, pytestconfig.stash.setdefault(TOLD, []))
        bot.wait_healthy()
        bot.wait_trading()
        watch.until_quiet()
        yield watch


@pytest.fixture(scope="module")
def strained(watch: Watch) -> list[Alert]:
    """Have decisions slow, messages fail, and a profit made and lost again; return what the operator was told of."""
    bot = watch.bot
    watch.begin("decisions slowed by 1.2 s", LATENCY)
    post(bot, "cdb_risk", "/test/slow-decisions?delay_ms=1200&seconds=3600")
    watch.begin("every order fails once; garbage on the bus", ERRORS)
    post(bot, "cdb_execution", "/test/errors?count=10000")
    post(bot, "cdb_ws", "/test/scenario?kind=garbage&count=500")
    watch.begin("prices of what is held rise by 15 %", PROFIT)
    gain(bot)
    watch.until_told(PROFIT)
    lose(bot)
    watch.end(PROFIT)
    watch.until_told(LATENCY, ERRORS)
    watch.until_resolved(PROFIT)
    post(bot, "cdb_risk", "/test/reset")
    watch.end(LATENCY)
    post(bot, "cdb_execution", "/test/errors?count=1")
    watch.end(ERRORS)
    return [LATENCY, ERRORS, PROFIT]


@pytest.fixture(scope="module")
def in_danger(watch: Watch) -> list[Alert]:
    """Have the account far above its limits in a market that has stopped, then at a loss; return what was told."""
    bot = watch.bot
    shocked_at = overexpose(watch)
    largest = held(bot)[0]
    alerts = [EXPOSURE, size_of(largest), STALE, DRAWDOWN, BREAKER]
    watch.begin("prices of what is held multiplied", EXPOSURE, size_of(largest), at=shocked_at)
    watch.begin("the market stalls, cdb_ws is well", STALE)
    assert bot.health() == dict.fromkeys(SERVICES, 200)
    measure_losses_from_now_on(watch)
    watch.begin("a loss of 6 % of the day's equity", DRAWDOWN, BREAKER)
    post(bot, "cdb_risk", "/test/trigger-drawdown?percent=6")
    watch.until_told(*alerts)
    bot.go_on()
    watch.end(STALE)
    have_sold(bot)
    watch.end(EXPOSURE, size_of(largest))
    return alerts


def test_slow_decisions_failing_messages_and_a_profit_are_told(strained: list[Alert]) -> None:
    assert len(strained) == 3


def test_a_loss_the_breaker_too_much_exposure_and_a_silent_market_are_told(in_danger: list[Alert]) -> None:
    assert len(in_danger) == 5


@dataclass(frozen=True)
class Outage:
    """What was seen of the alerts while the collector was away, once it was back, and all that was told since."""

    meanwhile: set[str]
    afterwards: set[str]
    told: list[dict[str, Any]]


@pytest.fixture(scope="module")
def outage(watch: Watch, in_danger: list[Alert]) -> Outage:
    """Kill the collector for as long as 60 s are here, while loss and breaker, and nothing else, are alerts."""
    assert {DRAWDOWN, BREAKER} <= set(in_danger)
    watch.until_quiet(but=frozenset({DRAWDOWN.name, BREAKER.name, PROFIT.name}))
    since = time.time()
    with away(watch.bot, "otel_collector"):
        until(lambda: time.time() - since >= COLLECTOR_AWAY_S, what="six seconds without a collector")
        until(lambda: COLLECTOR.name in watch.names("firing"), what="the collector down in Prometheus", every_s=0.5)
        meanwhile = watch.names("firing")
    drawdown = "cdb_daily_drawdown_pct"
    until(lambda: watch.bot.prometheus("query", query=drawdown)["result"], what=f"{drawdown} in Prometheus again")
    return Outage(meanwhile, watch.names("firing"), watch.notifications(since=since))


@pytest.fixture(scope="module")
def rescued(watch: Watch, in_danger: list[Alert]) -> list[Alert]:
    """Take the loss back and reset the breaker; return what the account was in danger of."""
    post(watch.bot, "cdb_risk", "/test/reset")
    watch.end(DRAWDOWN, BREAKER)
    return in_danger


def test_a_collector_that_is_killed_is_told_and_hides_neither_loss_nor_breaker(outage: Outage) -> None:
    """Alerts of the telemetry begin and no other (a profit is none), and what fired already goes on."""
    assert {DRAWDOWN.name, BREAKER.name} <= outage.meanwhile & outage.afterwards
    begun = [one for one in outage.told if one["status"] == "firing" and one["severity"] != "info"]
    assert {one["labels"]["component"] for one in begun} <= {"telemetry"}
    ended = {one["alertname"] for one in outage.told if one["status"] == "resolved"}
    assert not {DRAWDOWN.name, BREAKER.name} & ended


@pytest.mark.usefixtures("rescued")
def test_a_service_that_ended_one_that_hangs_and_one_that_is_ill_are_told_and_what_follows_is_not(watch: Watch) -> None:
    """All three at once. Without cdb_ws market data grow stale, which is known and inhibited."""
    watch.until_over("ServiceDown", STALE.name)
    bot, since = watch.bot, time.time()
    alerts = [DOWN["cdb_ws"], DOWN["cdb_core"], DOWN["cdb_execution"]]
    with ExitStack() as faults:
        watch.begin("stopped", DOWN["cdb_ws"])
        bot.stack.stop_part("cdb_ws")
        watch.begin("frozen", DOWN["cdb_core"])
        faults.enter_context(frozen(bot, "cdb_core"))
        watch.begin("answers 503: another one is the ledger's writer", DOWN["cdb_execution"])
        faults.enter_context(replaced_as_writer(bot, "cdb_execution"))
        until(lambda: bot.ask("cdb_execution", "/health")[0], holds=lambda seen: seen == 503, what="503 from execution")
        watch.until_told(*alerts)
        watch.until_suppressed((STALE.name, ""))
        assert STALE.name not in names_told(watch, since)
    bot.stack.start_part("cdb_ws")
    watch.end(*alerts)
    watch.until_resolved(*alerts)


def test_the_ends_of_what_strained_and_endangered_the_account_are_told(
    watch: Watch, strained: list[Alert], rescued: list[Alert]
) -> None:
    watch.until_resolved(*strained, *rescued)


def test_redis_and_postgresql_that_are_stopped_are_told_and_that_services_are_ill_without_them_is_not(
    watch: Watch,
) -> None:
    bot = watch.bot
    bot.wait_healthy()
    watch.until_over("ServiceDown", STALE.name, REDIS.name, DATABASE.name)
    since = time.time()
    watch.begin("stopped", REDIS)
    bot.stack.stop_part("redis")
    watch.begin("stopped", DATABASE)
    bot.stack.stop_part("postgres")
    watch.until_told(REDIS, DATABASE)
    watch.until_suppressed(*((DOWN[service].name, service) for service in SERVICES))
    assert not {"ServiceDown", STALE.name} & names_told(watch, since)
    bot.stack.start_part("postgres")
    bot.stack.start_part("redis")
    watch.end(REDIS, DATABASE)
    bot.wait_healthy()
    watch.until_resolved(REDIS, DATABASE)
    bot.wait_trading(PATIENCE_S)  # few trades: there may be no signal for a while
    bot.quiesce()
    bot.audit()


def test_a_collector_that_is_away_and_a_sender_without_a_token_are_told(watch: Watch) -> None:
    watch.until_over(COLLECTOR.name)
    watch.begin("killed", COLLECTOR)
    with away(watch.bot, "otel_collector"):
        watch.until_told(COLLECTOR)
    watch.end(COLLECTOR)
    refused = Alert("CollectorRejectsRequests", "warning", "telemetry", {"code": "401"})
    watch.begin("metrics without a token", refused)
    until(lambda: watch.bot.ask("otlp_http", "/v1/metrics", post=True)[0] == 401, what="metrics turned away")
    watch.until_told(refused)
    watch.until_resolved(COLLECTOR)


def post(bot: Bot, service: str, path: str) -> None:
    """Have a test endpoint do something."""
    status, body = bot.ask(service, path, post=True)
    assert status == 200, body


def gain(bot: Bot) -> None:
    """Raise the price of each symbol that is held, until the strategy has sold enough of it at a profit."""
    raised: set[str] = set()

    def look() -> float:
        for symbol in set(held(bot)) - raised:
            shock(bot, symbol, 15)
            raised.add(symbol)
        return realised(bot)

    enough = MILESTONE_USD + MARGIN_USD
    until(look, holds=lambda profit: profit > enough, within_s=PATIENCE_S, what="a realised profit")


def lose(bot: Bot) -> None:
    """Lower the prices of what is held, which its stop loss then sells, until the profit is gone and not much more."""
    lowered: set[str] = set()
    enough = MILESTONE_USD - MARGIN_USD

    def look() -> float:
        profit = realised(bot)
        places = [(symbol, position) for symbol, position in positions(bot) if position not in lowered]
        for symbol, position in places[: max(0, math.ceil((profit - enough) / LOSS_USD))]:
            shock(bot, symbol, -12)
            lowered.add(position)
        return profit

    until(look, holds=lambda profit: profit < enough, within_s=PATIENCE_S, what="a lost profit", every_s=2)


def overexpose(watch: Watch) -> float:
    """Multiply the prices of what is held, stop the market there, and return when the prices moved.

    The strategy may sell meanwhile, so this takes as many attempts as it takes.
    """
    bot = watch.bot

    def attempt() -> float:
        bot.go_on()
        watch.until_over(EXPOSURE.name, "PositionSizeViolation")
        until(lambda: len(held(bot)), holds=lambda count: count >= 3, within_s=PATIENCE_S, what="three positions")
        bot.quiesce()
        if not (symbols := held(bot)):
            return 0
        share, before, now = exposure(bot), marks(bot), time.time()
        factor = min(10.0, HIGH_EXPOSURE / (1 - HIGH_EXPOSURE) * (1 - share) / share)
        for symbol in symbols:
            shock(bot, symbol, 100 * factor - 100)
        bot.go_on()
        until(
            lambda: marks(bot),
            holds=lambda new: all(new[symbol] > 0.8 * factor * before[symbol] for symbol in symbols),
            what=f"prices of {', '.join(symbols)} multiplied by {factor:.1f}",
        )
        bot.quiesce()
        return now if exposure(bot) > 0.46 else 0

    return until(attempt, within_s=PATIENCE_S, what="an account that is exposed too much")


def measure_losses_from_now_on(watch: Watch) -> None:
    """Let a loss be one of the equity as it is now, if attempts have raised it so far that its cash would not do.

    Where that takes long enough for the operator to be told of the breaker, it is over when this returns.
    """
    bot = watch.bot
    with closing(Ledger(address_of(bot.stack.config), application="test")) as ledger:
        state = breaker_state(ledger)
    if state.equity > Decimal("1.5") * state.reference_equity:
        for action in ("trip", "reset"):
            done = bot.cdb("breaker", action, "--yes", "--why", "losses are to be measured from now on")
            assert done.returncode == 0, done.stderr
        watch.until_over(BREAKER.name)


def have_sold(bot: Bot) -> None:
    """Let the prices of what is held slide, so that the strategy sells."""

    def look() -> list[str]:
        symbols = held(bot)
        for symbol in symbols:
            shock(bot, symbol, -1)
        return symbols

    until(look, holds=lambda symbols: not symbols, within_s=PATIENCE_S, what="everything sold", every_s=1)


def names_told(watch: Watch, since: float) -> set[str]:
    """The names of the alerts that were notified as firing after *since*."""
    return {one["alertname"] for one in watch.notifications(since=since) if one["status"] == "firing"}
