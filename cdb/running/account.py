"""What the ledger's account does not take over from changed settings."""

from decimal import Decimal
from typing import Final

from cdb.running.base import RunningStack
from cdb.running.settings import read_settings
from services.core.settings import CoreSettings
from services.settings import TradedSettings

SOURCE: Final = "CDB_SOURCE"
OPENING_CASH: Final = "CDB_OPENING_CASH"
_OPENED_WITH: Final = "SELECT coalesce((SELECT opening_cash::text FROM account), '')"
_SOURCES: Final = "SELECT coalesce((SELECT array_to_string(sources, ',') FROM account), '')"
_OWNERS: Final = """
SELECT coalesce(string_agg(DISTINCT strategy, ',' ORDER BY strategy), '') FROM positions WHERE quantity > 0
"""
_HELD: Final = "SELECT coalesce(string_agg(DISTINCT symbol, ',' ORDER BY symbol), '') FROM positions WHERE quantity > 0"


def ignored_opening_cash(stack: RunningStack) -> str:
    """Say that the opening cash that is set has no effect; '' if it is the account's. Raises StackError, ServerAway."""
    wanted = {**stack.settings, **stack.wanted}.get(OPENING_CASH, "")
    opened_with = stack.ledger_programs().ask(_OPENED_WITH) if wanted else ""
    if not opened_with or Decimal(opened_with) == Decimal(wanted):
        return ""
    return f"{OPENING_CASH}={wanted} has no effect: the account exists, and was opened with {Decimal(opened_with):f}"


def traded_source(stack: RunningStack) -> str:
    """The source of trades that the stack runs with. Raises StackError."""
    return read_settings(TradedSettings, stack.settings).source


def mixed_sources(stack: RunningStack) -> str:
    """Say that the account and the source of trades do not belong together, and what to do; '' if they do.

    Raises StackError, ServerAway.
    """
    now, (first, *others) = traded_source(stack), stack.ledger_programs().ask(_SOURCES).split(",")
    if first and others:
        return (
            f"the account has traded on {first} and on {', '.join(others)}: its positions and results mix their"
            f" prices. To begin anew: {stack.how_to_begin_anew} (docs/live.md)"
        )
    if first and first != now:
        return (
            f"the account was opened on {first}, but trades come from {now} now ({SOURCE}): its coins will be"
            f" valued and sold at prices of {now}. To go back: write {SOURCE}={first} into .env, then"
            f" {stack.how_to_restart}. To begin anew: {stack.how_to_begin_anew} (docs/live.md)"
        )
    return ""


def held_untraded(stack: RunningStack) -> list[str]:
    """Symbols with an open position that are not among those traded. Raises StackError, ServerAway."""
    traded = read_settings(TradedSettings, stack.settings).symbols
    held = stack.ledger_programs().ask(_HELD)
    return [symbol for symbol in held.split(",") if symbol and symbol not in traded]


def owners_that_do_not_run(stack: RunningStack) -> list[str]:
    """Strategies that hold something and are not among those that run. Raises StackError, ServerAway.

    A class of somebody else's has a name that only its code knows; then nothing is said.
    """
    running = read_settings(CoreSettings, stack.settings).strategies
    owners = stack.ledger_programs().ask(_OWNERS)
    if any(":" in name for name in running):
        return []
    return [owner for owner in owners.split(",") if owner and owner not in running]
