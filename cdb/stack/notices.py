"""What `cdb up` and `cdb status` say of the market and of the account though all parts are healthy."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from rich.console import Console

from cdb.kit.failures import complain
from cdb.running.account import SOURCE, ignored_opening_cash, mixed_sources, traded_source
from cdb.running.base import RunningStack
from cdb.running.errors import StackError
from cdb.running.feed import Feed, feed, why_no_trades
from cdb.running.native import Part, PartStatus
from cdb.running.native.stack import Progress
from cdb.running.native_stack import NativeStack
from services.errors import ServerAway
from services.topology import WS

_MARKET_S: Final = 5.0
_POSTGRES: Final = frozenset({"postgres", "cdb_postgres"})
"""The ledger's part, without and with containers."""


def warnings(stack: RunningStack, market: Feed | None, ready: Iterable[str]) -> list[str]:
    """Give a sentence for each thing that is wrong; *ready* are the parts that can be asked."""
    found = [market.problem or market.notice] if market else []
    if _POSTGRES & {*ready}:
        with suppress(StackError, ServerAway):  # it has not the schema of this version yet
            found.append(mixed_sources(stack))
    return [*filter(None, found)]


def say_source(console: Console, stack: RunningStack, parts: Iterable[Part]) -> None:
    """Name the source of trades if *parts* read it."""
    if any(part.name == WS.name for part in parts):
        console.print(f"Trades come from: {traded_source(stack)} ({SOURCE}; docs/live.md)", highlight=False)


def say_of_account(console: Console, stack: RunningStack) -> None:
    """Say what the account does not take over from the settings."""
    with suppress(StackError, ServerAway):  # only some parts were started
        if mixed := mixed_sources(stack):
            complain(mixed)
        if said := ignored_opening_cash(stack):
            console.print(f"{said}. To begin anew: {NativeStack.how_to_begin_anew}", highlight=False)


class Market:
    """Says once why no trades come, as soon as cdb_ws knows; all is healthy without them, but nothing trades."""

    def __init__(self, stack: RunningStack, show: Progress) -> None:
        self._stack = stack
        self._show = show
        self._has_said = False

    def look(self, parts: tuple[PartStatus, ...]) -> None:
        """Show the progress, and say what cdb_ws knows while others are still starting."""
        self._show(parts)
        if not self._has_said and any(part.name == WS.name and part.ready for part in parts):
            now = feed(self._stack)
            self._say(now.problem if now and now.has_failed else "")

    def wait(self, parts: Iterable[Part]) -> None:
        """Give the market a moment to be there."""
        if not self._has_said and any(part.name == WS.name for part in parts):
            self._say(why_no_trades(self._stack, within_s=_MARKET_S))

    def _say(self, problem: str) -> None:
        if problem:
            self._has_said = True
            complain(problem)
