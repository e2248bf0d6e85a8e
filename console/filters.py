"""What a page is asked for in its address: filters that a form left empty count as not given."""

import re
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec
from flask import request

from services import durations
from services.runtime.parameters import BadRequest, converted

P = TypeVar("P", bound=msgspec.Struct)
NAME_LENGTH: Final = 40
_NAME: Final = re.compile(rf"[!-~]{{1,{NAME_LENGTH}}}")
_LONGEST: Final = timedelta(days=10 * 365)


def filters(kind: type[P]) -> P:
    """Read the address's parameters; raises BadRequest naming the wrong one."""
    return converted({name: value for name, value in request.args.items() if value.strip()}, kind)


def name_of(parameter: str, text: str) -> str:
    """Check a symbol or a strategy, or nothing for all. Raises BadRequest."""
    wanted = text.strip()
    if wanted and not _NAME.fullmatch(wanted):
        allowed = f"up to {NAME_LENGTH} printable ASCII characters without a space"
        raise BadRequest(f"{parameter} must be {allowed}, or empty for all; got {text!r:.80}")
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
