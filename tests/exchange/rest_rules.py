"""REST as an exchange guards it: limits, bans, and the faults that answers suffer."""

import asyncio
import time
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from tests.exchange.faults import HTML
from tests.exchange.record import Call, Meter
from tests.exchange.rest import Answer, Request, as_json

if TYPE_CHECKING:
    from tests.exchange.server import ExchangeServer

BAN_AFTER: Final = 10
"""So many requests after a 429, before its time is over, lead to a ban."""

INSTEAD: Final = {
    "html": Answer(200, HTML, content_type="text/html; charset=UTF-8"),
    "empty": as_json([]),
    "object": as_json({"code": 700003, "msg": "Timestamp for this request is outside of the recvWindow."}),
}


class RestError(Exception):
    """What the exchange says about a wrong request: its code and text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class RestRules:
    """Decides how each request is answered, and notes it."""

    def __init__(self, server: "ExchangeServer") -> None:
        self._server = server
        self._limits = server.limits.rest
        self._meter = Meter(self._limits.most, self._limits.seconds)
        self._refused = 0
        self._banned_until = 0.0

    async def answer(self, request: Request) -> Answer:
        """Answer as limits and faults have it."""
        answer = self._over_limit(request) or await self._faulty(request)
        self._server.record.calls.append(Call(time.monotonic(), request.path, request.query, answer.status))
        return answer

    def _over_limit(self, request: Request) -> Answer | None:
        banned_s = self._banned_until - time.monotonic()
        if banned_s > 0:
            return refusal(self._limits.banned, banned_s)
        if self._meter.allows(self._limits.weights.get(request.path, 1)):
            self._refused = 0
            return None
        self._refused += 1
        if self._refused > BAN_AFTER:
            self._banned_until = time.monotonic() + self._limits.ban_s
        return refusal(429, self._meter.free_in_s())

    async def _faulty(self, request: Request) -> Answer:
        faults = self._server.faults
        await asyncio.sleep(faults.rest_slow_s)
        if faults.rest_hangs_up:
            return Answer(0)
        if faults.rest_status:
            return refusal(faults.rest_status, faults.retry_after_s)
        if faults.rest_body in INSTEAD:
            return INSTEAD[faults.rest_body]
        answer = self._rows(request)
        half = answer.body[: len(answer.body) // 2]
        return answer if faults.rest_body != "broken" else Answer(answer.status, half)

    def _rows(self, request: Request) -> Answer:
        micros = request.headers.get("x-mbx-time-unit", "").upper() == "MICROSECOND"
        try:
            return as_json(self._server.rest_rows(request.path, request.query, micros=micros))
        except RestError as error:
            return as_json({"code": error.code, "msg": str(error)}, status=400)
        except ValueError:
            return as_json({"code": -1100, "msg": "Illegal characters found in a parameter."}, status=400)
        except KeyError:
            return as_json({"error": "Not Found", "path": request.path}, status=404)


def refusal(status: int, retry_s: float) -> Answer:
    """An answer without content; *retry_s* above 0 is told in Retry-After, in whole seconds, rounded up."""
    told = {"Retry-After": str(-int(-retry_s // 1))} if retry_s > 0 and status in (403, 418, 429) else {}
    return as_json({"code": status, "msg": HTTPStatus(status).phrase}, status=status, **told)


def written(value: Decimal, *, zeros: bool, places: int | None = None) -> str:
    """*value* without an exponent, with so many *places*; with *zeros*, there are more at its end."""
    if zeros:
        return f"{value:.{max(12, -int(value.as_tuple().exponent))}f}"
    return f"{value:f}" if places is None else f"{value:.{places}f}"
