"""The `process {stream}` spans of a batch, once it is known what became of each message."""

from services.bus import messaging_spans
from services.runtime.handling import Batch, Outcome
from telemetry import tracing


def record(batch: Batch, outcome: Outcome, *, group: str, ended_ns: int) -> None:
    """Record a span for each message that has one and is not still in hand.

    A price has no span of its own, but its failure is worth one. A message that could not be read has no duration.
    """
    errors = {item.entry.key: type(error).__name__ for item, error in outcome.failed}
    unread = {letter.entry.key: letter for letter in outcome.dead}
    errors |= {key: letter.reason for key, letter in unread.items()}
    failed = outcome.failed_keys()
    in_hand = {item.entry.key for item in outcome.deferred}
    for item in batch.received:
        entry = item.entry
        unread.pop(entry.key, None)
        span = item.span or (tracing.plan() if entry.key in failed else None)
        if span and entry.key not in in_hand:
            messaging_spans.processed(
                span,
                entry.stream,
                entry.id,
                group=group,
                began_ns=item.read_ns,
                ended_ns=ended_ns,
                error=errors.get(entry.key, ""),
            )
    for letter in unread.values():
        if letter.span:
            messaging_spans.processed(
                letter.span,
                letter.entry.stream,
                letter.entry.id,
                group=group,
                began_ns=ended_ns,
                ended_ns=ended_ns,
                error=letter.reason,
            )
