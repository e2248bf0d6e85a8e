"""Act as an operator: the one way from commands and the console to the endpoints of cdb_risk."""

import time
import uuid
from typing import Any, Final, Self

import httpx
import msgspec

from cdb.kit.errors import Away, Refused
from cdb.kit.http_client import HttpClient
from cdb.kit.printable import cut

_TIMEOUT: Final = httpx.Timeout(60.0, connect=2.0)
_AGAIN_S: Final = 0.5
_PATIENCE_S: Final = 10.0


class Acted(msgspec.Struct):
    """What an action has done, or would do; *details* are its figures, amounts as texts."""

    id: str
    what: str
    subject: str
    who: str
    via: str
    why: str
    preview: bool
    repeated: bool
    at: str | None
    details: dict[str, Any]
    sent: list[dict[str, Any]] = []
    """Of dead letters: what is on its stream again."""


class _Error(msgspec.Struct):
    error: str


class OperatorClient:
    """Asks the cdb_risk at *url* in somebody's name under one id: an action is done once at most.

    Raises Refused if the action is not possible now, Away if nobody answers or the token is another one.
    """

    def __init__(self, url: str, token: str, *, who: str, via: str, why: str = "", action_id: str = "") -> None:
        self._token = token
        self._http = HttpClient(url, name="cdb_risk", timeout=_TIMEOUT)
        self._asking = {"id": action_id or uuid.uuid4().hex, "who": who, "via": via, "why": why}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def preview(self, path: str, **fields: object) -> Acted:
        """What `act` would do."""
        return self._ask(path, {**self._asking, **fields, "preview": True})

    def act(self, path: str, **fields: object) -> Acted:
        """Do it."""
        return self._ask(path, {**self._asking, **fields})

    def _ask(self, path: str, body: dict[str, object]) -> Acted:
        """Ask, and again under the same id if it is not certain what has become of it."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return self._answered(self._http.post(f"/operator/{path}", body, token=self._token))
            except Away as away:
                if isinstance(away.__cause__, httpx.ConnectError) or time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_S)

    def _answered(self, answer: httpx.Response) -> Acted:
        if answer.status_code == httpx.codes.OK:
            return self._http.decoded(Acted, answer)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise Away("cdb_risk refuses CDB_OPERATOR_TOKEN: it was started with another one; restart the stack")
        if answer.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.CONFLICT}:
            raise Refused(self._http.decoded(_Error, answer).error)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Away(f"cdb_risk: {self._http.decoded(_Error, answer).error}")
        raise Away(f"cdb_risk at {self._http.url} answered {answer.status_code}: {cut(answer.text.strip(), 200)}")
