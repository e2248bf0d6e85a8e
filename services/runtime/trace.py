"""The `process {stream}` spans of a batch, once it is known what became of each message."""

from collections.abc import Iterator

from services.bus import messaging_spans
from services.bus.entries import Entry
from services.runtime.handling import Batch, Outcome
from telemetry import tracing
from telemetry.tracing import Planned


def record(batch: Batch, outcome: Outcome, *, group: str, ended_ns: int) -> None:
    """Record a span for each message that has one and is not still in hand."""
    errors = {item.entry.key: type(error).__name__ for item, error in outcome.failed}
    errors |= {letter.entry.key: letter.reason for letter in outcome.dead}
    for entry, span, began_ns in _ended(batch, outcome, ended_ns):
        error = errors.get(entry.key, "")
        messaging_spans.processed(
            span, entry.stream, entry.id, group=group, began_ns=began_ns, ended_ns=ended_ns, error=error
        )


def _ended(batch: Batch, outcome: Outcome, ended_ns: int) -> Iterator[tuple[Entry, Planned, int]]:
    """Yield each entry with its span and when that began.

    A price has no span of its own, but its failure is worth one. A message that could not be read has no duration.
    """
    in_hand = {item.entry.key for item in outcome.deferred if item.span}
    failed = outcome.failed_keys()
    for item in batch.received:
        span = item.span or (tracing.plan() if failed and item.entry.key in failed else None)
        if span and item.entry.key not in in_hand:
            yield item.entry, span, item.read_ns
    read = {item.entry.key for item in batch.received} if outcome.dead else set()
    for letter in outcome.dead:
        if letter.span and letter.entry.key not in read:
            yield letter.entry, letter.span, ended_ns
