"""Errors on request, so that an operator sees what one looks like on charts and alerts without breaking anything."""

import threading

from services.errors import InjectedFault


class Faults:
    """A number of errors still to be raised, set over HTTP and used up by the handler."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 0

    def order(self, count: int) -> None:
        """Have the next *count* messages fail once each."""
        with self._lock:
            self._left = count

    def raise_if_due(self) -> None:
        """Raise InjectedFault if one is still due."""
        with self._lock:
            if self._left <= 0:
                return
            self._left -= 1
        raise InjectedFault("asked for through /test/errors")
