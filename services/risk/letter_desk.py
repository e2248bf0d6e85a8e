"""Dead letters that an operator sends again or discards: the effect is on the bus, the row in the ledger."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from services.actions import Action, Recorded, Refused
from services.bus.dead_letters import DeadLetters, Letter, NotResendable, Resent
from services.clock import Clock, to_datetime
from services.risk import report
from services.risk.acting import Answer, known_answer, taken
from services.risk.action_store import ActionStore


class LetterDesk:
    """Acts on letters. Not thread-safe: one request after the other.

    The row comes first and says `finished` once the bus has followed. A request that is repeated after it broke off in
    between does the rest; a letter that is gone by then was settled before.
    """

    def __init__(self, letters: DeadLetters, store: ActionStore, clock: Clock) -> None:
        self._letters = letters
        self._store = store
        self._clock = clock

    def act(self, action: Action, ids: Sequence[str] | None, *, preview: bool) -> Answer:
        """Do with the letters *ids*, or all for None, what *action* says. Raises Refused, ServerAway."""
        known = self._store.find(action.action_id)
        answer = known_answer(known, action)
        if answer is not None and answer.details["finished"]:
            return answer
        there = {letter.id: letter for letter in self._letters.all()}
        if answer is not None:
            return self._finish(answer, there)
        chosen = _chosen(there, ids)
        if action.what == "resend_dead_letter":
            _refuse_unless_resendable(chosen)
        details = _figures(chosen)
        if preview:
            return Answer(action, details)
        at = to_datetime(self._clock.now_ns())
        if not self._store.record(Recorded(action, at, details)):
            raise taken(action)
        report.acted(action)
        return self._finish(Answer(action, details, at), there)

    def _finish(self, answer: Answer, there: dict[str, Letter]) -> Answer:
        """Let the bus follow the row, and note what came of it."""
        action, letters = answer.action, [there[key] for key in answer.details["ids"] if key in there]
        outcome: dict[str, Any]
        more: dict[str, Any] = {}
        if action.what == "discard_dead_letter":
            outcome = {"discarded": self._letters.discard(letters)}
        else:
            sent, refused = self._resend(letters, there)
            outcome = {"resent": len(sent), "refused": refused}
            more = {"sent": msgspec.to_builtins(sent)}
        details = {**answer.details, **outcome, "finished": True}
        self._store.note_details(action.action_id, details)
        return Answer(action, details, answer.at, repeated=answer.repeated, more=more)

    def _resend(self, letters: Sequence[Letter], there: dict[str, Letter]) -> tuple[list[Resent], list[dict[str, str]]]:
        same: defaultdict[object, list[str]] = defaultdict(list)
        for letter in there.values():
            same[letter.entry or letter.id].append(letter.id)
        sent: list[Resent] = []
        refused: list[dict[str, str]] = []
        settled: set[str] = set()
        for letter in letters:
            if letter.id in settled:
                continue
            try:
                twins = [other for other in same[letter.entry or letter.id] if other != letter.id]
                sent.append(self._letters.resend(letter, twins))
                settled.update(sent[-1].settled)
            except NotResendable as problem:
                refused.append({"id": letter.id, "why": str(problem)})
        return sent, refused


def _chosen(there: dict[str, Letter], ids: Sequence[str] | None) -> list[Letter]:
    if ids is None:
        if not there:
            raise Refused("there are no dead letters")
        return [*there.values()]
    if missing := [letter_id for letter_id in ids if letter_id not in there]:
        raise Refused(f"there is no dead letter {', '.join(missing)}")
    return [there[letter_id] for letter_id in dict.fromkeys(ids)]


def _refuse_unless_resendable(letters: Sequence[Letter]) -> None:
    """Raise Refused if none of *letters* can be sent again."""
    problems = [problem for letter in letters if (problem := _problem(letter))]
    if len(problems) == len(letters):
        raise Refused("; ".join(problems[:3]))


def _problem(letter: Letter) -> str:
    try:
        letter.check_resendable()
    except NotResendable as problem:
        return str(problem)
    return ""


def _figures(letters: Sequence[Letter]) -> dict[str, Any]:
    streams = Counter(letter.content.stream if letter.content else "" for letter in letters)
    return {
        "letters": len(letters),
        "by_stream": dict(sorted(streams.items())),
        "ids": [letter.id for letter in letters],
        "finished": False,
    }
