"""Our encoding of spans is that of OpenTelemetry's exporter, byte for byte."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from telemetry.span_encoding import MOST_KEPT, SpanEncoder

TEXTS = st.text(max_size=300)
SCALARS = st.one_of(TEXTS, st.booleans(), st.integers(), st.floats(), st.binary(max_size=9), st.none())
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(TEXTS, SCALARS, max_size=2))
ATTRIBUTES = st.dictionaries(st.text(min_size=1, max_size=20), VALUES, max_size=6)
CONTEXTS = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.just(TraceFlags(1)),
    st.sampled_from([TraceState(), TraceState([("vendor", "a")])]),
)
TIMES = st.one_of(st.integers(0, 2**64 - 1), st.none())
RESOURCES = [
    Resource.create({"service.name": name}, schema) for name, schema in (("cdb_risk", ""), ("cdb_ws", "https://x"))
]
SCOPES = [None, *(InstrumentationScope(*of) for of in (("cdb", ""), ("cdb", ""), ("redis", "1", "https://y")))]
SPANS = st.builds(
    ReadableSpan,
    name=TEXTS,
    context=CONTEXTS,
    parent=st.one_of(st.none(), CONTEXTS),
    resource=st.sampled_from(RESOURCES),
    attributes=ATTRIBUTES,
    events=st.lists(st.builds(Event, TEXTS, ATTRIBUTES, st.integers(0, 2**63)), max_size=1),
    links=st.lists(st.builds(Link, CONTEXTS, ATTRIBUTES), max_size=1),
    kind=st.sampled_from(SpanKind),
    instrumentation_scope=st.sampled_from(SCOPES),
    status=st.one_of(
        st.builds(Status, st.just(StatusCode.ERROR), TEXTS), st.builds(Status, st.sampled_from(StatusCode))
    ),
    start_time=TIMES,
    end_time=TIMES,
)


def stock(spans: Sequence[ReadableSpan]) -> bytes:
    return bytes(encode_spans(spans).SerializeToString())


@given(st.lists(SPANS, max_size=5))
def test_any_spans_are_encoded_as_the_exporter_does(spans: list[ReadableSpan]) -> None:
    encoder = SpanEncoder()
    assert encoder.encode(spans) == stock(spans)
    assert encoder.encode(spans) == stock(spans)  # what it has kept


def a_span(number: int = 1, **attributes: Any) -> ReadableSpan:
    return ReadableSpan("x", SpanContext(number, number, False), attributes=attributes, start_time=1, end_time=2)


@pytest.mark.parametrize("values", list(itertools.permutations([1, True, 1.0, "1", 0.0, -0.0, 0, False], 2)))
def test_values_that_are_equal_but_not_the_same_are_told_apart(values: tuple[Any, Any]) -> None:
    spans = [a_span(of=value) for value in values]
    assert SpanEncoder().encode(spans) == stock(spans)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "\ud800"])
def test_what_cannot_be_encoded_is_left_out_as_the_exporter_does(value: Any) -> None:
    spans = [a_span(wrong=value, right=1)]
    assert SpanEncoder().encode(spans) == stock(spans)


def test_what_is_kept_is_bounded() -> None:
    encoder = SpanEncoder()
    for number in range(3 * MOST_KEPT):
        encoder.encode([a_span(signal_id=f"s-{number}", symbol="BTCUSDT")])
        assert len(encoder._kept) <= MOST_KEPT
    assert encoder.encode([a_span(symbol="BTCUSDT")]) == stock([a_span(symbol="BTCUSDT")])
