"""What the console knows of its servers: asked once for all readers, and kept with its age while a server is away."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from cdb.kit.errors import Away, Refused
from monitoring.notifications.store import StoreFailed
from services.clock import NANOSECONDS, Clock, to_datetime
from services.errors import ServerAway

T = TypeVar("T")
MOST: Final = 300
"""Answers that are kept, the least recently asked for go first."""
_EXPECTED: Final = (Away, Refused, ServerAway, StoreFailed)


@dataclass(frozen=True)
class Known(Generic[T]):
    """An answer and when it was given. With a *problem* its server does not answer now; *value* may be old or None."""

    value: T | None
    at: datetime | None
    problem: str = ""


class Knowledge:
    """Gives answers that are no older than a reader allows, each worked out by one of all who ask at the time.

    It keeps at most so many.
    """

    def __init__(self, clock: Clock, *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._answers: OrderedDict[object, _Answer] = OrderedDict()

    def of(self, key: object, work_out: Callable[[], T], *, for_s: float = 1.0) -> Known[T]:
        """What *work_out* gives, at most *for_s* old; if it fails, the last that it gave, and why it failed."""
        with self._lock:
            answer = self._answers.setdefault(key, _Answer())
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return answer.given(work_out, self._clock, for_s)


class _Answer:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Known[Any] = Known(None, None)
        self._asked_ns: int | None = None

    def given(self, work_out: Callable[[], T], clock: Clock, for_s: float) -> Known[T]:
        with self._lock:
            now_ns = clock.now_ns()
            if self._asked_ns is None or not 0 <= now_ns - self._asked_ns < for_s * NANOSECONDS:
                self._known = self._worked_out(work_out, now_ns)
                self._asked_ns = clock.now_ns()
            return self._known

    def _worked_out(self, work_out: Callable[[], T], now_ns: int) -> Known[T]:
        try:
            return Known(work_out(), to_datetime(now_ns))
        except _EXPECTED as error:
            return Known(self._known.value, self._known.at, str(error))
