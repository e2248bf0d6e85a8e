"""Whether secrets are secret, and what runs has the settings that are written down."""

import re
import stat
from typing import Final

from cdb.doctor.findings import Finding, fail, ok, warn
from cdb.doctor.unread_settings import without_effect
from cdb.running.account import (
    SOURCE,
    held_untraded,
    ignored_opening_cash,
    mixed_sources,
    owners_that_do_not_run,
    traded_source,
)
from cdb.running.base import RunningStack
from cdb.running.native import envfile
from cdb.running.settings import read_settings
from services import topology
from services.settings import TradedSettings

_SHORTEST: Final = 16
_TEST_VALUE: Final = re.compile(rf"({envfile.TEST_MARK}|test_|throw-away[-_])", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(r"<.*>|.*(change.?me|your.password|example|secret123|password).*", re.IGNORECASE)
_HOW_TO_CHANGE: Final = "docs/operations.md, 'Change a secret'"
_NOT_FOUND: Final = 404
_TEST_PATHS: Final = {topology.WS.name: "/test/scenario", topology.RISK.name: "/test/trigger-drawdown"}
"""Endpoint for tests of services that do not have the usual one, /test/errors."""


def secrets(stack: RunningStack) -> Finding:
    """Every secret is set, long enough, one of its own, and none that was made for a test."""
    needed = [entry.name for entry in envfile.ENTRIES if entry.required and entry.name in envfile.SECRETS]
    values = {name: stack.settings.get(name, "") for name in needed}
    if weak := [name for name, value in values.items() if len(value) < _SHORTEST or _PLACEHOLDER.fullmatch(value)]:
        return fail(f"empty, shorter than {_SHORTEST} characters or a placeholder: {', '.join(weak)}", _HOW_TO_CHANGE)
    if same := sorted(name for name, value in values.items() if [*values.values()].count(value) > 1):
        return fail(f"the same value: {', '.join(same)}", _HOW_TO_CHANGE)
    if marked := [name for name, value in values.items() if _TEST_VALUE.match(value)]:
        return warn(f"values generated for tests: {', '.join(marked)}", _HOW_TO_CHANGE)
    return ok(f"{', '.join(needed)}: all set, all different")


def env_file(stack: RunningStack) -> Finding:
    """Only its owner may read the file with the secrets."""
    path = stack.root / ".env"
    if not path.exists():
        return warn(f"{path} does not exist: the settings came from the environment", "make env")
    mode = stat.S_IMODE(path.stat().st_mode)
    return ok(f"{path}, mode 600") if mode == 0o600 else fail(f"{path} has mode {mode:o}", f"chmod 600 {path}")


def as_started(stack: RunningStack) -> Finding:
    """Nothing in settings, and without containers in code, was changed since the start."""
    changed = stack.changed_settings()
    if changed is None:
        return warn(
            "unknown: docker compose is not installed here", f"to apply possible changes: {stack.how_to_restart}"
        )
    if any(one.startswith(f"{SOURCE} ") for one in changed):
        running = traded_source(stack)
        return warn(
            "; ".join(changed),
            f"to keep {running}: write {SOURCE}={running} into .env; another source needs a new account (docs/live.md);"
            f" then {stack.how_to_restart}",
        )
    if changed:
        return warn("; ".join(changed), f"to apply that: {stack.how_to_restart}")
    return ok("nothing was changed since the start" if stack.way == "native" else "no setting was changed")


def effect(stack: RunningStack) -> Finding:
    """Nothing is set that nobody reads."""
    if said := without_effect(stack.wanted, envfile.read(stack.root / ".env"), stack.root, way=stack.way):
        return warn("; ".join(said), "remove the line from .env, or the variable from the environment")
    return ok("every setting in .env and the environment is read")


def account(stack: RunningStack) -> Finding:
    """The account has one source and the cash that is set, and holds nothing that nobody trades any more."""
    if mixed := mixed_sources(stack):
        return warn(mixed, "docs/live.md, 'Start and stop'")
    said = ignored_opening_cash(stack)
    if owners := owners_that_do_not_run(stack):
        names = ", ".join(owners)
        return warn(
            "; ".join(filter(None, [said, f"only a stop loss sells what strategies hold that do not run: {names}"])),
            f"add {names} to CDB_STRATEGIES until the positions are closed; {stack.how_to_restart}",
        )
    if held := held_untraded(stack):
        return warn(
            "; ".join(filter(None, [said, f"held, but not in CDB_SYMBOLS: {', '.join(held)}"])),
            f"add {', '.join(held)} to CDB_SYMBOLS until the position is closed; {stack.how_to_restart}"
            f"{_if_listed(stack)}",
        )
    if said:
        return warn(said, f"remove the setting; or, to delete the ledger and begin anew: {stack.how_to_begin_anew}")
    return ok(
        f"trades come from {traded_source(stack)}; opened as the settings say; every position has its symbol traded and"
        " its strategy running"
    )


def _if_listed(stack: RunningStack) -> str:
    """What to know of a live exchange before a symbol is added."""
    traded = read_settings(TradedSettings, stack.settings)
    if not traded.is_live:
        return ""
    return f". Only symbols that {traded.source} lists can be added: with any other cdb_ws does not start"


def test_endpoints(stack: RunningStack) -> Finding:
    """The endpoints that move prices and drawdown for a test do not exist."""
    there = [
        f"{service} {path}"
        for service, path in ((name, _TEST_PATHS.get(name, "/test/errors")) for name in topology.NAMES)
        if stack.http.get(stack.url(service, path)).status_code != _NOT_FOUND
    ]
    if there:
        return warn(
            f"enabled: {', '.join(there)}",
            f"native default; before real use set CDB_TEST_ENDPOINTS=0 in .env, then {stack.how_to_restart}",
        )
    return ok("none")
