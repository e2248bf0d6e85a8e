"""What a service answers over HTTP, without a server."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from msgspec import Meta

from services.errors import InjectedFault, ServerAway
from services.runtime.faults import Faults
from services.runtime.health import Health
from services.runtime.loop_state import LoopState
from services.runtime.web import add_faults_endpoint, add_test_endpoint, create_app


def an_app(state: LoopState | None = None) -> Flask:
    return create_app("cdb_risk", Health(state or LoopState(), {}, lambda _healthy: None))


class Whole(msgspec.Struct):
    it: Annotated[int, Meta(ge=1, le=9)]


class Real(msgspec.Struct):
    it: Annotated[float, Meta(ge=0.1, le=9)]


class WithDefault(msgspec.Struct):
    it: Annotated[float, Meta(ge=1, le=9)] = 2.5


class Offered(msgspec.Struct):
    it: Literal["shock", "stall"]


class Anything(msgspec.Struct):
    pass


def answering(kind: type[msgspec.Struct]) -> FlaskClient:
    app = an_app()
    add_test_endpoint(app, "/test/it", kind, lambda asked: {"value": getattr(asked, "it", None)})
    return app.test_client()


def asked_for(kind: type[msgspec.Struct], value: str) -> tuple[int, Any]:
    reply = answering(kind).post("/test/it", query_string={"it": value})
    return reply.status_code, reply.get_json()


def test_health_is_200_only_while_the_loop_runs_and_names_the_failing_check_otherwise() -> None:
    state = LoopState()
    client = an_app(state).test_client()
    starting = client.get("/health")
    assert (starting.status_code, starting.get_json()["checks"]) == (503, {"loop": "starting"})
    state.turned()
    running = client.get("/health")
    assert (running.status_code, running.get_json()) == (
        200,
        {"status": "ok", "service": "cdb_risk", "checks": {"loop": "ok"}},
    )
    state.waits_for(ServerAway("Redis", "refused"))
    assert client.get("/health").get_json()["checks"] == {"loop": "waiting for Redis: refused"}


def test_test_endpoints_are_not_there_unless_added() -> None:
    assert an_app().test_client().post("/test/errors", query_string={"count": "1"}).status_code == 404


def test_test_endpoints_answer_to_post_alone() -> None:
    assert answering(Anything).get("/test/it").status_code == 405


def test_parameter_may_come_in_the_address_as_json_or_as_a_form() -> None:
    client = answering(Whole)
    replies = [
        client.post("/test/it?it=5"),
        client.post("/test/it", json={"it": 5}),
        client.post("/test/it", data={"it": "5"}),
    ]
    assert [reply.get_json() for reply in replies] == [{"value": 5}] * 3


def test_missing_parameter_is_named_unless_it_has_a_default() -> None:
    client = answering(Real)
    reply = client.post("/test/it")
    assert (reply.status_code, reply.get_json()) == (400, {"error": "it is missing"})
    client = answering(WithDefault)
    assert client.post("/test/it").get_json() == {"value": 2.5}


@pytest.mark.parametrize("value", ["1", "9"])
def test_whole_number_may_be_its_bounds(value: str) -> None:
    assert asked_for(Whole, value) == (200, {"value": int(value)})


NOT_WHOLE = ["0", "10", "-5", "1.5", "", "x", "1e3", "nan", "\u00b2"]


@pytest.mark.parametrize(
    "value",
    [
        *NOT_WHOLE,
        "--5",
        pytest.param("9" * 5_000, id="5,000 digits"),
    ],
)
def test_what_is_no_whole_number_in_its_bounds_is_refused_with_them(value: str) -> None:
    status, body = asked_for(Whole, value)
    assert status == 400
    assert body["error"].startswith("it must be a whole number from 1 to 9; got ")


@pytest.mark.parametrize("value", ["0.09", "9.1", "nan", "inf", "-inf", "", "x"])
def test_what_is_no_number_in_its_bounds_is_refused_with_them(value: str) -> None:
    status, body = asked_for(Real, value)
    assert (status, body) == (400, {"error": f"it must be a number from 0.1 to 9; got {value!r}"})


def test_text_that_is_not_offered_is_refused_with_what_is() -> None:
    assert asked_for(Offered, "shock") == (200, {"value": "shock"})
    status, body = asked_for(Offered, "x" * 1000)
    assert status == 400
    assert body["error"].startswith("it must be one of shock, stall; got 'xxx")
    assert len(body["error"]) < 200


def test_request_beyond_64_kb_is_refused() -> None:
    assert answering(Anything).post("/test/it", data=b"x" * 70_000).status_code in (200, 413)
    client = answering(Whole)
    assert client.post("/test/it", data={"it": "5" * 70_000}).status_code == 413


def test_server_that_is_away_is_a_503_that_names_it() -> None:
    def away(_asked: Anything) -> dict[str, Any]:
        raise ServerAway("PostgreSQL", "refused")

    app = an_app()
    add_test_endpoint(app, "/test/it", Anything, away)
    reply = app.test_client().post("/test/it")
    assert (reply.status_code, reply.get_json()) == (503, {"error": "PostgreSQL: refused"})


def test_as_many_messages_fail_as_was_asked_for_each_once() -> None:
    faults = Faults()
    app = an_app()
    add_faults_endpoint(app, faults.order)
    faults.raise_if_due("1-0")
    reply = app.test_client().post("/test/errors", query_string={"count": "2"})
    assert reply.get_json() == {"count": 2}
    with pytest.raises(InjectedFault):
        faults.raise_if_due("1-0")
    faults.raise_if_due("1-0")
    with pytest.raises(InjectedFault):
        faults.raise_if_due("2-0")
    faults.raise_if_due("3-0")
