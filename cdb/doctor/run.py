"""Run the checks: several at once, a failure of a server is a finding."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from cdb.check.run import UNREADABLE
from cdb.doctor.checks import CHECKS, Check
from cdb.doctor.findings import Finding, Verdict, fail, first_line, warn
from cdb.kit.errors import CommandError
from cdb.running.base import RunningStack
from cdb.running.errors import NotBuilt
from services.errors import ServerAway

_AT_ONCE: Final = 4
_AGAIN_S: Final = 2.0
_FINDINGS: Final = (CommandError, ServerAway, httpx.HTTPError, OSError, *UNREADABLE)
"""What a server, or a file of the project, may raise: that is what was found."""


def examine(
    stack: RunningStack, *, wait_s: float = 0.0, checks: Sequence[Check] = CHECKS
) -> Iterator[tuple[Check, Finding]]:
    """Yield each of *checks* with its finding, in order; repeat one that fails for up to *wait_s* seconds in all."""
    deadline = time.monotonic() + wait_s
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from zip(checks, pool.map(lambda check: _repeated(check, stack, deadline), checks), strict=True)


def _repeated(check: Check, stack: RunningStack, deadline: float) -> Finding:
    while (finding := _finding_of(check, stack)).verdict is Verdict.FAIL and time.monotonic() < deadline:
        time.sleep(_AGAIN_S)
    return finding


def _finding_of(check: Check, stack: RunningStack) -> Finding:
    try:
        return check.look(stack)
    except NotBuilt as error:
        return warn(first_line(error), "wait for `make up`, or run it again")
    except _FINDINGS as error:
        return fail(first_line(error), stack.where_to_look)
