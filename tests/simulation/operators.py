"""People who act on the bot now and then. Who gets no answer asks again under the same id, as commands do."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Final

from services.actions import Action, Refused, What
from services.engine.engine import Engine
from services.errors import ServerAway
from services.ledger.connection import Ledger
from services.risk.acting import Answer, Asked
from tests.support.building import an_action

KINDS: Final[tuple[What, ...]] = ("flatten", "flatten", "trip_breaker", "reset_breaker", "reset_breaker")
PATIENCE_S: Final = 5.0


class Wish:
    """An action, and what was answered to it."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.asked_s = float("-inf")
        self.tries = 0
        self.future: Future[Answer] | None = None
        self.answers: list[Answer] = []
        self.wanted = 1
        self.refused = ""
        self.error: BaseException | None = None

    @property
    def is_open(self) -> bool:
        return len(self.answers) < self.wanted and not self.refused and self.error is None

    def hear(self) -> None:
        """Take what was answered."""
        if self.future is None or not self.future.done():
            return
        error = None if self.future.cancelled() else self.future.exception()
        if isinstance(error, Refused):
            self.refused = str(error)
        elif isinstance(error, ServerAway):
            self.asked_s = float("-inf")
        elif error is not None:
            self.error = error
        elif not self.future.cancelled():
            self.answers.append(self.future.result())
        self.future = None


class Operators:
    """Acts on *engine* at random; some ask once more although they were answered."""

    def __init__(self, chance: random.Random, engine: Engine, symbols: Sequence[str]) -> None:
        self._random = chance
        self._engine = engine
        self._symbols = symbols
        self._wishes: list[Wish] = []

    def act(self) -> None:
        """Want something new."""
        what = self._random.choice(KINDS)
        symbol = self._random.choice(("", *self._symbols)) if what == "flatten" else ""
        wish = Wish(an_action(action_id=f"action-{len(self._wishes)}", what=what, subject=symbol))
        wish.wanted = self._random.choice((1, 1, 2))
        self._wishes.append(wish)

    def look(self, now_s: float) -> None:
        """Hear what was answered, and ask again where nothing was for too long: the newest process, then older ones.

        Any of them may be the one that lives.
        """
        for wish in self._wishes:
            wish.hear()
            if not wish.is_open or now_s - wish.asked_s < PATIENCE_S or not self._engine.operators:
                continue
            if wish.future is not None:
                wish.future.cancel()
            processes = self._engine.operators
            wish.future = processes[-1 - wish.tries % len(processes)].put(Asked(wish.action))
            wish.asked_s, wish.tries = now_s, wish.tries + 1

    def is_waiting(self) -> bool:
        """Whether somebody still wants an answer."""
        return any(wish.is_open for wish in self._wishes)

    def findings(self, ledger: Ledger) -> Iterator[str]:
        """What does not hold: the ledger has just what was not refused, and a repetition is answered as before."""
        there = {found for (found,) in ledger.execute("SELECT action_id FROM operator_actions")}
        for wish in self._wishes:
            name = f"{wish.action.what} {wish.action.action_id}"
            if wish.error is not None:
                yield f"{name}: {wish.error!r}"
            if wish.refused and wish.action.action_id in there:
                yield f"{name} is in the ledger, but was refused: {wish.refused}"
            if wish.answers and wish.action.action_id not in there:
                yield f"{name} was answered and is not in the ledger"
            if any((one.at, one.details) != (wish.answers[0].at, wish.answers[0].details) for one in wish.answers):
                yield f"{name} was answered differently"
