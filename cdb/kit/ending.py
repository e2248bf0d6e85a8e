"""Signals that end a command. They raise SystemExit, so that it ends as after Ctrl-C: what it started is stopped."""

import signal
import time
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
_AGAIN_S: Final = 1.0


def end_by_signals() -> None:
    """Let SIGTERM, and SIGHUP of a terminal that is closed, end the command with 128 + their number."""
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:  # else nohup has its way
            signal.signal(number, _Leave())


class Ended(SystemExit):
    """A signal ended the command. Code that calls sys.exit raises SystemExit itself."""


class _Leave:
    """Leaves at a signal. One that follows at once is the same one: shells and systemd send two."""

    last = float("-inf")

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        before, _Leave.last = _Leave.last, time.monotonic()
        if _Leave.last - before > _AGAIN_S:
            raise Ended(128 + number)
