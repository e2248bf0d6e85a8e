"""As much HTTP/1.1 as REST clients of an exchange need: GET, keep-alive, a body of known length."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked; header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What is answered; status 0 hangs up instead."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=UTF-8"

    def encoded(self) -> bytes:
        """The answer as HTTP."""
        phrase = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {phrase}", f"Content-Type: {self.content_type}"]
        lines += [f"Content-Length: {len(self.body)}", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    """*value* as an exchange writes it: without spaces."""
    return Answer(status, json.dumps(value, separators=(",", ":")).encode(), headers)


class RestServer:
    """Answers on 127.0.0.1 by *answer*."""

    def __init__(self, answer: Callable[[Request], Awaitable[Answer]]) -> None:
        self.port = 0
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> None:
        """Listen; port 0 is any free one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Drop all connections at once."""
        if self._server:
            self._server.close()
        for client in self._clients:
            client.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        task = asyncio.ensure_future(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := _request(await reader.readuntil(b"\r\n\r\n")):
                answer = await self._answer(request)
                if not answer.status:
                    break
                writer.write(answer.encoded())
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client has left
        finally:
            self._clients.discard(writer)
            writer.close()


def _request(head: bytes) -> Request | None:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    url = urlsplit(rest.rpartition(" ")[0])
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Request(method, url.path, dict(parse_qsl(url.query)), headers) if url.path else None
