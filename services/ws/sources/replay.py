"""Recorded trades as a source: a file of them, at any speed."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
from pydantic import BeforeValidator, Field

from services.clock import NANOSECONDS
from services.decoding import prepared
from services.settings import Settings
from services.ws.sources.port import Source, SourceGaveUp, SourceRefused
from services.ws.tape.files import NotATape
from services.ws.tape.reader import read_tape
from services.ws.tape.rows import Reading
from services.ws.trades import RawTrade, Refusal

LONGEST_WAIT_S: Final = 0.5

Speed = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]


def _no_limit(value: object) -> object:
    return None if value == "max" else value


class ReplaySettings(Settings):
    """Which file, what is known of it (a Reading as JSON), and how fast; None is as fast as possible."""

    file: Path | None = Field(default=None, validation_alias="CDB_REPLAY_FILE")
    reading: str = Field(default="{}", validation_alias="CDB_REPLAY_READING")
    speed: Annotated[Speed | None, BeforeValidator(_no_limit)] = Field(
        default=None, validation_alias="CDB_REPLAY_SPEED", description="a factor such as 10, or max"
    )


class ReplaySource(Source):
    """A file's trades in their order, at *speed* times their own pace, or one as soon as the last is done with."""

    name = "replay"
    may_lose = False
    settings = ReplaySettings

    def __init__(self, settings: ReplaySettings, symbols: tuple[str, ...]) -> None:
        if settings.file is None:
            raise SourceRefused("CDB_REPLAY_FILE is not set: CDB_SOURCE=replay needs a file of trades")
        try:
            reading = msgspec.json.decode(settings.reading, type=prepared(Reading))
        except msgspec.MsgspecError as error:
            raise SourceRefused(f"CDB_REPLAY_READING={settings.reading!r:.80} is refused: {error}") from error
        self._rows: Iterator[RawTrade | Refusal] = read_tape(settings.file, reading)
        self._speed = settings.speed
        self._first: tuple[int, float] | None = None
        self._upcoming: RawTrade | Refusal | None = None

    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        """Wait for the next row until it is due; raises SourceGaveUp if the file is no tape."""
        try:
            row = self._upcoming or next(self._rows, None)
        except NotATape as error:
            raise SourceGaveUp(str(error)) from error
        if row is None:
            return None
        self._upcoming = row
        if isinstance(row, RawTrade) and self._speed is not None:
            wait_s = self._wait_s(row, self._speed)
            if wait_s > 0:
                stop.wait(min(wait_s, LONGEST_WAIT_S))
                return []
        self._upcoming = None
        return [row]

    def _wait_s(self, trade: RawTrade, speed: float) -> float:
        now = time.monotonic()
        if self._first is None:
            self._first = (trade.ts_event, now)
        first_ns, began = self._first
        return began + (trade.ts_event - first_ns) / NANOSECONDS / speed - now


SOURCE: Final[type[Source]] = ReplaySource
