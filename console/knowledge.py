"""What the console knows of its servers: asked once for all readers, and kept with its age while a server is away."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from cdb.kit.errors import Away, Refused
from console.workers import Workers
from monitoring.notifications.store import StoreFailed
from services.clock import NANOSECONDS, Clock, to_datetime
from services.errors import ServerAway

T = TypeVar("T")
MOST: Final = 300
"""Answers that are kept, the least recently asked for go first."""
WAIT_S: Final = 1.0
SHARE: Final = 20
"""What was worked out in the background is kept so many times as long as it took, at least,"""
LONGEST: Final = 10
"""but not so many times as long as a reader allows: it may have taken long because a server hung."""
_EXPECTED: Final = (Away, Refused, ServerAway, StoreFailed)


@dataclass(frozen=True)
class Known(Generic[T]):
    """An answer and when it was given. With a *problem* its server does not answer now; *value* may be old or None.

    While it *is_late* a newer one is being worked out.
    """

    value: T | None
    at: datetime | None
    problem: str = ""
    is_late: bool = False

    def absence(self, server: str) -> str:
        """Why *server* does not answer now, or has given no answer so far; empty if it has and nothing is wrong."""
        return self.problem or ("" if self.at else f"{server} has not answered yet")

    def is_overdue(self, now: datetime, every_s: float) -> bool:
        """Whether a newer answer is late although this one, which is renewed *every_s*, is twice as old as that."""
        return self.is_late and (self.at is None or (now - self.at).total_seconds() > 2 * every_s)


class Knowledge:
    """Gives answers that are no older than a reader allows, each worked out by one of all who ask at the time.

    A key is that of the module whose function works the answer out: two modules never get each other's. At most so many
    (*most*) are kept.
    """

    def __init__(
        self, clock: Clock, monotonic: Callable[[], float] = time.monotonic, *, most: int = MOST, share: int = SHARE
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._most = most
        self._share = share
        self._lock = threading.Lock()
        self._answers: OrderedDict[object, _Answer] = OrderedDict()
        self._workers = Workers()

    def of(self, key: object, work_out: Callable[[], T], *, for_s: float = 1.0, wait_s: float = WAIT_S) -> Known[T]:
        """What *work_out* gives, at most *for_s* old; if it fails, the last that it gave, and why it failed.

        *work_out* is called in another thread. Readers wait for it until it has taken *wait_s*; then it is late. What
        takes long is kept for longer, so that it takes a small share of the time only.
        """
        return self._answer(work_out.__module__, key).given(
            work_out, self._clock, self._workers, for_s=for_s, wait_s=wait_s, share=self._share
        )

    def once(self, work_out: Callable[[], T], server: str, *, wait_s: float) -> T:
        """What *work_out* gives, which is not kept. Raises what it raises, and Away if *server* takes longer."""
        try:
            return self._workers.submit(work_out).result(wait_s)
        except TimeoutError as error:
            raise Away(f"{server} has not answered within {wait_s:.0f} s") from error

    def renew(self) -> None:
        """Have everything asked anew when it is next wanted: somebody has just changed something."""
        with self._lock:
            for answer in self._answers.values():
                answer.expire()

    def _answer(self, *key: object) -> "_Answer":
        with self._lock:
            answer = self._answers.setdefault(key, _Answer(self._monotonic))
            self._answers.move_to_end(key)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return answer


class _Answer:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: Known[Any] = Known(None, None)
        self._asked_ns: int | None = None
        self._took_ns = 0
        self._working: Future[None] | None = None
        self._working_since = 0.0

    def given(
        self, work_out: Callable[[], T], clock: Clock, workers: Workers, *, for_s: float, wait_s: float, share: int
    ) -> Known[T]:
        with self._lock:
            if self._working is not None and self._working.done():
                self._working = None
            kept_s = max(for_s, min(share * self._took_ns / NANOSECONDS, LONGEST * for_s))
            if self._working is None and self._is_old(clock, kept_s):
                self._working = workers.submit(lambda: self._work_out(work_out, clock))
                self._working_since = self._monotonic()
            working, waited_s = self._working, self._monotonic() - self._working_since
        if working is not None:
            with suppress(TimeoutError):
                working.result(max(0.0, wait_s - waited_s))
                return self._known
            return replace(self._known, is_late=True)
        return self._known

    def expire(self) -> None:
        self._asked_ns = None

    def _is_old(self, clock: Clock, for_s: float) -> bool:
        return self._asked_ns is None or not 0 <= clock.now_ns() - self._asked_ns < for_s * NANOSECONDS

    def _work_out(self, work_out: Callable[[], T], clock: Clock) -> None:
        begun_ns, self._took_ns = clock.now_ns(), 0
        try:
            self._known = Known(work_out(), to_datetime(begun_ns))
            self._took_ns = max(0, clock.now_ns() - begun_ns)
        except _EXPECTED as error:
            self._known = Known(self._known.value, self._known.at, str(error))
        self._asked_ns = clock.now_ns()
