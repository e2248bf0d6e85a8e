"""What every consumer measures and logs of the messages it handles."""

from collections.abc import Iterable
from decimal import Decimal

import structlog

from services.bus import messaging_spans
from services.bus.entries import DeadEntry, Entry, Outgoing
from services.runtime.handling import Received
from services.topology import DEAD_LETTERS
from telemetry import metrics

log = structlog.get_logger()


def percent(share: Decimal | float | None) -> Decimal | float | None:
    """*share* in percent; None stays None."""
    return None if share is None else share * 100


def published(outgoing: Iterable[Outgoing], dead: Iterable[DeadEntry], took_s: float) -> None:
    """One round trip has put these messages on the bus."""
    for topic in {*(message.stream for message in outgoing), *(DEAD_LETTERS for _ in dead)}:
        metrics.redis_publish_duration_seconds.labels(topic=topic).observe(took_s)


def redelivered(stream: str, count: int) -> None:
    """*count* messages came again that an earlier reader had not acknowledged."""
    metrics.messages_redelivered.labels(stream=stream).inc(count)


def left_out(entry: Entry) -> None:
    """A message was not handled because its writer's clock is ahead of this service's; the clock check logs that."""
    metrics.messages_early.labels(stream=entry.stream).inc()


def put_aside(letter: DeadEntry) -> None:
    """A message became a dead letter."""
    metrics.dead_letters.labels(stream=letter.entry.stream, reason=letter.reason).inc()
    with messaging_spans.current(letter.span):
        log.warning(
            "message put aside",
            stream=letter.entry.stream,
            entry=letter.entry.id,
            reason=letter.reason,
            detail=letter.detail[:200],
        )


def failed(item: Received, error: Exception, *, attempt: int) -> None:
    """A message could not be handled; the traceback is logged at its first attempt only."""
    with messaging_spans.current(item.span):
        log.error(
            "message failed",
            stream=item.entry.stream,
            entry=item.entry.id,
            attempt=attempt,
            error=f"{type(error).__name__}: {error}",
            exc_info=error if attempt == 1 else None,
        )


def record_lost(error: Exception) -> None:
    """Recording or logging something failed, after its effects were safe."""
    log.error("a record was lost", error=f"{type(error).__name__}: {error}", exc_info=error)
