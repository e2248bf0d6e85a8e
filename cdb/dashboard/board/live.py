"""Show a dashboard until the reader leaves: a new frame at its own rate, keys to leave and to scroll."""

import os
import select
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from rich.console import Console, Group
from rich.live import Live

from cdb.dashboard.board.frame import Frame, Line, printed

_LOOK_S: Final = 0.25
_LEAVE: Final = {"q", "Q", "\x04"}
_MOVES: Final = {"\x1b[A": -1, "k": -1, "\x1b[B": 1, "j": 1, "\x1b[5~": -20, "b": -20, "\x1b[6~": 20, " ": 20}
_ENDS: Final = {"g": 0, "\x1b[H": 0, "G": 10**6, "\x1b[F": 10**6}


def watch(console: Console, frames: Callable[[], Frame], *, refresh_s: float) -> None:
    """Draw what *frames* returns every *refresh_s* seconds until q or Ctrl-C is pressed."""
    screen = Live(console=console, screen=True, auto_refresh=False)
    with suppress(KeyboardInterrupt), keys() as pressed, interrupt() as interrupted, screen as live:
        at = 0
        while not interrupted():
            frame, due = frames(), time.monotonic() + refresh_s
            redraw = True
            while (redraw or time.monotonic() < due) and not interrupted():
                if redraw:
                    at = _show(live, console, frame, at, refresh_s)
                size = console.size
                key = pressed(min(_LOOK_S, max(0.0, due - time.monotonic())))
                if key in _LEAVE:
                    return
                moved = _ENDS.get(key, at + _MOVES.get(key, 0))
                redraw = moved != at or console.size != size
                at = moved


def _show(live: Live, console: Console, frame: Frame, at: int, refresh_s: float) -> int:
    """Draw the part of *frame* from line *at* on, as far as there is one; return the line that it begins at."""
    room = console.height - 2
    lines = frame.lines(console, height=room)
    at = max(0, min(at, len(lines) - room))
    shown: list[Line] = lines[at : at + room]
    more = "↑↓ scroll  " if len(lines) > room else ""
    note = f"q leave  {more}every {refresh_s:g} s"
    live.update(Group(frame.head(console.width, note), printed(shown)), refresh=True)
    return at


@contextmanager
def interrupt() -> Iterator[Callable[[], bool]]:
    """Yield what tells whether Ctrl-C was pressed; at once it leaves only when pressed again.

    Raised wherever the program is at that moment, KeyboardInterrupt may end in a callback that drops it.
    """
    pressed = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def keys() -> Iterator[Callable[[float], str]]:
    """Yield what waits up to so many seconds for a key and returns it, nothing without one; put the terminal right."""
    if not sys.stdin.isatty():
        yield _no_key
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield _key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _key(seconds: float) -> str:
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return os.read(sys.stdin.fileno(), 16).decode(errors="replace") if ready else ""


def _no_key(seconds: float) -> str:
    time.sleep(seconds)
    return ""
