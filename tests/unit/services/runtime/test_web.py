"""What a service answers over HTTP, without a server."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from services.errors import InjectedFault, ServerAway
from services.runtime.faults import Faults
from services.runtime.health import Health
from services.runtime.loop_state import LoopState
from services.runtime.web import add_faults_endpoint, add_test_endpoint, create_app, number, text, whole_number


def an_app(state: LoopState | None = None) -> Flask:
    return create_app("cdb_risk", Health(state or LoopState(), {}, lambda _healthy: None))


def answering(action: Callable[[], dict[str, Any]]) -> FlaskClient:
    app = an_app()
    add_test_endpoint(app, "/test/it", action)
    return app.test_client()


def asked_for(reader: Callable[..., object], value: str, **rule: Any) -> tuple[int, Any]:
    reply = answering(lambda: {"value": reader("it", **rule)}).post("/test/it", query_string={"it": value})
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
    assert client.get("/health").get_json()["checks"] == {"loop": "waiting for Redis"}


def test_test_endpoints_are_not_there_unless_added() -> None:
    assert an_app().test_client().post("/test/errors", query_string={"count": "1"}).status_code == 404


def test_test_endpoints_answer_to_post_alone() -> None:
    assert answering(dict).get("/test/it").status_code == 405


def test_parameter_may_come_in_the_address_as_json_or_as_a_form() -> None:
    client = answering(lambda: {"value": whole_number("it", low=1, high=9)})
    replies = [
        client.post("/test/it?it=5"),
        client.post("/test/it", json={"it": 5}),
        client.post("/test/it", data={"it": "5"}),
    ]
    assert [reply.get_json() for reply in replies] == [{"value": 5}] * 3


def test_missing_parameter_is_named_unless_it_has_a_default() -> None:
    client = answering(lambda: {"value": number("it", low=1, high=9)})
    reply = client.post("/test/it")
    assert (reply.status_code, reply.get_json()) == (400, {"error": "it is missing"})
    client = answering(lambda: {"value": number("it", low=1, high=9, default=2.5)})
    assert client.post("/test/it").get_json() == {"value": 2.5}


@pytest.mark.parametrize("value", ["1", "9"])
def test_whole_number_may_be_its_bounds(value: str) -> None:
    assert asked_for(whole_number, value, low=1, high=9) == (200, {"value": int(value)})


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
    status, body = asked_for(whole_number, value, low=1, high=9)
    assert status == 400
    assert body["error"].startswith("it must be a whole number from 1 to 9; got ")


@pytest.mark.parametrize("value", ["0.09", "9.1", "nan", "inf", "-inf", "", "x"])
def test_what_is_no_number_in_its_bounds_is_refused_with_them(value: str) -> None:
    status, body = asked_for(number, value, low=0.1, high=9)
    assert (status, body) == (400, {"error": f"it must be a number from 0.1 to 9; got {value!r}"})


def test_text_that_is_not_offered_is_refused_with_what_is() -> None:
    assert asked_for(text, "shock", allowed=("shock", "stall")) == (200, {"value": "shock"})
    status, body = asked_for(text, "x" * 1000, allowed=("shock", "stall"))
    assert status == 400
    assert body["error"].startswith("it must be one of shock, stall; got 'xxx")
    assert len(body["error"]) < 200


def test_request_beyond_64_kb_is_refused() -> None:
    assert answering(dict).post("/test/it", data=b"x" * 70_000).status_code in (200, 413)
    client = answering(lambda: {"value": whole_number("it", low=1, high=9)})
    assert client.post("/test/it", data={"it": "5" * 70_000}).status_code == 413


def test_server_that_is_away_is_a_503_that_names_it() -> None:
    def away() -> dict[str, Any]:
        raise ServerAway("PostgreSQL", "refused")

    reply = answering(away).post("/test/it")
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
