"""Run the demo undisturbed with the committed alerts: none may fire while nothing is wrong.

It starts a stack of its own with default settings beside any other, or watches the running one and changes nothing in
it. Each alert that fired, notification that arrived and audit rule that is broken is named, and the exit code is then
1. An alert that was only pending is named too, but is no fault.

Example: python -m bench.soak --minutes 15
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench.stacks import ROOT, Bot
from cdb.audit import read_and_audit
from cdb.running.native import Stack, StackConfig, StackError, select
from cdb.running.native.config import state_dir
from services.errors import ServerAway
from services.ledger.connection import Ledger, LedgerAddress
from services.settings import LedgerSettings, read

PARTS: Final = tuple(part.name for part in select(()) if part.name != "grafana")
"""All parts but Grafana: a soak reads no dashboard."""
READY_WITHIN_S: Final = 180.0
LOOK_EVERY_S: Final = 5.0
SAY_EVERY_S: Final = 60.0
"""How often a line is printed if the output is no terminal."""


@dataclass(frozen=True)
class Soaked:
    """Result of a soak. Alerts are named with their service or symbol; the number counts evaluations in that state."""

    minutes: float
    signals: int
    fills: int
    fired: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    notified: list[str] = field(default_factory=list)
    broken_rules: list[str] = field(default_factory=list)

    @property
    def peaceful(self) -> bool:
        """Whether the bot traded, no alert fired, no notification arrived and the ledger is in order."""
        return not (self.fired or self.notified or self.broken_rules) and self.signals > 0 and self.fills > 0


def soak(bot: Bot, console: Console, *, minutes: float) -> Soaked:
    """Watch *bot* for *minutes*; raises StackError if a part stops answering."""
    began, deadline = time.time(), time.monotonic() + 60 * minutes
    first = _signals_and_fills(bot)
    next_line = 0.0
    with console.status("") as status:
        while (left_s := deadline - time.monotonic()) > 0:
            signals, fills = (now - then for now, then in zip(_signals_and_fills(bot), first, strict=True))
            states = _alerts_now(bot)
            line = f"{left_s:4.0f} s left, {signals} signals, {fills} fills, alerts: {_listed(states) or 'none'}"
            status.update(line)
            if not console.is_terminal and time.monotonic() >= next_line:
                next_line = time.monotonic() + SAY_EVERY_S
                console.print(line)
            time.sleep(min(LOOK_EVERY_S, left_s))
    return _seen(bot, first, began=began)


def _seen(bot: Bot, first: tuple[int, int], *, began: float) -> Soaked:
    ended = time.time()
    signals, fills = (now - then for now, then in zip(_signals_and_fills(bot), first, strict=True))
    states = _alerts_between(bot, began, ended)
    return Soaked(
        minutes=round((ended - began) / 60, 2),
        signals=signals,
        fills=fills,
        fired=states.get("firing", {}),
        pending=states.get("pending", {}),
        notified=_notified(bot, since=began),
        broken_rules=_broken_rules(bot.stack.config),
    )


def _signals_and_fills(bot: Bot) -> tuple[int, int]:
    return (
        round(bot.counter("cdb_core", "cdb_signals_generated_total")),
        round(bot.counter("cdb_execution", "cdb_trades_executed_total")),
    )


def _alerts_now(bot: Bot) -> dict[str, dict[str, int]]:
    return _by_state(_prometheus(bot, "ALERTS"))


def _alerts_between(bot: Bot, began: float, ended: float) -> dict[str, dict[str, int]]:
    """State of each alert and the number of evaluations in it, from the series ALERTS in Prometheus."""
    return _by_state(_prometheus(bot, f"count_over_time(ALERTS[{math.ceil(ended - began)}s])", at=ended))


def _by_state(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        labels = row["metric"]
        telling = (labels[name] for name in ("service", "symbol", "instance") if name in labels)
        name = " ".join((labels["alertname"], *telling))
        found.setdefault(labels["alertstate"], {})[name] = int(float(row["value"][1]))
    return found


def _prometheus(bot: Bot, query: str, *, at: float | None = None) -> list[dict[str, Any]]:
    parameters = {"query": query, **({"time": f"{at:.3f}"} if at is not None else {})}
    answer = json.loads(bot.ask("prometheus", f"/api/v1/query?{urllib.parse.urlencode(parameters)}"))
    rows: list[dict[str, Any]] = answer["data"]["result"]
    return rows


def _notified(bot: Bot, *, since: float) -> list[str]:
    answer = json.loads(bot.ask("cdb_console", f"/api/notifications?since={since:.3f}&limit=1000"))
    return [f"{one['alertname']} {one['status']}: {one['annotations']['summary']}" for one in answer["notifications"]]


def _broken_rules(config: StackConfig) -> list[str]:
    address = LedgerAddress.of(read(LedgerSettings, config.process_environment()))
    ledger = Ledger(address, application="soak")
    try:
        report = read_and_audit(ledger)
    except ServerAway as away:
        raise StackError(f"the ledger could not be audited: {away}") from away
    finally:
        ledger.close()
    return [f"{rule.text}: {report.tallies[rule].breaches} breaches" for rule in report.broken]


def _listed(states: dict[str, dict[str, int]]) -> str:
    return ", ".join(f"{name} {state}" for state, names in sorted(states.items()) for name in sorted(names))


@contextmanager
def _running() -> Iterator[Bot]:
    """The operator's stack; it is only looked at."""
    stack = Stack.attach(state_dir(ROOT, os.environ))
    if stack is None or not stack.running():
        raise StackError("nothing is running: `make up` starts it; without --running there is a stack of its own")
    yield Bot(stack)


@contextmanager
def _own() -> Iterator[Bot]:
    """Run a stack on free ports and remove it afterwards."""
    stack = Stack(StackConfig.isolated(ROOT, Path(tempfile.mkdtemp(prefix="cdb-soak-")), parts=select(PARTS)))
    try:
        stack.start()
        if failure := stack.wait_ready(READY_WITHIN_S):
            raise StackError(f"{failure.part}: {failure.reason}")
        yield Bot(stack)
    finally:
        stack.remove()


def report(found: Soaked, console: Console) -> None:
    """Print the result, the worst last."""
    console.print(f"{found.minutes:g} minutes: {found.signals} signals, {found.fills} fills")
    for name, count in found.pending.items():
        console.print(f"pending at {count} evaluations: {name}")
    for name, count in found.fired.items():
        console.print(f"FIRED at {count} evaluations: {name}")
    for what in found.notified:
        console.print(f"NOTIFIED: {what}")
    for name in found.broken_rules:
        console.print(f"AUDIT: rule broken: {name}")
    console.print("nothing to tell anybody" if found.peaceful else "the operator was bothered, or nothing was traded")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15.0, help="how long, 15 without it")
    parser.add_argument("--running", action="store_true", help="watch the running stack instead of one of its own")
    parser.add_argument("--json", action="store_true", help="print one object")
    options = parser.parse_args(arguments)
    if not 0 < options.minutes <= 10_000:
        parser.error(f"--minutes must be above 0 and at most 10000; got {options.minutes:g}")
    console = Console(highlight=False, stderr=options.json, soft_wrap=True)
    try:
        with _running() if options.running else _own() as bot:
            found = soak(bot, console, minutes=options.minutes)
            bot.close()
    except StackError as error:
        console.print(f"soak: {error}")
        return 3
    if options.json:
        print(json.dumps({**asdict(found), "peaceful": found.peaceful}))
    else:
        report(found, console)
    return 0 if found.peaceful else 1


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
