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
    check_id(wanted)
    if not is_whole(wanted):
        wanted = only_one(newest_ids(jaeger, now_us=now_us), wanted)
    if found := jaeger.trace(wanted):
        return found
    raise NoSuchTrace(f"there is no trace {wanted}: it was not stored, or it is too old")


def check_id(text: str) -> None:
    """Raise NoSuchTrace unless *text* is an id or the beginning of one, in small letters."""
    if not _ID.fullmatch(text):
        raise NoSuchTrace(
            f"{text!r:.60} is not a trace id: give its 32 hexadecimal digits, or the first 4 or more of them"
        )


def is_whole(text: str) -> bool:
    """Tell whether *text* has all digits of an id."""
    return len(text) == _WHOLE


def only_one(ids: Iterable[str], wanted: str, *, looked_at: int = LOOKED_AT) -> str:
    """Find the only one of *ids*, the newest *looked_at*, that begins with *wanted*. Raises NoSuchTrace."""
    found = {trace_id for trace_id in ids if trace_id.startswith(wanted)}
    if not found:
        raise NoSuchTrace(f"none of the newest {looked_at:,} traces of the last day begins with {wanted}")
    if len(found) > 1:
        some = ", ".join(sorted(found)[:5])
        raise NoSuchTrace(f"{len(found)} traces begin with {wanted}: {some}: give more digits")
    return found.pop()


def newest_ids(jaeger: Jaeger, *, now_us: int, most: int = LOOKED_AT) -> frozenset[str]:
    """Ids of the newest traces of each service, at most so many. Jaeger sends 10 kB for each. Raises Away."""
    began = now_us - DAY_US
    return frozenset(
        trace_id
        for service in jaeger.services()
        for trace_id in jaeger.ids(service, start_us=began, end_us=now_us, limit=most)
    )
