"""Limits that an operator has set reach whoever compares with them: alerts, their texts, and what panels ask for."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cdb.running.native import Stack, StackConfig, select
from tests.support.bot import Bot
from tests.support.fast_copy import FAST_EXPORTS, make_fast_copy
from tests.support.programs import require_parts
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

PARTS: Final = ("redis", "postgres", "migrate", "cdb_risk", "otel_collector", "prometheus")
LIMITS: Final = {"MAX_DAILY_DRAWDOWN_PCT": "0.03", "MAX_POSITION_PCT": "0.30", "MAX_EXPOSURE_PCT": "0.9"}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Hand out a risk manager with limits of its own, watched ten times as fast."""
    place = tmp_path_factory.mktemp("limits")
    root = make_fast_copy(place / "fast-copy")
    settings = {**FAST_EXPORTS, **LIMITS}
    stack = Stack(StackConfig.isolated(root, place / "state", parts=select(PARTS), environment=settings))
    require_parts(stack.config)
    try:
        with stack:
            yield Bot(stack)
    finally:
        stack.remove()


def in_force(bot: Bot) -> dict[str, float]:
    answer = bot.prometheus("query", query="limit:cdb_risk_limit_pct:in_force")
    return {one["metric"]["limit"]: float(one["value"][1]) for one in answer["result"]}


def firing(bot: Bot) -> dict[str, dict[str, Any]]:
    return {
        one["labels"]["alertname"]: one["annotations"]
        for one in bot.prometheus("alerts")["alerts"]
        if one["state"] == "firing"
    }


def test_a_loss_above_the_limit_that_was_set_fires_and_names_it(bot: Bot) -> None:
    wanted = {"daily_drawdown": 3.0, "position": 30.0, "exposure": 90.0}
    until(lambda: in_force(bot), holds=lambda seen: seen == wanted, what=f"{wanted} in Prometheus")
    assert bot.ask("cdb_risk", "/test/trigger-drawdown?percent=4.15", post=True)[0] == 200
    name = "DailyDrawdownLimitExceeded"
    until(lambda: firing(bot), holds=lambda seen: name in seen, within_s=60, what=f"{name} firing")
    told = firing(bot)[name]
    assert told["summary"] == "Daily drawdown is above 3 %"
    assert told["description"].endswith("(equity at 00:00 UTC or at the last reset); the limit is 3 %.")


def test_limits_stay_in_force_while_the_risk_manager_is_away(bot: Bot) -> None:
    """The collector forgets its series; what is compared with does not fall back to the defaults."""
    bot.stack.stop_part("cdb_risk")
    gone = {"query": "cdb_risk_limit_pct"}
    until(lambda: bot.prometheus("query", **gone)["result"], holds=lambda seen: not seen, within_s=60, what="no series")
    assert in_force(bot) == {"daily_drawdown": 3.0, "position": 30.0, "exposure": 90.0}
