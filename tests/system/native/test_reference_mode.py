"""The reference mode (CDB_TELEMETRY_RECORDING=sdk): a bot that does as OpenTelemetry's own packages do."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdb.running.native import TRADING
from cdb.trace.jaeger import Jaeger
from cdb.trace.model import DECISION, Span
from telemetry.contract import load_contract
from telemetry.generate.stock_names import stock_names
from tests.support.bot import LIVELY, Bot, running_bot
from tests.support.waiting import until

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Hand out one that trades."""
    settings = {**LIVELY, "CDB_TELEMETRY_RECORDING": "sdk"}
    parts = (*TRADING, "otel_collector", "jaeger")
    with running_bot(Path(tmp_path_factory.mktemp("reference")), settings, parts=parts) as bot:
        bot.wait_trading()
        yield bot


def test_every_services_page_has_the_names_that_the_metrics_reference_gives(bot: Bot) -> None:
    names = stock_names(load_contract())
    for service in ("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution"):
        _, page = bot.ask(service, "/metrics")
        shown = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE cdb_")}
        owned = {names[metric.prometheus] for metric in load_contract().owned_by(service)}
        assert len(shown) >= 10
        assert {name.removesuffix("_total") for name in shown} <= {name.removesuffix("_total") for name in owned}
        assert 'otel_scope_name="cdb"' in page
        assert "target_info{" in page


@pytest.fixture
def jaeger(bot: Bot) -> Iterator[Jaeger]:
    with Jaeger(bot.url("jaeger", "")) as jaeger:
        yield jaeger


@pytest.mark.parametrize(("command", "by"), [("XACK XREADGROUP", "redis"), ("EXECUTE", "psycopg2")])
def test_calls_have_spans_of_the_stock_instrumentations(jaeger: Jaeger, command: str, by: str) -> None:
    """Also those that are nobody's child, such as reading from the bus."""
    found = until(lambda: with_a_span(jaeger, command), within_s=60, what=f"a span {command!r} of cdb_risk")
    scopes = {one.text("otel.scope.name") for one in found if one.name == command}
    assert scopes == {f"opentelemetry.instrumentation.{by}"}


def test_a_trade_has_the_trace_that_it_always_has(jaeger: Jaeger) -> None:
    found = until(lambda: with_a_span(jaeger, DECISION), within_s=60, what="a decision")
    assert {"signal.generate", "send signals", "risk.layer", "risk.write"} <= {span.name for span in found}


def test_it_trades_as_it_always_does(bot: Bot) -> None:
    bot.quiesce()
    bot.audit()


def with_a_span(jaeger: Jaeger, operation: str) -> list[Span]:
    """All spans of a trace in which cdb_risk has done *operation* in the last minute; the longest of them."""
    now_us = int(time.time() * 1e6)
    traces = jaeger.find("cdb_risk", operation=operation, start_us=now_us - 60_000_000, end_us=now_us, limit=20)
    return max(([*trace.spans] for trace in traces), key=len, default=[])
