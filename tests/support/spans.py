"""The spans that code under test records. A process can set its tracer provider only once.

Fixture for every test: `spans`, empty at the start of each test.
"""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any, Final

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from telemetry.tracing import SpanProvider
from tests.support.waiting import until


class Spans(SpanProcessor):
    """Stores every span that ends while a test listens."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ended: list[ReadableSpan] = []
        self.listening = False

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Ignore the start."""

    def on_end(self, span: ReadableSpan) -> None:
        with self._lock:
            if self.listening:
                self._ended.append(span)

    def clear(self) -> None:
        with self._lock:
            self._ended.clear()

    def all(self) -> list[ReadableSpan]:
        """All spans that have ended."""
        with self._lock:
            return list(self._ended)

    def named(self, name: str) -> list[ReadableSpan]:
        """Spans called *name* in the order in which they ended."""
        return [span for span in self.all() if span.name == name]

    def names(self) -> list[str]:
        return sorted(span.name for span in self.all())

    def wait(self, name: str, count: int = 1) -> list[ReadableSpan]:
        """Wait until *count* spans called *name* have ended; returns them."""
        until(self.names, holds=lambda seen: seen.count(name) >= count, what=f"{count} spans {name!r}", every_s=0.02)
        return self.named(name)

    def paths(self) -> set[str]:
        """Each span's path from its root, such as 'signal.generate > send signals'.

        The path begins with '?' if a parent is missing or has not ended.
        """
        by_id = {context_of(span).span_id: span for span in self.all()}

        def path(span: ReadableSpan) -> str:
            if span.parent is None:
                return span.name
            parent = by_id.get(span.parent.span_id)
            return f"{path(parent) if parent else '?'} > {span.name}"

        return {path(span) for span in by_id.values()}


def context_of(span: ReadableSpan) -> trace.SpanContext:
    context: trace.SpanContext | None = span.context
    assert context is not None
    return context


def trace_of(span: ReadableSpan) -> str:
    """Trace id of *span* in hexadecimal, as logs and Jaeger show it."""
    return trace.format_trace_id(context_of(span).trace_id)


def times_of(span: ReadableSpan) -> tuple[int, int]:
    """Start and end in nanoseconds since 1970."""
    assert span.start_time is not None
    assert span.end_time is not None
    return span.start_time, span.end_time


def duration_ms(span: ReadableSpan) -> float:
    began, ended = times_of(span)
    return (ended - began) / 1e6


def children(parent: ReadableSpan, spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    """Those of *spans* whose parent is *parent*."""
    return [span for span in spans if span.parent and span.parent.span_id == context_of(parent).span_id]


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


_SPANS: Final = Spans()


@pytest.fixture(scope="session")
def provider() -> SpanProvider:
    """Set the process's tracer provider; OpenTelemetry accepts only one."""
    made = SpanProvider()
    made.add_span_processor(_SPANS)
    trace.set_tracer_provider(made)
    assert trace.get_tracer_provider() is made
    return made


@pytest.fixture
def spans(provider: SpanProvider) -> Iterator[Spans]:
    """Spans that end during this test."""
    assert provider.flags.sampled
    _SPANS.clear()
    _SPANS.listening = True
    yield _SPANS
    _SPANS.listening = False
    _SPANS.clear()
