"""Threads that work out what takes long or may hang, so that no page waits for it. They end with the process."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Final, TypeVar

T = TypeVar("T")
THREADS: Final = 12
"""Each may keep a connection to the ledger, which lets its readers have 20."""

_Job = tuple[Future[Any], Callable[[], Any]]


class Workers:
    """So many jobs at a time; the others wait. The threads start with the first job."""

    def __init__(self, threads: int = THREADS) -> None:
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._lock = threading.Lock()
        self._missing = threads

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Have *job* done."""
        future: Future[T] = Future()
        self._jobs.put((future, job))
        with self._lock:
            if self._missing:
                self._missing -= 1
                threading.Thread(target=self._work, name="worker", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            future, job = self._jobs.get()
            try:
                future.set_result(job())
            except BaseException as error:  # noqa: BLE001  whoever waits for it gets it
                future.set_exception(error)
