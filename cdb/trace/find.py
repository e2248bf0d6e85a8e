"""Find a trace by the beginning of its id."""

import re
from collections.abc import Iterable
from typing import Final

from cdb.kit.errors import Refused
from cdb.trace.jaeger import Jaeger
from cdb.trace.model import Trace

_ID: Final = re.compile(r"[0-9a-f]{4,32}")
_WHOLE: Final = 32
LOOKED_AT: Final = 1_000  # newest traces of each service
DAY_US: Final = 86_400_000_000


class NoSuchTrace(Refused):
    """There is no such trace, or more than one; the text says which."""


def find(jaeger: Jaeger, text: str, *, now_us: int) -> Trace:
    """Find the trace whose id is *text*, or the only one among the newest of a day whose id begins with it.

    Raises NoSuchTrace or Away.
    """
    wanted = text.lower()
    if not _ID.fullmatch(wanted):
        raise NoSuchTrace(
            f"{text!r:.60} is not a trace id: give its 32 hexadecimal digits, or the first 4 or more of them"
        )
    if len(wanted) == _WHOLE:
        if found := jaeger.trace(wanted):
            return found
        raise NoSuchTrace(f"there is no trace {wanted}: it was not stored, or it is too old")
    found_by_id = {trace.trace_id: trace for trace in _newest(jaeger, now_us) if trace.trace_id.startswith(wanted)}
    if not found_by_id:
        raise NoSuchTrace(f"none of the newest {LOOKED_AT:,} traces of the last day begins with {wanted}")
    if len(found_by_id) > 1:
        some = ", ".join(sorted(found_by_id)[:5])
        raise NoSuchTrace(f"{len(found_by_id)} traces begin with {wanted}: {some}: give more digits")
    (only,) = found_by_id
    return jaeger.trace(only) or found_by_id[only]


def _newest(jaeger: Jaeger, now_us: int) -> Iterable[Trace]:
    for service in jaeger.services():
        yield from jaeger.find(service, start_us=now_us - DAY_US, end_us=now_us, limit=LOOKED_AT)
