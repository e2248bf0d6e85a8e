"""One client's WebSocket connection, which can freeze, drip and break; and frames that are encoded once for all."""

import asyncio
import socket
import struct
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.server import Server, ServerConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from tests.exchange.record import Meter

if TYPE_CHECKING:
    from tests.exchange.server import ExchangeServer

TOO_SLOW_BYTES: Final = 64 * 1024 * 1024
"""A client that leaves more than this unread is dropped."""
PONG: Final = 0x8A


class Batch:
    """Frames that go to several clients; their bytes are built once."""

    def __init__(self, frames: Sequence[bytes], *, text: bool) -> None:
        self.frames = frames
        self.text = text

    @cached_property
    def raw(self) -> bytes:
        """All frames as a server sends them without compression."""
        opcode = Opcode.TEXT if self.text else Opcode.BINARY
        return b"".join(Frame(opcode, frame).serialize(mask=False) for frame in self.frames)


class Line(ServerConnection):
    """A connection; *flow_at* is when data last flowed or the client last sent a ping, by the loop's clock."""

    def __init__(self, owner: "ExchangeServer", protocol: ServerProtocol, server: Server, **options: Any) -> None:
        super().__init__(protocol, server, **options)
        self.owner = owner
        self.number = 0
        self.channels: set[str] = set()
        self.unit = ""
        self.frozen = False
        self.meter = Meter(owner.limits.messages_per_s, 1.0)
        self.opened_at = self.flow_at = self.loop.time()
        self.why_closed = ""
        self._bits = bytearray()
        self._dripping: asyncio.Task[None] | None = None

    def push(self, batch: Batch) -> None:
        """Send a batch to a client that is there, without waiting for it."""
        if self.protocol.state is not State.OPEN or self.send_in_progress is not None:
            return
        self.flow_at = self.loop.time()
        if not self.protocol.extensions:
            self._put(batch.raw)
        else:
            for frame in batch.frames:
                (self.protocol.send_text if batch.text else self.protocol.send_binary)(frame)
            self.send_data()
        if self.transport.get_write_buffer_size() > TOO_SLOW_BYTES:
            self.cut("too slow")

    def freeze(self) -> None:
        """Neither read nor write any more, while the socket stays open."""
        self.frozen = True
        if self.keepalive_task is not None:
            self.keepalive_task.cancel()

    def cut(self, why: str, *, reset: bool = False) -> None:
        """End the TCP connection without a close frame, either orderly or by a reset."""
        self.why_closed = self.why_closed or why
        if reset:
            plug = self.transport.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.owner.lines.add(self)
        self.frozen = self.owner.faults.half_open

    def connection_lost(self, exc: Exception | None) -> None:
        self.owner.lines.discard(self)
        if self._dripping is not None:
            self._dripping.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.frozen:
            super().data_received(data)

    def send_data(self) -> None:
        writes = self.protocol.data_to_send()
        if self.frozen:
            return
        for data in writes:
            if not data:
                self.transport.write_eof()
            elif data[0] != PONG or not self.owner.faults.mute_pongs:
                self._put(data)

    def _put(self, data: bytes) -> None:
        if self.frozen:
            return
        if not self._bits and not self.owner.faults.drip_bytes:
            self.transport.write(data)
            return
        self._bits += data
        if self._dripping is None or self._dripping.done():
            self._dripping = self.loop.create_task(self._drip())

    async def _drip(self) -> None:
        while self._bits and not self.frozen:
            size = self.owner.faults.drip_bytes or len(self._bits)
            self.transport.write(bytes(self._bits[:size]))
            del self._bits[:size]
            await asyncio.sleep(0.001)
