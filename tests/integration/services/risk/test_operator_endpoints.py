"""The endpoints for operators over HTTP, on a real ledger and a real Redis."""

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from services.bus.dead_letters import DeadLetters, Letter
from services.bus.entries import KEPT_BYTES, DeadEntry, Entry
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.errors import ServerAway
from services.ledger.actions import newest_actions
from services.risk.action_store import ActionStore
from services.risk.letter_desk import LetterDesk
from services.topology import MARKET_DATA, SIGNALS
from tests.integration.services.risk.live_risk import breaker, held
from tests.support.building import an_action
from tests.support.operators import Answering, answering
from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration

ONE = "a-request-1"
OTHER = "a-request-2"
SILENCE: dict[str, Any] = {"action": "silence_alert", "subject": "StaleMarketData"}


@pytest.fixture
def desk(database: Database, bus_client: Any) -> Iterator[Answering]:
    """Give a day on which two symbols are held, and which operators can act on."""
    assert bus_client.dbsize() == 0
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.price("ETHUSDT", "10")
    day.trade("BUY", "BTCUSDT", "ETHUSDT")
    with answering(day) as desk:
        yield desk
    day.close()


@pytest.fixture
def letters(bus_client: Any) -> list[str]:
    """Put three messages aside: two of market_data, one of signals; their ids."""
    bus = RedisBus(bus_client, group="cdb_risk", consumer="cdb_risk", clock=WallClock())
    for stream, data in ((MARKET_DATA, b"one"), (MARKET_DATA, b"two"), (SIGNALS, b"three")):
        bus.make_groups([stream])
        entry_id = bus_client.xadd(stream, {"data": data, "traceparent": ""}).decode()
        bus.commit([], [], [DeadEntry(Entry(stream, entry_id, data, ""), "bad_message", "not JSON")])
    return ids(bus_client)


def ids(client: Any) -> list[str]:
    return [letter.id for letter in DeadLetters(client).all()]


def actions(database: Database) -> list[tuple[str, str]]:
    with closing(database.ledger()) as ledger:
        return [(one.action.action_id, one.action.what) for one in newest_actions(ledger, 100)]


def test_positions_are_closed_and_a_repetition_gives_the_same_answer(database: Database, desk: Answering) -> None:
    status, answer = desk.ask("flatten", id=ONE)
    assert status == 200, answer
    assert {key: answer[key] for key in ("id", "what", "subject", "who", "via", "why", "preview", "repeated")} == {
        "id": ONE,
        "what": "flatten",
        "subject": "",
        "who": "olga",
        "via": "console",
        "why": "a test",
        "preview": False,
        "repeated": False,
    }
    status, again = desk.ask("flatten", id=ONE)
    assert (status, again) == (200, {**answer, "repeated": True})
    assert (held(database), actions(database)) == ({}, [(ONE, "flatten")])


def test_a_preview_has_figures_and_no_effect(database: Database, desk: Answering) -> None:
    status, answer = desk.ask("flatten", id=ONE, symbol="BTCUSDT", preview=True)
    assert (status, answer["preview"], answer["at"], answer["subject"]) == (200, True, None, "BTCUSDT")
    assert [one["symbol"] for one in answer["details"]["positions"]] == ["BTCUSDT"]
    assert desk.ask("breaker", id=ONE, action="trip", preview=True)[0] == 200
    assert (len(held(database)), breaker(database), actions(database)) == (2, [], [])


def test_the_breaker_is_tripped_and_reset(database: Database, desk: Answering) -> None:
    assert desk.ask("breaker", id=ONE, action="trip")[0] == 200
    assert desk.ask("breaker", id=OTHER, action="trip") == (
        409,
        {"error": "the breaker is already active: there is nothing to trip"},
    )
    assert desk.ask("breaker", id=OTHER, action="reset")[0] == 200
    assert breaker(database) == [(True, "operator"), (False, "operator")]
    assert actions(database) == [(OTHER, "reset_breaker"), (ONE, "trip_breaker")]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("breaker", {"id": ONE}, "action is missing"),
        ("breaker", {"id": ONE, "action": "kick"}, "action must be one of trip, reset; got 'kick'"),
        ("breaker", {"id": "short", "action": "trip"}, "id must be a text that matches"),
        ("breaker", {"id": ONE, "action": "trip", "who": ""}, "who must be a text of 1 to 100 characters"),
        ("breaker", {"id": ONE, "action": "trip", "via": "post"}, "via must be one of command, console"),
        ("breaker", {"id": ONE, "action": "trip", "why": "x" * 501}, "why must be a text of 0 to 500 characters"),
        ("flatten", {"id": ONE, "symbol": ""}, "symbol must be a text of 1 to 40 characters"),
        ("flatten", {"id": ONE, "action": "trip"}, "action is unknown; known are id, who, via, why, preview, symbol"),
        ("dead-letters", {"id": ONE, "action": "resend"}, "ids must name dead letters, or all must be true"),
        ("dead-letters", {"id": ONE, "action": "resend", "ids": ["x"]}, "ids must be a list of up to 1000"),
        (
            "actions",
            {"id": ONE, "action": "flatten", "subject": "x"},
            "action must be one of silence_alert, ",
        ),
        ("actions", {"id": ONE, "action": "silence_alert"}, "subject is missing"),
        (
            "actions",
            {"id": ONE, "action": "silence_alert", "subject": "x", "details": {"a": "\0"}},
            "details must have",
        ),
        ("actions", {"id": ONE, "action": "silence_alert", "subject": "x", "details": []}, "details must be an object"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_done(
    database: Database, desk: Answering, path: str, body: dict[str, Any], says: str
) -> None:
    status, answer = desk.ask(path, **body)
    assert status == 400
    assert says in answer["error"]
    assert actions(database) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("breaker", {"action": "trip"}),
        ("flatten", {}),
        ("dead-letters", {"action": "discard", "all": True}),
        ("actions", {"action": "silence_alert", "subject": "x"}),
    ],
)
def test_with_a_wrong_token_nothing_is_done(
    database: Database, desk: Answering, letters: list[str], bus_client: Any, path: str, body: dict[str, Any]
) -> None:
    assert desk.ask(path, token="another", id=ONE, **body)[0] == 401
    assert (actions(database), len(held(database)), ids(bus_client)) == ([], 2, letters)


def test_letters_are_sent_again_by_stream(
    database: Database, desk: Answering, letters: list[str], bus_client: Any
) -> None:
    status, preview = desk.ask("dead-letters", id=ONE, action="resend", all=True, preview=True)
    assert (status, ids(bus_client)) == (200, letters)
    assert (preview["details"]["letters"], preview["details"]["by_stream"]) == (3, {"market_data": 2, "signals": 1})
    status, answer = desk.ask("dead-letters", id=ONE, action="resend", ids=letters[:2])
    assert (status, answer["details"]["resent"], answer["details"]["refused"]) == (200, 2, [])
    assert [one["letter_id"] for one in answer["sent"]] == letters[:2]
    assert ids(bus_client) == letters[2:]
    assert [row[b"data"] for _, row in bus_client.xrange(MARKET_DATA)][-2:] == [b"one", b"two"]
    again = desk.ask("dead-letters", id=ONE, action="resend", ids=letters[:2])[1]
    assert (again["repeated"], again["details"]) == (True, answer["details"])
    assert bus_client.xlen(MARKET_DATA) == 4
    assert actions(database) == [(ONE, "resend_dead_letter")]


def test_one_letter_is_the_actions_subject(desk: Answering, letters: list[str], bus_client: Any) -> None:
    answer = desk.ask("dead-letters", id=ONE, action="discard", ids=letters[1:2])[1]
    assert (answer["subject"], answer["details"]["discarded"]) == (letters[1], 1)
    assert ids(bus_client) == [letters[0], letters[2]]


@pytest.mark.parametrize("asked", [{"ids": ["1-1"]}, {"all": True}])
def test_letters_that_are_not_there_are_refused(database: Database, desk: Answering, asked: dict[str, Any]) -> None:
    status, answer = desk.ask("dead-letters", id=ONE, action="discard", **asked)
    assert status == 409
    assert answer["error"] in {"there is no dead letter 1-1", "there are no dead letters"}
    assert actions(database) == []


def test_what_cannot_be_sent_again_is_refused_alone_and_left_out_among_others(
    database: Database, desk: Answering, letters: list[str], bus_client: Any
) -> None:
    bus = RedisBus(bus_client, group="cdb_risk", consumer="cdb_risk", clock=WallClock())
    large = b"x" * (KEPT_BYTES + 1)
    bus.commit([], [], [DeadEntry(Entry(MARKET_DATA, "1-1", large, ""), "too_large", "")])
    too_large = ids(bus_client)[-1]
    status, answer = desk.ask("dead-letters", id=ONE, action="resend", ids=[too_large])
    assert (status, actions(database)) == (409, [])
    assert f"{too_large} is incomplete" in answer["error"]
    status, answer = desk.ask("dead-letters", id=ONE, action="resend", all=True)
    assert (status, answer["details"]["resent"]) == (200, 3)
    assert [one["id"] for one in answer["details"]["refused"]] == [too_large]
    assert ids(bus_client) == [too_large]


class Failing(DeadLetters):
    """Letters of a Redis that goes away at the second one."""

    def resend(self, letter: Letter, twins: Any) -> Any:
        if letter.content and letter.content.data == "two":
            raise ServerAway("Redis", "gone")
        return super().resend(letter, twins)


def test_what_broke_off_is_finished_when_it_is_asked_again(
    database: Database, letters: list[str], bus_client: Any
) -> None:
    action = an_action(what="resend_dead_letter")
    with closing(database.ledger()) as ledger:
        store = ActionStore(ledger)
        with pytest.raises(ServerAway):
            LetterDesk(Failing(bus_client), store, WallClock()).act(action, None, preview=False)
        assert ids(bus_client) == letters[1:]
        later = RedisBus(bus_client, group="cdb_risk", consumer="cdb_risk", clock=WallClock())
        later.commit([], [], [DeadEntry(Entry(MARKET_DATA, "1-1", b"later", ""), "bad_message", "")])
        found = store.find(action.action_id)
        assert found is not None
        assert found.details["finished"] is False
        answer = LetterDesk(DeadLetters(bus_client), store, WallClock()).act(action, None, preview=False)
    assert (answer.repeated, answer.details["finished"], answer.details["resent"]) == (True, True, 2)
    assert len(ids(bus_client)) == 1, "what was put aside later is none of it"
    assert bus_client.xlen(MARKET_DATA) == 4


def test_what_is_done_elsewhere_is_noted_once(database: Database, desk: Answering) -> None:
    body: dict[str, Any] = {**SILENCE, "details": {"until": "2026-12-01T12:00:00Z"}}
    assert desk.ask("actions", id=ONE, preview=True, **body)[1]["preview"]
    assert actions(database) == []
    status, answer = desk.ask("actions", id=ONE, **body)
    assert (status, answer["what"], answer["details"]) == (200, "silence_alert", body["details"])
    assert desk.ask("actions", id=ONE, **body)[1] == {**answer, "repeated": True}
    assert desk.ask("actions", id=ONE, action="silence_alert", subject="Another")[0] == 409
    assert actions(database) == [(ONE, "silence_alert")]


def test_many_who_ask_at_once_under_one_id_have_one_effect(database: Database, desk: Answering) -> None:
    answers: list[tuple[int, Any]] = []
    threads = [threading.Thread(target=lambda: answers.append(desk.ask("flatten", id=ONE))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [status for status, _ in answers] == [200] * 6
    assert sorted(answer["repeated"] for _, answer in answers) == [False] + [True] * 5
    assert database.query("SELECT count(*) FROM orders WHERE cause = 'operator'") == [(2,)]
