"""What a stand-in noted: who connected, what clients sent, what was asked over REST; and the limits on both."""

import time
from collections import deque
from typing import Final, NamedTuple

NOTES: Final = 100_000
"""So many of the newest notes of a kind are kept."""


class Closed(NamedTuple):
    """A connection's end: when (monotonic), with which code (1006: without any), and why."""

    at: float
    code: int
    why: str


class Call(NamedTuple):
    """A REST request and the status it was answered with."""

    at: float
    path: str
    query: dict[str, str]
    status: int


class Message(NamedTuple):
    """What a client sent; *line* is the number of its connection, from 1."""

    at: float
    line: int
    text: str


class Record:
    """All that tests may want to compare. Times are of time.monotonic()."""

    def __init__(self) -> None:
        self.opened: deque[float] = deque(maxlen=NOTES)
        self.closed: deque[Closed] = deque(maxlen=NOTES)
        self.messages: deque[Message] = deque(maxlen=NOTES)
        self.calls: deque[Call] = deque(maxlen=NOTES)
        self.frames = 0
        self.deals = 0

    def calls_of(self, path: str) -> list[Call]:
        """The requests of one path, oldest first."""
        return [call for call in self.calls if call.path == path]

    def most_messages(self, seconds: float = 1.0) -> int:
        """The most messages that one connection sent within *seconds*."""
        most, windows = 0, dict[int, deque[float]]()
        for message in self.messages:
            window = windows.setdefault(message.line, deque())
            window.append(message.at)
            while window[0] <= message.at - seconds:
                window.popleft()
            most = max(most, len(window))
        return most


class Meter:
    """A limit of *most* units within any *seconds*."""

    def __init__(self, most: float, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._taken: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def allows(self, units: float = 1.0) -> bool:
        """Take *units*, or say that they would be too many."""
        now = time.monotonic()
        while self._taken and self._taken[0][0] <= now - self._seconds:
            self._sum -= self._taken.popleft()[1]
        if self._sum + units > self._most:
            return False
        self._taken.append((now, units))
        self._sum += units
        return True

    def free_in_s(self) -> float:
        """How long until the oldest units do not count any more."""
        return max(0.0, self._taken[0][0] + self._seconds - time.monotonic()) if self._taken else 0.0
