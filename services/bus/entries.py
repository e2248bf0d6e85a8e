"""What stands on a stream: an entry as it was read, a message to be sent, a message that nobody can handle."""

import base64
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

import msgspec
from opentelemetry.trace import SpanContext

from services.messages import DeadLetter, Message, decode
from telemetry.tracing import Planned

MAX_MESSAGE_BYTES: Final = 64 * 1024
KEPT_BYTES: Final = 4 * 1024
"""So much of a message is kept in its dead letter; no message of ours is larger."""
_DETAIL_LENGTH: Final = 500

Key = tuple[str, str]
"""What tells one entry from all others: its stream and its id there."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One entry of a stream as it was read. data is None if the entry was trimmed while it waited.

    A bus in memory hands prices on as they are: *message* then is what data would say.
    """

    stream: str
    id: str
    data: bytes | None
    traceparent: str | None
    message: Message | None = None

    @property
    def key(self) -> Key:
        """What tells it from all other entries."""
        return self.stream, self.id

    def read(self) -> Message:
        """The message that it holds. Raises BadMessage."""
        return decode(self.stream, self.data or b"") if self.message is None else self.message


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One message to publish, and the span because of which it is sent."""

    stream: str
    message: Message
    cause: SpanContext | None = None


class DeadEntry(NamedTuple):
    """An entry that nobody can handle, with the reason (a short word) and a sentence for a person."""

    entry: Entry
    reason: str
    detail: str
    span: Planned | None = None


def entries_of(found: Iterable[tuple[bytes, list[tuple[bytes, dict[bytes, bytes] | None]]]]) -> Iterator[Entry]:
    for stream, rows in found or ():
        name = stream.decode()
        for entry_id, fields in rows:
            if not fields:  # no entry is without any field, but the client shows one so that is gone
                yield Entry(name, entry_id.decode(), None, None)
            else:
                trace = fields.get(b"traceparent")
                yield Entry(
                    name,
                    entry_id.decode(),
                    fields.get(b"data", b""),
                    trace.decode("ascii", "replace") if trace else None,
                )


def stream_position(entry_id: str) -> tuple[int, int]:
    """A stream id as a pair that sorts as Redis sorts it."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def dead_letter(dead: DeadEntry, *, group: str, now_ns: int) -> DeadLetter:
    """Make the message that puts *dead* aside; data that is too long is cut, data that is no text becomes base64.

    One that was cut cannot be sent again.
    """
    data = dead.entry.data or b""
    kept = data[:KEPT_BYTES]
    text, encoding = _as_text(kept)
    return DeadLetter(
        ts_event=now_ns,
        ts_init=now_ns,
        stream=dead.entry.stream,
        entry_id=dead.entry.id,
        group=group,
        reason=dead.reason,
        detail=dead.detail[:_DETAIL_LENGTH],
        data=text,
        encoding=encoding,
        size=len(data),
        complete=len(kept) == len(data),
    )


def _as_text(data: bytes) -> tuple[str, Literal["text", "base64"]]:
    try:
        return data.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), "base64"
