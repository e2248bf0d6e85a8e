"""One recording: follow the stream until the time is over or somebody ends it, whatever the bus does meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Final, TextIO

from cdb.record.recording import Recording
from cdb.record.stream import PAGE, TradeStream
from services.errors import ServerAway
from services.ws.tape.writer import HEADER

_PAUSE_S: Final = 0.25

OnProgress = Callable[[Recording, str], None]
"""Is told how far the recording is, and why the bus does not answer ("" if it does)."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to record. *for_s* None: until somebody ends it. *symbols* None: all.

    *lead_in_s* is for how long before the beginning, as far as that is still on the bus.
    """

    symbols: frozenset[str] | None = None
    for_s: float | None = None
    lead_in_s: float = 0.0


def record(stream: TradeStream, request: Request, out: TextIO, ended: Event, on_progress: OnProgress) -> Recording:
    """Write to *out* what is published until *ended* is set or the time is over.

    Raises ServerAway if the bus is not there when it begins; later it is waited for.
    """
    began = time.monotonic()
    recording = Recording(began_ms=stream.now_ms(), symbols=request.symbols)
    stream.begin_at(recording.began_ms - int(request.lead_in_s * 1000))
    out.write(HEADER)
    over = False
    while not over:
        over = ended.is_set() or (request.for_s is not None and time.monotonic() - began >= request.for_s)
        asked = time.monotonic()
        try:
            entries = stream.next()
        except ServerAway as away:
            on_progress(recording, str(away))
            ended.wait(_PAUSE_S)
            recording.was_away(time.monotonic() - asked)
            continue
        out.writelines(recording.lines(entries))
        on_progress(recording, "")
        over = over and len(entries) < PAGE
    recording.finish(recording.began_ms + int((time.monotonic() - began) * 1000))
    return recording
