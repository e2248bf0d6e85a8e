"""Asks an exchange over HTTP, slowly enough for its limits, and stops for as long as it says."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import httpx

from services.ws.exchange import report
from services.ws.exchange.protocol import Exchange

ANSWER_WITHIN_S: Final = 5.0
LARGEST_ANSWER: Final = 32 * 1024 * 1024
UNSAID_PAUSE_S: Final = 1.0
UNSAID_BAN_S: Final = 120.0
LONGEST_BAN_S: Final = 3 * 86_400.0
TOO_MANY: Final = 429
BANNED: Final = frozenset({403, 418})
NO_REPLY: Final = "no_reply"


class RestAway(Exception):
    """No answer that can be used; the text says why."""


class RestPauses(RestAway):
    """Nothing was asked, because the exchange has said for how long not to."""


class Budget:
    """Lets *per_s* requests a second begin, *burst* of them at once after a rest, and none while it is banned."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._every_s = 1 / per_s
        self._burst_s = burst / per_s
        self._next = time.monotonic() - self._burst_s
        self._banned_until = 0.0

    def ban(self, seconds: float) -> None:
        """Let nothing begin for *seconds*."""
        self._banned_until = max(self._banned_until, time.monotonic() + min(seconds, LONGEST_BAN_S))

    def banned_s(self) -> float:
        """For how long nothing may begin."""
        return max(0.0, self._banned_until - time.monotonic())

    async def turn(self) -> None:
        """Wait for one's turn; raises RestPauses while banned."""
        if self.banned_s() > 0:
            raise RestPauses(f"asking again in {self.banned_s():.0f} s, as it was told to")
        now = time.monotonic()
        self._next = max(self._next, now - self._burst_s) + self._every_s
        await asyncio.sleep(max(0.0, self._next - now))


class Rest:
    """One exchange's REST interface."""

    def __init__(self, exchange: Exchange) -> None:
        self._budget = Budget(exchange.requests_per_s, exchange.requests_at_once)
        self._client = httpx.AsyncClient(base_url=exchange.rest_url, timeout=ANSWER_WITHIN_S)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Get *path*; raises RestAway."""
        await self._budget.turn()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S), self._client.stream("GET", path, params=query) as answer:
                body = await _whole(answer)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            report.rest_answered(path, NO_REPLY)
            raise RestAway(f"{path}: {_said(error)}") from error
        report.rest_answered(path, str(answer.status_code))
        if answer.status_code != httpx.codes.OK:
            self._obey(answer)
            raise RestAway(f"{path}: answered {answer.status_code}")
        return body

    def _obey(self, answer: httpx.Response) -> None:
        if answer.status_code == TOO_MANY:
            self._budget.ban(_retry_after_s(answer, otherwise=UNSAID_PAUSE_S))
        elif answer.status_code in BANNED:
            self._budget.ban(_retry_after_s(answer, otherwise=UNSAID_BAN_S))


async def _whole(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > LARGEST_ANSWER:
            raise httpx.DecodingError(f"more than {LARGEST_ANSWER} bytes")
    return bytes(body)


def _retry_after_s(answer: httpx.Response, *, otherwise: float) -> float:
    try:
        said_s = float(answer.headers["Retry-After"])
    except (KeyError, ValueError):
        return otherwise
    return said_s if said_s > 0 else otherwise


def _said(error: Exception) -> str:
    return str(error) or f"no answer within {ANSWER_WITHIN_S:.0f} s"
