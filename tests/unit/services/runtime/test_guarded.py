"""Endpoints for operators: nobody acts without the token, and what is wrong with a request is said by name."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.actions import Refused
from services.errors import ServerAway
from services.runtime.guarded import Guarded
from services.runtime.health import Health
from services.runtime.loop_state import LoopState
from services.runtime.requests import NotAnswered
from services.runtime.web import create_app

TOKEN: Final = "t0ken-of-operators"


class Wish(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    kind: Literal["a", "b"] = "a"
    ids: Annotated[list[Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]], msgspec.Meta(max_length=2)] = []
    really: bool = False


class Desk:
    """Notes what was asked, and fails as it is told."""

    def __init__(self) -> None:
        self.seen: list[Wish] = []
        self.error: Exception | None = None

    def act(self, wish: Wish) -> Mapping[str, Any]:
        if self.error:
            raise self.error
        self.seen.append(wish)
        return {"done": wish.name}


def client_of(desk: Desk, token: str = TOKEN) -> FlaskClient:
    app: Flask = create_app("cdb_test", Health(LoopState(), {}, lambda _healthy: None))
    Guarded(app, SecretStr(token)).add("/do", Wish, desk.act)
    return app.test_client()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def post(client: FlaskClient, body: Any, header: str | None = f"Bearer {TOKEN}") -> tuple[int, Any]:
    headers = {} if header is None else {"Authorization": header}
    answer = client.post("/do", data=body if isinstance(body, bytes) else msgspec.json.encode(body), headers=headers)
    return answer.status_code, answer.get_json()


def test_with_the_token_it_is_done(desk: Desk) -> None:
    assert post(client_of(desk), {"name": "x"}) == (200, {"done": "x"})
    assert post(client_of(desk), {"name": "x"}, f"bearer  {TOKEN}")[0] == 200


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer ü"],
)
def test_without_the_token_nothing_is_done_and_the_log_says_who_tried(desk: Desk, header: str | None) -> None:
    with capture_logs() as logged:
        status, said = post(client_of(desk), {"name": "x"}, header)
    assert (status, desk.seen) == (401, [])
    assert "CDB_OPERATOR_TOKEN" in said["error"]
    (line,) = logged
    assert (line["log_level"], line["path"], line["address"]) == ("warning", "/do", "127.0.0.1")
    assert TOKEN not in repr(line)


@pytest.mark.parametrize("header", [None, "Bearer ", f"Bearer {TOKEN}"])
def test_where_no_token_is_configured_nobody_can_act(desk: Desk, header: str | None) -> None:
    status, said = post(client_of(desk, ""), {"name": "x"}, header)
    assert (status, desk.seen) == (503, [])
    assert "cdb env" in said["error"]


def test_a_get_does_nothing(desk: Desk) -> None:
    assert client_of(desk).get("/do?name=x", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405
    assert desk.seen == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the body must be a JSON object"),
        (b"[]", "the body must be a JSON object"),
        (b"\xff", "the body must be a JSON object"),
        (b"[" * 10_000, "the body must be a JSON object"),
        (b'{"name": "\\ud800"}', "the body must be a JSON object"),
        ({}, "name is missing"),
        ({"name": 1}, "name must be a text of 1 to 5 characters; got 1"),
        ({"name": "too long"}, "name must be a text of 1 to 5 characters; got 'too long'"),
        ({"name": "a\nb"}, "name must be printable, on one line"),
        ({"name": "a\0b"}, "name must be printable, on one line"),
        ({"name": "x", "kind": "c"}, "kind must be one of a, b; got 'c'"),
        ({"name": "x", "ids": "1"}, "ids must be a list of up to 2, each a text that matches ^[0-9]+$"),
        ({"name": "x", "ids": ["1", "x"]}, "ids must be a list of up to 2"),
        ({"name": "x", "ids": ["1", "2", "3"]}, "ids must be a list of up to 2"),
        ({"name": "x", "really": 1}, "really must be true or false; got 1"),
        ({"name": "x", "nope": 1}, "nope is unknown; known are name, kind, ids, really"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(desk: Desk, body: Any, says: str) -> None:
    status, said = post(client_of(desk), body)
    assert (status, desk.seen) == (400, [])
    assert says in said["error"]


@pytest.mark.parametrize(
    ("error", "status"),
    [(Refused("not now"), 409), (NotAnswered("too late"), 503), (ServerAway("PostgreSQL", "gone"), 503)],
)
def test_what_cannot_be_done_is_said(desk: Desk, error: Exception, status: int) -> None:
    desk.error = error
    assert post(client_of(desk), {"name": "x"}) == (status, {"error": str(error)})
