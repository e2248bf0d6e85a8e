"""Each thing that happens in a trading bot is measured by the service where it happens."""

from typing import Any

import pytest

from tests.support.bot import Bot
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("service", "metric", "labels"),
    [
        ("cdb_ws", "cdb_redis_publish_duration_seconds_count", {"topic": "market_data"}),
        ("cdb_core", "cdb_redis_publish_duration_seconds_count", {"topic": "signals"}),
        ("cdb_risk", "cdb_redis_publish_duration_seconds_count", {"topic": "orders"}),
        ("cdb_execution", "cdb_redis_publish_duration_seconds_count", {"topic": "fills"}),
        ("cdb_ws", "cdb_event_processing_duration_seconds_count", {"event_type": "market_data"}),
        ("cdb_core", "cdb_event_processing_duration_seconds_count", {"event_type": "market_data"}),
        ("cdb_risk", "cdb_event_processing_duration_seconds_count", {"event_type": "market_data"}),
        ("cdb_risk", "cdb_event_processing_duration_seconds_count", {"event_type": "signal"}),
        ("cdb_risk", "cdb_event_processing_duration_seconds_count", {"event_type": "fill"}),
        ("cdb_execution", "cdb_event_processing_duration_seconds_count", {"event_type": "order"}),
    ],
)
def test_work_of_every_kind_is_timed(bot: Bot, service: str, metric: str, labels: dict[str, str]) -> None:
    until(lambda: bot.metric(service, metric, **labels), what=f"{metric} {labels} of {service}")


def test_an_order_delivered_again_is_answered_with_its_fill_and_counted(bot: Bot) -> None:
    with bot.redis() as client:
        sent: Any = until(lambda: client.xrevrange("orders", count=1), what="an order on the bus")
        before = bot.metric("cdb_execution", "cdb_messages_recovered_total", stream="fills")
        client.xadd("orders", dict(sent[0][1]))
    until(
        lambda: bot.metric("cdb_execution", "cdb_messages_recovered_total", stream="fills"),
        holds=lambda now: now > before,
        what="a fill sent again",
    )
