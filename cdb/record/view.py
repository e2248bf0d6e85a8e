"""A recording on a terminal and as JSON: how far it is, and what came of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from cdb.kit.figures import moment, seconds
from cdb.kit.files import STANDARD_OUTPUT
from cdb.kit.printable import printable
from cdb.record.recording import Gap, Recording
from cdb.record.run import OnProgress
from services.clock import to_datetime

_RATE_OVER_S: Final = 5.0
_SHOW_EVERY_S: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class Result:
    """A recording that has ended: what it has, where it is, how long it took, and whether it ended before its time."""

    recording: Recording
    file: Path
    seconds: float
    interrupted: bool

    @property
    def trades(self) -> int:
        """How many trades there are, without the lead-in."""
        return self.recording.trades.total()


@contextmanager
def progress(for_s: float | None, *, quiet: bool) -> Iterator[OnProgress]:
    """Show how far it is in one line on a terminal; elsewhere nothing."""
    terminal = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=terminal, disable=quiet or not terminal.is_terminal, transient=True) as bar:
        task = bar.add_task("connecting")
        began = shown = time.monotonic()
        rate = _Rate(began)

        def show(recording: Recording, away: str) -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown < _SHOW_EVERY_S:
                return
            shown = now
            trades = recording.trades.total()
            left_s = None if for_s is None else max(0.0, for_s - (now - began))
            bar.update(task, description=line(trades, rate.of(trades, now), left_s, away))

        yield show


def line(trades: int, per_s: float, left_s: float | None, away: str) -> str:
    """How far a recording is."""
    left = "Ctrl-C ends it" if left_s is None else f"{timedelta(seconds=int(left_s))} left"
    waits = f"; the bus does not answer: {printable(away)}" if away else ""
    return f"{trades:,} trades, {per_s:,.0f} trades/s, {left}{waits}"


def show(result: Result, console: Console) -> None:
    """Say what was recorded, what is missing, and what can be done with it."""
    for text in lines(result):
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def lines(result: Result) -> Iterator[str]:
    """Yield what is to be said."""
    recording, where = result.recording, "" if result.file == STANDARD_OUTPUT else f" to {result.file}"
    symbols = len(recording.trades)
    yield (
        f"recorded {result.trades:,} trades of {symbols} symbol{'' if symbols == 1 else 's'} in"
        f" {seconds(result.seconds)}{where}"
    )
    if recording.late:
        yield f"{recording.late:,} of them came late; strategies see them and do not decide on them"
    if recording.lead_in:
        yield f"before them stand {recording.lead_in:,} trades of the time before, for the strategies' look-back"
    if recording.restarts:
        yield f"the source began anew {recording.restarts} time{'' if recording.restarts == 1 else 's'} meanwhile"
    if recording.unreadable:
        yield f"{recording.unreadable:,} messages could not be read and are left out"
    for gap in recording.gaps:
        yield f"gap from {moment(_time(gap.from_ms))} to {moment(_time(gap.to_ms))} UTC: {'; '.join(_said(gap))}"
    if where:
        yield f"To trade on it again: cdb backtest {result.file}"


def as_json(result: Result) -> dict[str, Any]:
    """All of it for programs; times are ISO 8601."""
    recording = result.recording
    return {
        "file": str(result.file),
        "began": _time(recording.began_ms),
        "seconds": round(result.seconds, 3),
        "interrupted": result.interrupted,
        "trades": result.trades,
        "by_symbol": dict(sorted(recording.trades.items())),
        "late": recording.late,
        "lead_in": recording.lead_in,
        "unreadable": recording.unreadable,
        "repeated": recording.repeated,
        "restarts": recording.restarts,
        "gaps": [
            {
                "from": _time(gap.from_ms),
                "to": _time(gap.to_ms),
                "lost": gap.lost,
                "at_least": gap.at_least,
                "away_seconds": round(gap.away_s, 3),
            }
            for gap in recording.gaps
        ],
    }


def _said(gap: Gap) -> Iterator[str]:
    if gap.away_s:
        yield f"the bus did not answer for {seconds(gap.away_s)}, so trades of that time may not have reached it"
    if gap.lost:
        least = "at least " if gap.at_least else ""
        yield f"{least}{gap.lost:,} messages were gone from the bus before they could be read"


def _time(milliseconds: int) -> datetime:
    return to_datetime(milliseconds * 1_000_000)


class _Rate:
    """Trades a second over the last seconds."""

    def __init__(self, now: float) -> None:
        self._looks = [(now, 0)]

    def of(self, trades: int, now: float) -> float:
        self._looks.append((now, trades))
        while len(self._looks) > 2 and self._looks[1][0] <= now - _RATE_OVER_S:
            self._looks.pop(0)
        then, before = self._looks[0]
        return (trades - before) / (now - then) if now > then else 0.0
