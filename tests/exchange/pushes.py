"""Who listens to which channel, and what each channel has told so far."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tests.exchange.lines import Batch, Line

if TYPE_CHECKING:
    from tests.exchange.server import ExchangeServer


class Pushes:
    """Encodes new deals once per channel and sends the same bytes to all who listen, as far as the faults let it."""

    def __init__(self, server: "ExchangeServer") -> None:
        self._server = server
        self._listeners: dict[str, list[Line]] = {}
        self._told: dict[str, int] = {}
        self._held: list[tuple[Sequence[Line], Batch]] = []

    def listen(self, line: Line, channel: str) -> None:
        """Push a channel's deals to *line* from now on."""
        if channel in line.channels:
            return
        line.channels.add(channel)
        count = self._told.setdefault(channel, self._count(channel))
        self._listeners.setdefault(channel, []).append(line)
        if again := min(count, self._server.faults.again_on_subscribe):
            deals = self._server.market.since(self._server.symbol_of(channel), count - again)[:again]
            self.deliver([line], self._server.encode(channel, deals))

    def unlisten(self, line: Line, channel: str) -> None:
        """Push nothing more of a channel to *line*."""
        line.channels.discard(channel)
        line.flow_at = line.loop.time()
        lines = self._listeners.get(channel, [])
        if line in lines:
            lines.remove(line)
        if not lines:
            self._listeners.pop(channel, None)
            self._told.pop(channel, None)

    def clear(self) -> None:
        """Nobody listens any more."""
        self._listeners.clear()
        self._told.clear()
        self._held.clear()

    def tick(self, last: int, now: int) -> None:
        """Send what was held back, then all that is new and due; times are in hundredths of a second."""
        if self._held and not self._server.faults.hold:
            held, self._held = self._held, []
            for lines, batch in held:
                self._send(lines, batch)
        for channel, lines in self._listeners.items():
            if self._server.is_due(channel, last, now):
                self._push(channel, lines)

    def each(self) -> list[tuple[str, list[Line]]]:
        """All channels and who listens to them."""
        return [(channel, list(lines)) for channel, lines in self._listeners.items()]

    def deliver(self, lines: Sequence[Line], frames: Iterable[bytes]) -> None:
        """Send frames to all of *lines*, spoilt or later as the faults have it."""
        faults = self._server.faults
        spoilt, text = faults.spoil(frames, text=self._server.text)
        if spoilt and faults.unknown_kind:
            spoilt.append(self._server.strange_frame(20))
        self._send(list(lines), Batch(spoilt, text=text))

    def _push(self, channel: str, lines: Sequence[Line]) -> None:
        symbol, told, faults = self._server.symbol_of(channel), self._told[channel], self._server.faults
        count = self._count(channel)
        if count == told:
            return
        self._told[channel] = count
        if not faults.renamed and not faults.covers(faults.silent, symbol):
            self.deliver(lines, self._server.encode(channel, self._server.market.since(symbol, told)))

    def _send(self, lines: Sequence[Line], batch: Batch) -> None:
        if self._server.faults.hold:
            self._held.append((lines, batch))
            return
        for line in lines:
            self._server.record.frames += len(batch.frames)
            line.push(batch)

    def _count(self, channel: str) -> int:
        symbol = self._server.symbol_of(channel)
        return self._server.market.count(symbol) if symbol in self._server.market.listings else 0
