"""Export of spans: a bounded queue, batches in the background, and a count of lost spans."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, Literal

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

Loss = Literal["queue_full", "export_failed"]

BATCH: Final = 512
SEND_EVERY_MS: Final = 1_000


class BoundedSpans(SpanProcessor):
    """Hands spans to *exporter* in batches. At most *queue_size* spans wait; a span that finds no room is dropped.

    The SDK's own queue drops the oldest spans, which belong to traces already begun, and only logs it. *lost* is called
    for every span that does not arrive.
    """

    def __init__(self, exporter: SpanExporter, *, queue_size: int, lost: Callable[[Loss, int], None]) -> None:
        self._lock = Lock()
        self._waiting = 0
        self._room: Final = queue_size
        self._lost: Final = lost
        self._batches = BatchSpanProcessor(
            _Counted(exporter, self._taken, lost),
            max_queue_size=queue_size,
            schedule_delay_millis=SEND_EVERY_MS,
            max_export_batch_size=min(BATCH, queue_size),
        )

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing until it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue *span*, or count it as lost if there is no room."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._lock:
            fits = self._waiting < self._room
            self._waiting += fits
        if fits:
            self._batches.on_end(span)
        else:
            self._lost("queue_full", 1)

    def shutdown(self) -> None:
        """Send the waiting spans, then stop."""
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send the waiting spans now."""
        return self._batches.force_flush(timeout_millis)

    def _taken(self, count: int) -> None:
        with self._lock:
            self._waiting -= count


class _Counted(SpanExporter):
    """Reports how many spans left the queue, and how many of them did not arrive."""

    def __init__(self, exporter: SpanExporter, taken: Callable[[int], None], lost: Callable[[Loss, int], None]) -> None:
        self._exporter = exporter
        self._taken = taken
        self._lost = lost

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._taken(len(spans))
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._lost("export_failed", len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()
