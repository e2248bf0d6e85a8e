"""What a check says."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How an item stands. A warning is for the operator to judge and fails nothing."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What was found for one item, and what to do about it."""

    verdict: Verdict
    found: str
    advice: str = ""


def ok(found: str) -> Finding:
    """Tell that all is as it must be."""
    return Finding(Verdict.OK, found)


def warn(found: str, advice: str) -> Finding:
    """Tell the operator what to know before real use."""
    return Finding(Verdict.WARN, found, advice)


def fail(found: str, advice: str) -> Finding:
    """Tell what does not work."""
    return Finding(Verdict.FAIL, found, advice)


def first_line(error: Exception) -> str:
    """First line of what *error* says, else its kind."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
