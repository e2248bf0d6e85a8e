"""What a consumer hands to a service's handler, and what it gets back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

from services.bus.entries import DeadEntry, Entry, Key, Outgoing
from services.clock import Clock
from services.messages import Message
from telemetry.tracing import Planned


class Received(msgspec.Struct, frozen=True, gc=False):
    """A message with the entry it was read from, when that was (ns), and the span of handling it."""

    entry: Entry
    message: Message
    read_ns: int = 0
    span: Planned | None = None


class Batch(NamedTuple):
    """What one read brought. caught_up: there was nothing more on any stream when it was read."""

    received: list[Received]
    caught_up: bool


@dataclass
class Outcome:
    """What became of a batch. What is in none of dead, failed and deferred was handled and is acknowledged."""

    outgoing: list[Outgoing] = field(default_factory=list)
    dead: list[DeadEntry] = field(default_factory=list)
    failed: list[tuple[Received, Exception]] = field(default_factory=list)
    deferred: list[Received] = field(default_factory=list)
    early: list[Entry] = field(default_factory=list)
    """What a writer whose clock is ahead of ours has sent: counted, and that is all."""
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """What nobody waits for, such as records and log lines: done once everything is published and acknowledged."""

    def put_aside(self, entry: Entry, reason: str, detail: str) -> None:
        """Make *entry* a dead letter; *reason* is a short word, *detail* a sentence for a person."""
        self.dead.append(DeadEntry(entry, reason, detail))

    def put_aside_unknown(self, entry: Entry, symbol: str, known: Iterable[str]) -> None:
        """Make *entry* a dead letter because its symbol is not traded."""
        self.put_aside(entry, "unknown_symbol", f"{symbol!r:.40} is none of {', '.join(sorted(known))}")

    def leaves_out_early(self, item: Received, clock: Clock) -> bool:
        """Whether *item* claims to be from the future and so is not to be handled.

        It becomes a dead letter, unless its writer's clock is ahead, too: then it is no worse than all the others that
        will come until the clock is right, and thousands of letters help nobody.
        """
        message = item.message
        if not clock.is_ahead(message.ts_event):
            return False
        if clock.is_ahead(message.ts_init):
            self.early.append(item.entry)
        else:
            self.put_aside(item.entry, "bad_message", f"ts_event {message.ts_event} is in the future")
        return True

    def add(self, other: "Outcome") -> None:
        """Take over what became of another part of the batch."""
        self.outgoing += other.outgoing
        self.dead += other.dead
        self.failed += other.failed
        self.deferred += other.deferred
        self.early += other.early
        self.afterwards += other.afterwards

    def failed_keys(self) -> set[Key]:
        """Messages that will be tried again."""
        return {item.entry.key for item, _ in self.failed}

    def open_keys(self) -> set[Key]:
        """Messages that are not to be acknowledged as handled."""
        deferred = {item.entry.key for item in self.deferred}
        return deferred | self.failed_keys() | {letter.entry.key for letter in self.dead}


class Handler(Protocol):
    """What a service does with what it reads. May raise ServerAway at any point; it is called again with the same."""

    streams: Sequence[str]

    def handle(self, batch: Batch) -> Outcome:
        """Bring about the effects of *batch*; repeating it must have no further effect."""
        ...

    def housekeep(self) -> list[Outgoing]:
        """Do what is due about every second; the messages it returns are published."""
        ...

    def close(self) -> None:
        """Keep what would be lost with the process; called once after the last batch."""
        ...
