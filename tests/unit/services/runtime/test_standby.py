"""A process on standby is well, silent, and sends whoever asks to the one that works."""

import pytest
from flask import Flask

from services.bus.client import AnotherCopy
from services.bus.only_one import OnlyOne
from services.errors import ServerAway, Standby
from services.runtime.health import Health
from services.runtime.loop_state import LoopState
from services.runtime.retry import retry
from services.runtime.web import create_app, pass_on

AWAY = ServerAway("Redis", "connection refused")
WAITS = Standby("another process works as cdb_risk")


def an_app(state: LoopState, *, works_at: str) -> Flask:
    app = create_app("cdb_risk", Health(state, {}, lambda _healthy: None))
    pass_on(app, state, lambda: works_at)
    app.add_url_rule("/operator/trip", view_func=lambda: "done", methods=["POST"])
    return app


def test_a_standby_is_healthy_and_says_what_it_is() -> None:
    state = LoopState()
    state.waits_for(WAITS)
    reply = an_app(state, works_at="").test_client().get("/health")
    assert (reply.status_code, reply.get_json()["status"]) == (200, "standby")
    state.turned()
    assert an_app(state, works_at="").test_client().get("/health").get_json()["status"] == "ok"


def test_a_standby_that_lacks_a_server_is_not_well() -> None:
    state = LoopState()
    state.waits_for(WAITS)
    state.waits_for(AWAY)
    reply = an_app(state, works_at="").test_client().get("/health")
    assert (reply.status_code, reply.get_json()["status"]) == (503, "error")


def test_only_the_one_that_works_reports() -> None:
    state = LoopState()
    assert not state.reports.is_set(), "nobody knows yet"
    state.waits_for(WAITS)
    state.waits_for(AWAY)
    assert not state.reports.is_set()
    state.turned()
    assert state.reports.is_set()
    state.leaves()
    assert not state.reports.is_set()


def test_one_that_starts_while_a_server_is_away_reports_that() -> None:
    state = LoopState()
    state.waits_for(AWAY)
    assert state.reports.is_set()


def test_a_standby_sends_others_to_the_one_that_works_with_what_they_ask() -> None:
    state = LoopState()
    client = an_app(state, works_at="http://127.0.0.1:8102").test_client()
    assert client.post("/operator/trip").text == "done"
    state.waits_for(WAITS)
    reply = client.post("/operator/trip?why=a%20test")
    assert (reply.status_code, reply.headers["Location"]) == (307, "http://127.0.0.1:8102/operator/trip?why=a%20test")
    assert client.get("/metrics").status_code == 200
    assert client.get("/nothing").status_code == 404


def test_a_standby_that_knows_nobody_says_so() -> None:
    state = LoopState()
    state.waits_for(WAITS)
    reply = an_app(state, works_at="").test_client().post("/operator/trip")
    assert reply.status_code == 503
    assert "on standby" in reply.get_json()["error"]


def test_whoever_waits_hears_for_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a process may leave its work to another one."""
    heard: list[tuple[ServerAway, float]] = []
    state = LoopState()
    state.on_wait = lambda away, waited_s: heard.append((away, waited_s))
    tries = iter([AWAY, AWAY, None])

    def ask() -> str:
        if (error := next(tries)) is not None:
            raise error
        return "answer"

    assert retry(ask, state) == "answer"
    assert [away for away, _ in heard] == [AWAY, AWAY]
    assert heard[0][1] == 0.0
    assert heard[1][1] > 0.0


class ScriptedConnection:
    """A connection to a Redis that says of the other process' two connections for how long they were silent."""

    def __init__(self) -> None:
        self.silent_s = 0
        self.killed: list[int] = []
        self._reply: object = None

    def on_connect(self) -> None:
        """Greet."""

    def send_command(self, *words: str | int) -> None:
        lines = [f"id={n} name={kind}:cdb_core:other idle={self.silent_s}" for n, kind in ((1, "only"), (2, "alive"))]
        match words:
            case "CLIENT", "LIST":
                self._reply = "\n".join(lines).encode()
            case "CLIENT", "KILL", "ID", int() as number:
                self.killed.append(number)
            case _:
                self._reply = None

    def read_response(self) -> object:
        return self._reply


def test_a_clock_that_is_set_ahead_makes_nobody_silent() -> None:
    """Redis counts by it, so all seem to have been silent; those that live ask again at once.

    No Redis here: its clock is the machine's.
    """
    now_s = [0.0]
    one, redis = OnlyOne("cdb_core", monotonic=lambda: now_s[0]), ScriptedConnection()
    for redis.silent_s, now_s[0] in ((3600, 0.0), (0, 0.25), (1, 1.5), (3600, 2.0), (0, 3.1)):
        with pytest.raises(AnotherCopy):
            one.greet(redis)
    for redis.silent_s, now_s[0] in ((2, 4.0), (2, 4.25)):
        with pytest.raises(AnotherCopy):
            one.greet(redis)
    redis.silent_s, now_s[0] = 3, 5.0
    one.greet(redis)
    assert redis.killed == [1]
