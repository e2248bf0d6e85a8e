"""What the clients of the stack's servers have in common: one server, kept connections, no proxy."""

from types import TracebackType
from typing import Self

import httpx


class HttpClient:
    """Keeps the connections to the server at *url* until it is closed; threads may share it."""

    def __init__(self, url: str, *, timeout: httpx.Timeout, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        # Not by way of a proxy that the environment may name: this is the same machine.
        self._client = httpx.Client(base_url=url, timeout=timeout, trust_env=False, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
