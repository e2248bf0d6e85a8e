"""Run the checks: several at once, a failure of a server is a finding."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from cdb.doctor.checks import CHECKS, Check
from cdb.doctor.findings import Finding, Verdict, fail
from cdb.doctor.site import Site, reason
from cdb.kit.errors import CommandError

_AT_ONCE: Final = 4
_AGAIN_S: Final = 2.0
_AWAY: Final = (CommandError, httpx.HTTPError, OSError)


def examine(site: Site, *, wait_s: float = 0.0, checks: Sequence[Check] = CHECKS) -> Iterator[tuple[Check, Finding]]:
    """Yield each of *checks* with its finding, in order; repeat one that fails for up to *wait_s* seconds in all."""
    deadline = time.monotonic() + wait_s
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from zip(checks, pool.map(lambda check: _patiently(check, site, deadline), checks), strict=True)


def _patiently(check: Check, site: Site, deadline: float) -> Finding:
    while (finding := _look(check, site)).verdict is Verdict.FAIL and time.monotonic() < deadline:
        time.sleep(_AGAIN_S)
    return finding


def _look(check: Check, site: Site) -> Finding:
    try:
        return check.look(site)
    except _AWAY as error:
        return fail(reason(error), site.look)
