"""Messages that a service could not process, on Redis: find them, read them, send them again."""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import redis

from services.bus.entries import Key, stream_position
from services.bus.streams import LENGTHS
from services.clock import to_datetime
from services.errors import ServerAway
from services.messages import MESSAGE_TYPES, BadMessage, DeadLetter, decode
from services.topology import DEAD_LETTERS

_PAGE: Final = 500
_MOST: Final = 100_000  # messages that a group has in hand: far more than it ever reads at once

# A script and not MULTI, which would go on to delete the letter if adding the entry failed. Returns the new entry's
# id, or nil if somebody else has sent or removed the letter meanwhile.
_RESEND: Final = """
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return false end
local limit = ARGV[2] == '' and {} or {'MAXLEN', '~', ARGV[2]}
local added = {KEYS[2], unpack(limit)}
for _, word in ipairs({'*', 'data', ARGV[3], 'traceparent', ARGV[4]}) do added[#added + 1] = word end
local id = redis.call('XADD', unpack(added))
redis.call('XDEL', KEYS[1], ARGV[1], unpack(ARGV, 5))
return id
"""


class NotResendable(Exception):
    """A dead letter that cannot be sent again; the text says why."""


@dataclass(frozen=True)
class Letter:
    """One dead letter. content is None if the entry on the dead-letter stream cannot be read itself."""

    id: str
    content: DeadLetter | None
    traceparent: str
    raw: bytes

    @property
    def when(self) -> datetime:
        """Time at which it was put aside; the last that there is if its id says a later one."""
        ns = self.content.ts_event if self.content is not None else stream_position(self.id)[0] * 1_000_000
        try:
            return to_datetime(ns)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)

    @property
    def data(self) -> bytes:
        """The message's own bytes, as far as they were stored."""
        if self.content is None:
            return self.raw
        return base64.b64decode(self.content.data) if self.content.encoding == "base64" else self.content.data.encode()

    @property
    def entry(self) -> Key | None:
        """The entry that it holds; letters of several groups may hold the same one."""
        return None if self.content is None else (self.content.stream, self.content.entry_id)

    def check_resendable(self) -> DeadLetter:
        """Its content. Raises NotResendable."""
        content = self.content
        if content is None:
            raise NotResendable(f"{self.id} is not a dead letter that this version can read")
        if not content.complete:
            raise NotResendable(
                f"{self.id} is incomplete: only {len(self.data)} of its {content.size} bytes were stored"
            )
        if content.stream not in MESSAGE_TYPES or content.stream == DEAD_LETTERS:
            raise NotResendable(f"{self.id} is from {content.stream!r:.80}, which is not a message stream")
        return content


@dataclass(frozen=True)
class Fate:
    """What became of a message that was sent again: the letters that it came back as, the groups that still have it."""

    back: tuple[Letter, ...]
    waiting: tuple[str, ...]


@dataclass(frozen=True)
class Resent:
    """A message that is on its stream again: its new entry, who reads it, and the letters that this settled."""

    letter_id: str
    stream: str
    entry_id: str
    groups: tuple[str, ...]
    settled: tuple[str, ...]


class DeadLetters:
    """The dead letters of one Redis. Every method raises ServerAway if Redis cannot do it now."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis: Any = client

    def count(self) -> int:
        """Count the letters."""
        with _translated():
            return int(self._redis.xlen(DEAD_LETTERS))

    def newest(self, count: int) -> list[Letter]:
        """Read the last *count*, oldest first."""
        with _translated():
            return [_letter(*entry) for entry in reversed(self._redis.xrevrange(DEAD_LETTERS, count=count))]

    def find(self, letter_id: str) -> Letter | None:
        """Find a letter by its id."""
        with _translated():
            found = self._redis.xrange(DEAD_LETTERS, min=letter_id, max=letter_id)
        return _letter(*found[0]) if found else None

    def all(self, *, after: str = "-") -> Iterator[Letter]:
        """Read every letter, or those from the id *after* on, oldest first, in pages."""
        while True:
            with _translated():
                page = self._redis.xrange(DEAD_LETTERS, min=after, count=_PAGE)
            for entry in page:
                yield _letter(*entry)
            if len(page) < _PAGE:
                return
            after = f"({page[-1][0].decode()}"

    def discard(self, letters: Iterable[Letter]) -> int:
        """Delete *letters* with their messages; gives how many were still there."""
        ids = [letter.id for letter in letters]
        with _translated():
            return int(self._redis.xdel(DEAD_LETTERS, *ids)) if ids else 0

    def fates(self, sent: Sequence[Resent]) -> list[Fate]:
        """See what became of messages that were sent again."""
        open_ = {stream: self._open(stream) for stream in {done.stream for done in sent}}
        # In this order: a group puts a letter aside in the same step in which it acknowledges the message.
        letters = (
            list(self.all(after=min(sent, key=lambda done: stream_position(done.letter_id)).letter_id)) if sent else []
        )
        return [
            Fate(
                back=tuple(letter for letter in letters if letter.entry == (done.stream, done.entry_id)),
                waiting=tuple(group for group, has in open_[done.stream].items() if has(done.entry_id)),
            )
            for done in sent
        ]

    def resend(self, letter: Letter, twins: Sequence[str]) -> Resent:
        """Put the message of *letter* back on its stream and remove the letter and its *twins*, in one step.

        Every group of the stream reads it again; for a group that has handled it nothing changes, because ids are
        derived. So *twins* are the ids of the other groups' letters about the same entry. Raises NotResendable.
        """
        content = letter.check_resendable()
        limit = str(LENGTHS.get(content.stream, ""))
        with _translated():
            keys, message = (DEAD_LETTERS, content.stream), (letter.data, letter.traceparent)
            entry_id = self._redis.eval(_RESEND, len(keys), *keys, letter.id, limit, *message, *twins)
            if entry_id is None:
                raise NotResendable(f"{letter.id} no longer exists: another command has resent or deleted it")
            groups = tuple(sorted(row["name"].decode() for row in self._redis.xinfo_groups(content.stream)))
        return Resent(letter.id, content.stream, entry_id.decode(), groups, (letter.id, *twins))

    def _open(self, stream: str) -> dict[str, Callable[[str], bool]]:
        """For each group of *stream*: what tells whether it has an entry still before it."""
        with _translated():
            return {
                row["name"].decode(): _before(
                    row["last-delivered-id"].decode(),
                    {
                        one["message_id"].decode()
                        for one in self._redis.xpending_range(stream, row["name"], "-", "+", _MOST)
                    },
                )
                for row in self._redis.xinfo_groups(stream)
            }


def _before(delivered: str, pending: set[str]) -> Callable[[str], bool]:
    return lambda entry: entry in pending or stream_position(entry) > stream_position(delivered)


def _letter(entry_id: bytes, fields: dict[bytes, bytes]) -> Letter:
    raw = fields.get(b"data", b"")
    try:
        message = decode(DEAD_LETTERS, raw)
    except BadMessage:
        message = None
    content = message if isinstance(message, DeadLetter) else None
    return Letter(entry_id.decode(), content, fields.get(b"traceparent", b"").decode("ascii", "replace"), raw)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise ServerAway("Redis", error) from error
