"""The run itself: one fault after the other under load, each until the bot is healthy and trades again."""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import psycopg2

from bench.chaos.faults import Fault, Way, cause
from bench.pipeline.report import Narrator
from bench.stacks import Bot, wait_until
from cdb.running.native import StackError

CALM_S: Final = 10.0
"""How long the bot trades undisturbed before the first fault."""
HEALTHY_WITHIN_S: Final = 90.0
TRADING_WITHIN_S: Final = 60.0
LOOK_EVERY_S: Final = 0.2
COUNTERS: Final = {
    "cdb_market_data_dropped_total": "cdb_ws",
    "cdb_market_data_trimmed_total": "cdb_core",
    "cdb_messages_recovered_total": "cdb_risk",
}
"""Counters that are added up over the lives of a process, and the service that has them."""
_COMMIT: Final = "extract(epoch FROM min(pg_xact_commit_timestamp({}.xmin)))::float8"
_AGAIN: Final = f"""
SELECT {_COMMIT.format("d")}, {_COMMIT.format("f")}
FROM decisions d JOIN signals s USING (signal_id)
LEFT JOIN orders o USING (signal_id) LEFT JOIN fills f USING (order_id)
WHERE d.decision_seq > %s AND s.ts_event > to_timestamp(%s)
"""  # noqa: S608  constants of this module
_NEWEST: Final = "SELECT coalesce(max(decision_seq), 0) FROM decisions"


@dataclass(frozen=True)
class Endured:
    """A fault that happened: its beginning in Unix seconds, and the seconds until a new decision and a new fill.

    They belong to trades that happened after the part was down. *unasked* are parts that have a new process though
    nobody killed or restarted them.
    """

    fault: Fault
    began: float
    decided_s: float
    filled_s: float
    unasked: tuple[str, ...]


@dataclass
class Run:
    """What happened so far, and whether each service has a *standby*. *failure*: why it ended before the last fault."""

    standby: bool = False
    endured: list[Endured] = field(default_factory=list)
    counted: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0.0))
    calm: tuple[float, float] = (0.0, 0.0)
    failure: str = ""
    _last: dict[str, float] = field(default_factory=dict)
    _pids: dict[str, int | None] = field(default_factory=dict)

    def go(self, bot: Bot, narrator: Narrator, faults: list[Fault]) -> None:
        """Let the bot trade undisturbed, then cause *faults*. The first that it does not recover from ends the run."""
        _trading_after(bot, time.time(), _newest(bot))
        self._pids = dict(_pids(bot))
        began = time.time()
        narrator.spend(CALM_S, f"trading undisturbed for {CALM_S:g} s")
        self.calm = (began, time.time())
        for number, fault in enumerate(faults, 1):
            here = f"{number:{len(str(len(faults)))}} of {len(faults)}  {fault.kind:32}"
            try:
                endured = self._endure(bot, fault)
            except StackError as error:
                self.failure = f"{here.strip()}: {error}"
                narrator.say(f"{here} NOT RECOVERED: {error}")
                return
            self.endured.append(endured)
            others = f"; ended unasked: {', '.join(endured.unasked)}" if endured.unasked else ""
            times = f"decides again after {endured.decided_s:6.2f} s, fills after {endured.filled_s:6.2f} s"
            narrator.say(f"{here} {times}{others}")

    def count(self, bot: Bot) -> None:
        """Add up *COUNTERS*; one that is lower than before belongs to a new process."""
        for name, service in COUNTERS.items():
            now = bot.counter(service, name)
            before = self._last.get(name, 0.0)
            self.counted[name] += now - (before if now >= before else 0.0)
            self._last[name] = now

    def _endure(self, bot: Bot, fault: Fault) -> Endured:
        time.sleep(fault.pause_s)
        self.count(bot)
        newest = _newest(bot)
        outage = cause(bot, fault)
        wait_healthy(bot)
        decided, filled = _trading_after(bot, outage.down, newest)
        before, self._pids = self._pids, dict(_pids(bot))
        stays = fault.way in {Way.STOPPED, Way.CUT_OFF}
        spared = (name for name in before if stays or name.removesuffix("_standby") != fault.part)
        unasked = tuple(name for name in spared if self._pids.get(name) != before[name])
        return Endured(fault, outage.began, decided - outage.began, filled - outage.began, unasked)


def wait_healthy(bot: Bot) -> None:
    """Wait until every part does its work; raises StackError naming those that do not."""
    waiting: Mapping[str, str] = {}

    def healthy() -> bool:
        nonlocal waiting
        status = bot.stack.status()
        waiting = {part.name: part.health.detail or part.state for part in status if not part.ready}
        return bool(status) and not waiting

    try:
        wait_until(healthy, within_s=HEALTHY_WITHIN_S, what="all parts healthy", every_s=LOOK_EVERY_S)
    except StackError as error:
        raise StackError(f"{error}; waiting: {dict(waiting)}") from error


def _trading_after(bot: Bot, since: float, newest: int) -> tuple[float, float]:
    """Wait for a decision and a fill on a trade that happened after *since*; gives the times of their commits."""
    found: tuple[float | None, float | None] = (None, None)

    def trades() -> bool:
        nonlocal found
        with suppress(psycopg2.Error):
            decided, filled = bot.query(_AGAIN, (newest, since))[0]
            found = (decided, filled)
        return None not in found

    wait_until(trades, within_s=TRADING_WITHIN_S, what="a new decision and a new fill", every_s=LOOK_EVERY_S)
    decided, filled = found
    assert decided is not None
    assert filled is not None
    return decided, filled


def _newest(bot: Bot) -> int:
    return int(bot.query(_NEWEST)[0][0])


def _pids(bot: Bot) -> Iterator[tuple[str, int | None]]:
    return ((part.name, part.pid) for part in bot.stack.status() if part.state != "done")
