"""What operators ask of cdb_risk over HTTP, whether by a command or on the console."""

import threading
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from flask import Flask
from msgspec import Meta
from pydantic import SecretStr

from services.actions import Action, Recorded, Via, What
from services.clock import Clock, to_datetime
from services.risk import report
from services.risk.acting import Answer, Asked, known_answer, taken
from services.risk.action_store import ActionStore
from services.risk.letter_desk import LetterDesk
from services.runtime.guarded import Guarded
from services.runtime.loop_state import LoopState
from services.runtime.parameters import BadRequest
from services.runtime.requests import NotAnswered, Requests

WITHIN_S: Final = 5.0
"""So long a request waits for the loop, whose turns take milliseconds."""
MOST_LETTERS: Final = 1_000
MOST_DETAILS: Final = 4_000

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,40}$")]
LetterId = Annotated[str, Meta(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$")]


class _Request(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every request has. The caller draws *id*, such as a UUID, and keeps it when it asks again."""

    id: Id
    who: Annotated[str, Meta(min_length=1, max_length=100)]
    via: Via
    why: Annotated[str, Meta(max_length=500)]
    preview: bool = False

    def as_action(self, what: What, subject: str = "") -> Action:
        return Action(action_id=self.id, what=what, subject=subject, who=self.who, via=self.via, why=self.why)


class Breaker(_Request, kw_only=True, forbid_unknown_fields=True):
    """Trip the breaker or reset it."""

    action: Literal["trip", "reset"]


class Flatten(_Request, kw_only=True, forbid_unknown_fields=True):
    """Close the positions of all strategies in one symbol, or all positions."""

    symbol: Annotated[str, Meta(min_length=1, max_length=40)] | None = None


class Letters(_Request, kw_only=True, forbid_unknown_fields=True):
    """Resend or discard these dead letters, or all."""

    action: Literal["resend", "discard"]
    ids: Annotated[list[LetterId], Meta(max_length=MOST_LETTERS)] = []
    all: bool = False


class Elsewhere(_Request, kw_only=True, forbid_unknown_fields=True):
    """Note what was done elsewhere: an alert was silenced, or a silence was ended."""

    action: Literal["silence_alert", "expire_silence"]
    subject: Annotated[str, Meta(min_length=1, max_length=200)]
    details: dict[str, Any] = {}


class OperatorEndpoints:
    """Hands trading actions to the loop, and acts on letters itself, one request at a time."""

    def __init__(
        self, requests: Requests[Asked, Answer], state: LoopState, *, desk: LetterDesk, store: ActionStore, clock: Clock
    ) -> None:
        self._requests = requests
        self._state = state
        self._desk = desk
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()

    def add_to(self, app: Flask, token: SecretStr) -> None:
        """Answer POST /operator/breaker, /operator/flatten, /operator/dead-letters and /operator/actions."""
        guarded = Guarded(app, token)
        guarded.add("/operator/breaker", Breaker, self.breaker)
        guarded.add("/operator/flatten", Flatten, self.flatten)
        guarded.add("/operator/dead-letters", Letters, self.dead_letters)
        guarded.add("/operator/actions", Elsewhere, self.elsewhere)

    def breaker(self, asked: Breaker) -> Mapping[str, Any]:
        what: What = "trip_breaker" if asked.action == "trip" else "reset_breaker"
        return self._by_the_loop(Asked(asked.as_action(what), asked.preview))

    def flatten(self, asked: Flatten) -> Mapping[str, Any]:
        return self._by_the_loop(Asked(asked.as_action("flatten", asked.symbol or ""), asked.preview))

    def dead_letters(self, asked: Letters) -> Mapping[str, Any]:
        if bool(asked.ids) == asked.all:
            raise BadRequest("ids must name dead letters, or all must be true")
        what: What = "resend_dead_letter" if asked.action == "resend" else "discard_dead_letter"
        action = asked.as_action(what, asked.ids[0] if len(asked.ids) == 1 else "")
        with self._lock:
            self._store.wake()
            return self._desk.act(action, None if asked.all else asked.ids, preview=asked.preview).as_dict()

    def elsewhere(self, asked: Elsewhere) -> Mapping[str, Any]:
        text = msgspec.json.encode(asked.details).decode()
        if len(text) > MOST_DETAILS or "\\u0000" in text:
            raise BadRequest(
                f"details must have at most {MOST_DETAILS} characters as JSON, and no NUL; got {len(text)}"
            )
        action = asked.as_action(asked.action, asked.subject)
        with self._lock:
            self._store.wake()
            answer = known_answer(self._store.find(action.action_id), action)
            return (answer or self._record(action, asked.details, preview=asked.preview)).as_dict()

    def _record(self, action: Action, details: dict[str, Any], *, preview: bool) -> Answer:
        if preview:
            return Answer(action, details)
        at = to_datetime(self._clock.now_ns())
        if not self._store.record(Recorded(action, at, details)):
            raise taken(action)
        report.acted(action)
        return Answer(action, details, at)

    def _by_the_loop(self, asked: Asked) -> Mapping[str, Any]:
        if problem := self._state.problem():
            raise NotAnswered(f"not done: cdb_risk is {problem}")
        return self._requests.ask(asked, within_s=WITHIN_S).as_dict()
