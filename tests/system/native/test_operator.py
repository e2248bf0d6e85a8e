"""What an operator may try on a running bot, and what it then does."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.support.bot import LIVELY, TEST_ENDPOINTS, Bot, running_bot
from tests.support.waiting import until
from tests.system.native.market_moves import stop_with_a_position

pytestmark = pytest.mark.e2e


@pytest.fixture
def reset(bot: Bot) -> Iterator[None]:
    """Leave the bot without adjustments, delays or a tripped breaker."""
    yield
    assert bot.ask("cdb_risk", "/test/reset", post=True)[0] == 200
    until(
        lambda: bot.metric("cdb_risk", "cdb_circuit_breaker_active"), holds=lambda now: now == 0, what="breaker reset"
    )


@pytest.mark.usefixtures("reset")
def test_a_drawdown_trips_the_breaker_which_stops_new_exposure_and_no_reduction(bot: Bot) -> None:
    """The loss is in the ledger as an adjustment; buys are rejected, sells go on; health stays 200."""
    assert bot.ask("cdb_risk", "/test/trigger-drawdown", post=True)[0] == 200
    until(lambda: bot.metric("cdb_risk", "cdb_circuit_breaker_active"), holds=lambda now: now == 1, what="the breaker")
    assert bot.metric("cdb_risk", "cdb_daily_drawdown_pct") > 5
    until(lambda: bot.count("decisions", "reason = 'CIRCUIT_BREAKER_ACTIVE'"), what="a rejection by the breaker")
    (tripped_at,) = bot.query("SELECT changed_at FROM breaker WHERE active ORDER BY breaker_seq DESC LIMIT 1")[0]
    since = f"placed_at > '{tripped_at}'"
    assert bot.count("orders", f"side = 'BUY' AND {since}") == 0
    assert set(bot.health().values()) == {200}
    assert bot.count("test_adjustments") >= 1
    bot.quiesce()
    bot.audit()
    bot.go_on()


@pytest.mark.usefixtures("reset")
def test_the_drawdown_asked_for_is_reached_after_gains_too(bot: Bot) -> None:
    """What counts is the loss against the reference, however far above it the account stood."""
    bot.quiesce()
    assert bot.ask("cdb_risk", "/test/trigger-drawdown?percent=8", post=True)[0] == 200
    until(lambda: bot.metric("cdb_risk", "cdb_daily_drawdown_pct"), holds=lambda seen: 7.8 < seen < 8.2, what="8 %")


def test_a_reset_returns_the_money_and_trading_goes_on(bot: Bot) -> None:
    """Adjustments sum up to nothing afterwards."""
    bot.ask("cdb_risk", "/test/trigger-drawdown?percent=7", post=True)
    until(lambda: bot.metric("cdb_risk", "cdb_circuit_breaker_active"), holds=lambda now: now == 1, what="the breaker")
    status, body = bot.ask("cdb_risk", "/test/reset", post=True)
    assert (status, body["breaker_reset"]) == (200, True)
    assert bot.query("SELECT sum(amount) FROM test_adjustments") == [(Decimal(0),)]
    bot.wait_trading()
    bot.quiesce()
    bot.audit()


def test_a_crash_of_the_price_closes_a_position_by_its_stop_loss(bot: Bot) -> None:
    """The order's cause is the stop loss, on the price of one trade, and it is counted apart from signals."""
    symbol = stop_with_a_position(bot)
    before = bot.count("orders", "cause = 'stop_loss'")
    assert bot.ask("cdb_ws", f"/test/scenario?kind=shock&symbol={symbol}&percent=-6", post=True)[0] == 200
    bot.go_on()
    until(lambda: bot.count("orders", "cause = 'stop_loss'"), holds=lambda now: now > before, what="a stop loss")
    until(lambda: bot.metric("cdb_risk", "cdb_stop_loss_triggered_total"), holds=lambda now: now >= 1)
    bot.ask("cdb_ws", f"/test/scenario?kind=shock&symbol={symbol}&percent=6.38", post=True)
    bot.quiesce()
    bot.audit()


@pytest.mark.usefixtures("reset")
def test_an_operator_stops_purchases_and_closes_everything_while_the_bot_trades(bot: Bot) -> None:
    """The commands act through cdb_risk with the stack's token; what they did is in the ledger, and the audit holds."""
    until(lambda: bot.count("positions", "quantity > 0"), what="an open position")
    tripped = bot.cdb("breaker", "trip", "--yes", "--why", "a test")
    assert tripped.returncode == 0, tripped.stderr
    closed = bot.cdb("flatten", "--yes", "--json")
    assert closed.returncode == 0 or "nothing to close" in closed.stderr, closed.stderr
    until(lambda: bot.count("positions", "quantity > 0"), holds=lambda open_now: not open_now, what="nothing held")
    assert bot.count("operator_actions", "what = 'trip_breaker' AND why = 'a test'") == 1
    assert bot.metric("cdb_risk", "cdb_circuit_breaker_active") == 1
    status, body = bot.ask("cdb_risk", "/operator/flatten", post=True)
    assert (status, "CDB_OPERATOR_TOKEN" in body["error"]) == (401, True)
    bot.quiesce()
    bot.audit()
    assert bot.cdb("breaker", "reset", "--yes").returncode == 0
    bot.go_on()


def test_a_quiet_market_ages_and_nobody_is_ill(bot: Bot) -> None:
    """Staleness grows while nothing happens; health is not about the market."""
    assert bot.ask("cdb_ws", "/test/scenario?kind=stall&seconds=600", post=True)[0] == 200
    until(
        lambda: bot.metric("cdb_risk", "cdb_data_staleness_seconds"), holds=lambda age: age > 2, what="an age over 2 s"
    )
    assert set(bot.health().values()) == {200}
    bot.go_on()
    until(lambda: bot.metric("cdb_risk", "cdb_data_staleness_seconds"), holds=lambda age: age < 1, what="a fresh price")


@pytest.mark.parametrize(
    ("service", "metric"), [("cdb_core", "cdb_signal_errors_total"), ("cdb_execution", "cdb_execution_errors_total")]
)
def test_injected_errors_are_counted_and_lose_no_message(bot: Bot, service: str, metric: str) -> None:
    """Each of the next messages fails once and is handled on its second try."""
    before = bot.metric(service, metric, error_type="injected")
    assert bot.ask(service, "/test/errors?count=3", post=True)[0] == 200
    until(
        lambda: bot.metric(service, metric, error_type="injected") - before,
        holds=lambda more: more == 3,
        what="three injected errors",
    )
    bot.quiesce()
    bot.audit()
    assert not [letter for letter in bot.dead_letters() if letter["reason"] == "handler"]


@pytest.mark.usefixtures("reset")
def test_slow_decisions_are_slow_for_real(bot: Bot) -> None:
    """The ledger's read takes that long, and the histogram shows it."""
    slow = 'le="0.25"'
    assert bot.ask("cdb_risk", "/test/slow-decisions?delay_ms=400&seconds=30", post=True)[0] == 200

    def over_a_quarter() -> float:
        _, text = bot.ask("cdb_risk", "/metrics")
        lines = [line for line in text.splitlines() if line.startswith("cdb_risk_decision_duration_seconds_")]
        count = next(float(line.split()[-1]) for line in lines if "_count" in line)
        return count - next(float(line.split()[-1]) for line in lines if slow in line)

    until(over_a_quarter, what="a decision of more than 0.25 s")


@pytest.mark.parametrize(
    ("service", "path", "named"),
    [
        ("cdb_ws", "/test/scenario", "kind"),
        ("cdb_ws", "/test/scenario?kind=earthquake", "shock, stall, garbage"),
        ("cdb_ws", "/test/scenario?kind=shock&symbol=NOPE&percent=1", "symbol"),
        ("cdb_ws", "/test/scenario?kind=shock&symbol=BTCUSDT&percent=nan", "percent"),
        ("cdb_ws", "/test/scenario?kind=stall&seconds=-1", "seconds"),
        ("cdb_risk", "/test/slow-decisions?delay_ms=x&seconds=1", "delay_ms"),
        ("cdb_risk", "/test/trigger-drawdown?percent=900", "percent"),
        ("cdb_core", "/test/errors?count=0", "count"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(bot: Bot, service: str, path: str, named: str) -> None:
    status, body = bot.ask(service, path, post=True)
    assert status == 400
    assert named in body["error"]


def test_test_endpoints_do_not_exist_unless_switched_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Not even their names."""
    settings = {**LIVELY, "CDB_TEST_ENDPOINTS": "0"}
    with running_bot(tmp_path_factory.mktemp("closed"), settings) as closed:
        for service, path in TEST_ENDPOINTS:
            assert closed.ask(service, path, post=True)[0] == 404, path
