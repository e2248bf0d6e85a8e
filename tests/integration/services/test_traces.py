"""The trace from a signal to its fill, on a real Redis and a real ledger: its shape, what it says, what makes none."""

from collections.abc import Iterator

import pytest
import redis
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.trace import SpanKind, StatusCode

from services.errors import InjectedFault
from services.messages import is_stream_id
from services.risk.acting import Asked
from services.risk.rules import LAYERS
from telemetry.span_encoding import SpanEncoder
from tests.integration.services.service_threads import ServiceThreads, service_threads
from tests.support.building import an_action
from tests.support.servers import Database, Servers
from tests.support.spans import Spans, attributes, children, context_of, duration_ms, times_of, trace_of
from tests.support.waiting import until

pytestmark = pytest.mark.integration

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
GOOD = f"00-{TRACE_ID}-b7ad6b7169203331-01"
TO_DECISION = "signal.generate > send signals > process signals > risk.decide"
TO_FILL = f"{TO_DECISION} > send orders > process orders > order.execute"
WHOLE_TRADE = {
    "signal.generate",
    "signal.generate > send signals",
    "signal.generate > send signals > process signals",
    TO_DECISION,
    f"{TO_DECISION} > risk.layer",
    f"{TO_DECISION} > risk.write",
    f"{TO_DECISION} > send orders",
    f"{TO_DECISION} > send orders > process orders",
    TO_FILL,
    f"{TO_FILL} > execution.write",
    f"{TO_FILL} > send fills",
    f"{TO_FILL} > send fills > process fills",
}
HOSTILE: dict[str, dict[str, str | bytes]] = {
    "missing": {},
    "empty": {"traceparent": ""},
    "10 KB": {"traceparent": GOOD + "x" * 10_000},
    "control characters": {"traceparent": "\x00\x1b[31m" + GOOD},
    "a line's end": {"traceparent": GOOD + "\n"},
    "forbidden version": {"traceparent": GOOD.replace("00-", "ff-", 1)},
    "no trace": {"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-01"},
    "no span": {"traceparent": f"00-{TRACE_ID}-{'0' * 16}-01"},
    "no UTF-8": {"traceparent": b"\xff\xfe\x80" + GOOD.encode()},
    "digits of another script": {"traceparent": GOOD.replace("0", "\u0660")},
    "twice": {"traceparent": f"{GOOD},{GOOD}"},
}


@pytest.fixture
def services(servers: Servers, database: Database, bus_client: redis.Redis, spans: Spans) -> Iterator[ServiceThreads]:
    """Give the three services on an empty bus, not started yet."""
    assert not bus_client.keys()
    assert not spans.all()
    with service_threads(servers, database) as made:
        yield made


def a_signal_of_core(services: ServiceThreads) -> None:
    """Let core find a signal by itself: the price rises by 1 %."""
    services.price("100")
    services.price("101")


def whole_trade(spans: Spans) -> None:
    """Wait for all spans of one trade. Each process records its own, so the last to come may be any.

    On a slow machine risk sends the order twice; then some are there twice.
    """
    until(spans.paths, holds=lambda seen: seen == WHOLE_TRADE, what="all spans of one trade, and no orphan")


def test_one_trace_leads_from_the_signal_to_its_fill_without_an_orphan(services: ServiceThreads, spans: Spans) -> None:
    """Creation contexts are parents, so one id finds everything; what led to nothing before is not there."""
    services.start()
    for price in ("100", "100.01", "100.02"):
        services.price(price)
    a_signal_of_core(services)
    whole_trade(spans)
    assert len({trace_of(span) for span in spans.all()}) == 1


def test_a_span_lies_within_the_time_of_the_parent_that_waits_for_it(services: ServiceThreads, spans: Spans) -> None:
    """Only what another process does comes after its parent has ended."""
    services.start()
    a_signal_of_core(services)
    whole_trade(spans)
    looked_at = set()
    for parent in [*spans.named("risk.decide"), *spans.named("order.execute")]:
        for child in children(parent, spans.all()):
            if child.kind is not SpanKind.PRODUCER:
                (began, ended), (child_began, child_ended) = times_of(parent), times_of(child)
                assert began <= child_began <= child_ended <= ended, child.name
                looked_at.add(child.name)
    assert looked_at == {"risk.layer", "risk.write", "execution.write"}


def test_all_spans_of_a_trade_are_exported_as_opentelemetrys_exporter_would(
    services: ServiceThreads, spans: Spans
) -> None:
    services.faults.order(1)
    services.start()
    a_signal_of_core(services)
    spans.wait("process fills")
    made = spans.all()
    assert SpanEncoder().encode(made) == encode_spans(made).SerializeToString()


def test_hops_carry_the_messaging_conventions_and_steps_those_of_databases(
    services: ServiceThreads, spans: Spans
) -> None:
    """Names are OpenTelemetry's, so tools know what they see; arguments of statements are nowhere."""
    services.start()
    a_signal_of_core(services)
    whole_trade(spans)
    sent = spans.named("send orders")[0]
    processed = children(sent, spans.all())[0]
    hop = {"messaging.system": "redis", "messaging.destination.name": "orders"}
    entry_id = attributes(sent)["messaging.message.id"]
    assert is_stream_id(entry_id)
    assert sent.kind is SpanKind.PRODUCER
    assert attributes(sent) == hop | {
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.message.id": entry_id,
    }
    assert processed.kind is SpanKind.CONSUMER
    assert attributes(processed) == hop | {
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": entry_id,
        "messaging.consumer.group.name": "cdb_execution",
    }
    (write,) = spans.named("execution.write")
    assert write.kind is SpanKind.CLIENT
    assert attributes(write) == {
        "db.system.name": "postgresql",
        "db.operation.name": "EXECUTE",
        "db.query.summary": "EXECUTE execution_write",
        "cdb.batch_size": 1,
    }
    assert not [span for span in spans.all() if "db.statement.parameters" in attributes(span)]


def test_a_decision_says_all_that_one_would_search_for(services: ServiceThreads, spans: Spans) -> None:
    """Money is in the quote asset, as in the ledger's row of the decision."""
    services.start()
    a_signal_of_core(services)
    whole_trade(spans)
    (decided,) = spans.named("risk.decide")
    found = attributes(decided)
    exposure_after = found.pop("cdb.exposure_after")
    assert found == {
        "cdb.symbol": "BTCUSDT",
        "cdb.side": "BUY",
        "cdb.strategy": "momentum_v1",
        "cdb.signal_id": "BTCUSDT:momentum_v1:2",
        "cdb.order_id": "order:BTCUSDT:momentum_v1:2",
        "cdb.verdict": "approved",
        "cdb.equity": 100_000.0,
        "cdb.exposure_before": 0.0,
    }
    assert exposure_after == pytest.approx(8_500, abs=0.01)
    layers = [attributes(layer) for layer in spans.named("risk.layer")]
    assert layers == [{"cdb.layer": number, "cdb.result": "passed"} for number in range(1, len(LAYERS) + 1)]
    (executed,) = spans.named("order.execute")
    found = attributes(executed)
    assert {name: found[name] for name in ("cdb.order_id", "cdb.cause", "cdb.outcome", "cdb.fill_id")} == {
        "cdb.order_id": "order:BTCUSDT:momentum_v1:2",
        "cdb.cause": "signal",
        "cdb.outcome": "filled",
        "cdb.fill_id": "fill:order:BTCUSDT:momentum_v1:2",
    }
    assert found["cdb.price"] == pytest.approx(101, rel=0.01)


def test_a_rejection_is_no_error_and_names_its_reason_and_layer(services: ServiceThreads, spans: Spans) -> None:
    """Nothing failed: the bot did what it is there for."""
    services.start("cdb_risk")
    services.signal("BUY", {})
    services.signal("BUY", {})  # the first, not filled yet, is in flight
    services.signal("SELL", {})
    spans.wait("process signals", 3)
    verdicts = {attributes(each)["cdb.signal_id"]: attributes(each) for each in spans.named("risk.decide")}
    said = [
        tuple(found.get(f"cdb.{name}") for name in ("verdict", "reason", "layer"))
        for _, found in sorted(verdicts.items())
    ]
    assert said == [
        ("approved", None, None),
        ("rejected", "POSITION_SIZE_EXCEEDED", 5),
        ("rejected", "NO_POSITION", None),
    ]
    assert [attributes(layer)["cdb.result"] for layer in spans.named("risk.layer")].count("failed") == 1
    assert {span.status.status_code for span in spans.all()} == {StatusCode.UNSET}


def test_a_traceparent_that_is_none_starts_a_trace_of_its_own_and_trading_goes_on(
    services: ServiceThreads, spans: Spans
) -> None:
    """Whatever the field holds, the signal is decided, and the next one is filled."""
    services.start("cdb_risk", "cdb_execution")
    signal_ids = {services.signal("SELL", fields): what for what, fields in HOSTILE.items()}
    services.signal("BUY", {"traceparent": "nonsense"})
    spans.wait("order.execute")
    until(lambda: len(spans.named("process signals")), holds=lambda seen: seen == len(HOSTILE) + 1, what="all handled")
    processed = {context_of(span).span_id: span for span in spans.named("process signals")}
    seen = {TRACE_ID, "0" * 32}
    for decided in spans.named("risk.decide"):
        what = signal_ids.get(attributes(decided)["cdb.signal_id"], "nonsense")
        assert decided.parent is not None, what
        parent = processed[decided.parent.span_id]
        assert parent.parent is None, what
        assert trace_of(parent) not in seen, what
        seen.add(trace_of(parent))
    assert len(seen) == len(HOSTILE) + 3


def test_a_good_traceparent_is_gone_on_with(services: ServiceThreads, spans: Spans) -> None:
    """A stranger's signal shows in the stranger's trace."""
    services.start("cdb_risk")
    services.signal("BUY", {"traceparent": GOOD})
    (processed,) = spans.wait("process signals")
    assert processed.parent is not None
    assert (trace_of(processed), processed.parent.span_id) == (TRACE_ID, 0xB7AD6B7169203331)


def test_slowness_shows_as_the_biggest_child_of_the_decision(services: ServiceThreads, spans: Spans) -> None:
    """An operator's question is which part was slow; the answer is the child that took the time."""
    services.delay_s = 0.2
    services.start("cdb_risk")
    services.signal("BUY", {})
    spans.wait("process signals")
    (decided,) = spans.named("risk.decide")
    biggest = max(children(decided, spans.all()), key=duration_ms)
    assert biggest.name == "risk.read_state"
    assert duration_ms(biggest) > 190
    assert duration_ms(decided) >= duration_ms(biggest)


def test_signals_decided_together_have_traces_of_their_own_that_explain_themselves(
    services: ServiceThreads, spans: Spans
) -> None:
    """One statement read and one wrote for both; each trace has them with the same times, and its own layers."""
    services.signal("BUY", {"traceparent": GOOD})
    services.signal("BUY", {}, symbol="ETHUSDT")
    services.delay_s = 0.05
    services.start("cdb_risk")
    first, second = sorted(spans.wait("risk.decide", 2), key=lambda span: attributes(span)["cdb.signal_id"])
    spans.wait("process signals", 2)
    assert trace_of(first) != trace_of(second)
    reads = [child for span in (first, second) for child in children(span, spans.named("risk.read_state"))]
    assert len(reads) == 2
    assert len({(read.start_time, read.end_time) for read in reads}) == 1
    assert [attributes(read)["cdb.batch_size"] for read in reads] == [2, 2]
    assert [len(children(span, spans.named("risk.layer"))) for span in (first, second)] == [len(LAYERS)] * 2


def test_an_injected_error_is_an_error_and_the_next_try_goes_on_in_its_trace(
    services: ServiceThreads, spans: Spans
) -> None:
    """The failed try and the one that worked stand side by side below what was sent."""
    services.faults.order(1)
    services.start("cdb_risk", "cdb_execution")
    services.signal("BUY", {})
    (executed,) = spans.wait("order.execute")
    spans.wait("process orders", 2)
    (failed,) = (span for span in spans.named("process orders") if span.status.status_code is StatusCode.ERROR)
    assert attributes(failed)["error.type"] == InjectedFault.__name__
    assert executed.parent is not None
    (worked,) = (s for s in spans.named("process orders") if context_of(s).span_id == executed.parent.span_id)
    assert worked.status.status_code is StatusCode.UNSET
    assert trace_of(worked) == trace_of(failed)


def test_a_price_that_fails_makes_a_span_because_it_failed(services: ServiceThreads, spans: Spans) -> None:
    """An error is never dropped only because it concerns no signal."""
    services.core_faults.order(1)
    services.start("cdb_core")
    services.price("100")
    (failed,) = spans.wait("process market_data")
    assert (failed.parent, failed.status.status_code) == (None, StatusCode.ERROR)


def test_a_message_that_nobody_can_read_is_an_error_in_its_trace(services: ServiceThreads, spans: Spans) -> None:
    """The dead letter keeps the trace, so sending it again goes on there."""
    services.start("cdb_risk")
    services.client.xadd("signals", {"data": b"{", "traceparent": GOOD})
    (failed,) = spans.wait("process signals")
    assert (failed.status.status_code, attributes(failed)["error.type"]) == (StatusCode.ERROR, "bad_message")
    assert trace_of(failed) == TRACE_ID
    ((_, letter),) = services.entries("dead_letters")
    assert letter[b"traceparent"] == GOOD.encode()


def test_a_stop_loss_starts_its_own_trace_with_the_ledgers_statement_and_the_fill_below_it(
    services: ServiceThreads, spans: Spans
) -> None:
    """Nobody's signal led to it. Its one statement is the psycopg2 instrumentation's span, without arguments."""
    services.start("cdb_risk", "cdb_execution")
    services.signal("BUY", {})
    spans.wait("process fills")
    services.price("90")
    (stopped,) = spans.wait("risk.stop_loss")
    spans.wait("order.execute", 2)
    assert stopped.parent is None
    assert attributes(stopped)["cdb.symbol"] == "BTCUSDT"
    (statement,) = (child for child in children(stopped, spans.all()) if child.name != "send orders")
    assert statement.name.startswith("INSERT")
    found = attributes(statement)
    assert (found["db.system.name"], "%s" in found["db.query.text"]) == ("postgresql", True)
    assert not any("stop:position" in str(value) for value in found.values()), found
    (filled,) = (span for span in spans.named("order.execute") if trace_of(span) == trace_of(stopped))
    assert attributes(filled)["cdb.cause"] == "stop_loss"


def test_what_an_operator_closes_starts_its_own_trace_with_each_fill_below_it(
    services: ServiceThreads, spans: Spans
) -> None:
    services.start("cdb_risk", "cdb_execution")
    services.signal("BUY", {})
    services.signal("BUY", {}, symbol="ETHUSDT")
    spans.wait("process fills", 2)
    assert services.operators is not None
    services.operators.ask(Asked(an_action()), within_s=30)
    (flattened,) = spans.wait("operator.flatten")
    spans.wait("order.execute", 4)
    assert flattened.parent is None
    assert (attributes(flattened)["cdb.action_id"], attributes(flattened)["cdb.orders"]) == ("action-1", 2)
    assert sorted(child.name.split()[0] for child in children(flattened, spans.all())) == [
        "INSERT",
        "INSERT",
        "send",
        "send",
    ]
    filled = [span for span in spans.named("order.execute") if trace_of(span) == trace_of(flattened)]
    assert [attributes(span)["cdb.cause"] for span in filled] == ["operator"] * 2
