"""Errors on request, so that an operator sees what one looks like on charts and alerts without breaking anything."""

import threading

from services.errors import InjectedFault


class Faults:
    """A number of messages that are still to fail, set over HTTP and used up by the handler."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0
        self._failed: set[str] = set()

    def order(self, count: int) -> None:
        """Have the next *count* messages fail once each."""
        with self._lock:
            self._left = count
            self._failed.clear()

    def raise_if_due(self, message: str) -> None:
        """Raise InjectedFault if one is still due, but not twice for the same *message* (its id on the bus).

        A message that failed at each attempt would be put aside in the end, which is no error to be got over.
        """
        if self._left <= 0:
            return
        with self._lock:
            if self._left <= 0 or message in self._failed:
                return
            self._left -= 1
            self._failed.add(message)
        raise InjectedFault("asked for through /test/errors")
