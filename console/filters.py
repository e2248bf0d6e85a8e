"""What a page is asked for in its address: filters that a form left empty count as not given."""

from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec
from flask import request

from services import durations
from services.runtime.web import BadRequest, converted

P = TypeVar("P", bound=msgspec.Struct)
NAME_LENGTH: Final = 40
_LONGEST: Final = timedelta(days=10 * 365)


def filters(kind: type[P]) -> P:
    """Read the address's parameters; raises BadRequest naming the wrong one."""
    return converted({name: value for name, value in request.args.items() if value.strip()}, kind)


def name_of(parameter: str, text: str) -> str:
    """Check a symbol or a strategy. Raises BadRequest."""
    wanted = text.strip()
    if len(wanted) > NAME_LENGTH or not (wanted.isascii() and wanted.isprintable()):
        raise BadRequest(f"{parameter} must be at most {NAME_LENGTH} characters of ASCII; got {text!r:.80}")
    return wanted


def length_of(parameter: str, text: str) -> timedelta:
    """Read a length of time such as 50ms; a number alone is milliseconds. Raises BadRequest."""
    try:
        return durations.parse(text.strip(), most=_LONGEST, plain="ms")
    except durations.BadDuration as error:
        raise BadRequest(f"{parameter}: {error}") from None


def moment_of(parameter: str, text: str, *, now: datetime) -> datetime:
    """Read a moment: how long before *now*, such as 2h, or ISO 8601 with an offset. Raises BadRequest."""
    wanted = text.strip()
    try:
        return now - durations.parse(wanted, most=_LONGEST)
    except durations.BadDuration:
        pass
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequest(
            f"{parameter} must be a time such as 2026-11-23T10:00:00Z, or how long ago, such as 2h; got {text!r:.80}"
        )
    return moment
