"""Moments and spans of time on a command line: the times of trades that a backtest takes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cdb.kit.errors import USAGE, CommandError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BETWEEN: Final = ".."


class BadTime(CommandError):
    """No moment or no span; the text says which option, its value and what is allowed."""

    exit_code = USAGE


@dataclass(frozen=True)
class Span:
    """From *since_ns* to *until_ns*, which is left out itself, in nanoseconds since 1970; None is without a bound."""

    since_ns: int | None = None
    until_ns: int | None = None


def time_ns(option: str, text: str) -> int:
    """The moment that *text* is, in UTC unless it says otherwise. Raises BadTime."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadTime(f"{option} {text!r:.60} is no time: 2026-01-31 or 2026-01-31T12:00 is allowed") from error
    when = when.replace(tzinfo=when.tzinfo or UTC)
    return (when - _EPOCH) // timedelta(microseconds=1) * 1_000


def span_of(since: str | None, until: str | None) -> Span:
    """What --from and --to say. Raises BadTime."""
    span = Span(
        time_ns("--from", since) if since is not None else None, time_ns("--to", until) if until is not None else None
    )
    if not _is_forward(span):
        raise BadTime(f"--from {since} must be before --to {until}")
    return span


def span(option: str, text: str) -> Span:
    """The span T1..T2 that *text* is; either may be missing: T1.. has no end. Raises BadTime."""
    begin, between, end = (word.strip() for word in text.partition(_BETWEEN))
    if not between or not (begin or end):
        raise BadTime(
            f"{option} {text!r:.60} is no span: T1..T2, T1.. or ..T2 is allowed, such as 2026-01-01..2026-02-01"
        )
    found = Span(time_ns(option, begin) if begin else None, time_ns(option, end) if end else None)
    if not _is_forward(found):
        raise BadTime(f"{option} {text}: {begin} must be before {end}")
    return found


def train_and_test(train: str, test: str) -> tuple[Span, Span]:
    """What --train and --test say. Raises BadTime, also if the test begins before the training ends."""
    found = span("--train", train), span("--test", test)
    end, begin = found[0].until_ns, found[1].since_ns
    if end is None or begin is None or begin < end:
        raise BadTime(f"--test {test} must begin where --train {train} ends, or later: ..T1 and T1.. is allowed")
    return found


def _is_forward(span: Span) -> bool:
    return span.since_ns is None or span.until_ns is None or span.since_ns < span.until_ns
