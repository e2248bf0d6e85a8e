"""What must hold after the faults, once the market has stopped and all work is done."""

import csv
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2

from bench.chaos.faults import Way
from bench.chaos.run import Run, wait_healthy
from bench.chaos.witness import Witness
from bench.pipeline.report import Aim, Figure
from bench.stacks import Bot, wait_until
from cdb.audit import Report, Rule, read_and_audit
from cdb.running.native import StackError
from services.errors import ServerAway
from services.ledger.connection import Ledger, LedgerAddress
from services.settings import LedgerSettings, read
from services.topology import DEAD_LETTERS, FILLS, ORDERS, READERS, SIGNALS

NONE: Final = Aim("<", 1)
ONCE: Final = (Rule.ONE_DECISION, Rule.ONE_ORDER, Rule.ONE_FILL, Rule.UNIQUE, Rule.DERIVED)
"""Rules that break if something is booked twice under two names or numbers."""
SETTLED_WITHIN_S: Final = 120.0
LOST_WITH_REDIS_S: Final = 3.0
"""Redis writes to its file before it answers, unless a flush is under way; then at most 2 s later."""
_PLACED: Final = "SELECT order_id FROM orders WHERE state = 'placed'"
_TABLES: Final = (
    "account",
    "signals",
    "decisions",
    "orders",
    "fills",
    "positions",
    "equity",
    "equity_marks",
    "breaker",
    "marks",
)
_SHOWN: Final = 5


@dataclass(frozen=True)
class Undecided:
    """Signals that were on the bus and have no decision: *lost* with Redis' newest entries, or *missing* without it."""

    lost: list[str]
    missing: list[str]


@dataclass(frozen=True)
class Found:
    """Result of the checks: each figure counts what should not be there. *lost_signals* went with a killed Redis."""

    figures: list[Figure]
    lost_signals: int


def settle(bot: Bot) -> None:
    """Stop the market and wait until every message is acknowledged; raises StackError if that does not come."""
    wait_healthy(bot)
    bot.ask("cdb_ws", "/test/scenario?kind=stall&seconds=600", post=True)
    wait_until(lambda: _settled(bot), within_s=SETTLED_WITHIN_S, what="every message read and acknowledged")
    with suppress(StackError):  # the check of the orders says which
        wait_until(lambda: not bot.query(_PLACED), within_s=SETTLED_WITHIN_S, what="every order final")
    wait_until(lambda: _settled(bot), within_s=SETTLED_WITHIN_S, what="the last fills read and acknowledged")


def check(bot: Bot, run: Run, witness: Witness) -> Found:
    """Ask ledger and bus."""
    report = _audited(bot)
    undecided = _undecided(bot, run, witness)
    placed = [order_id for (order_id,) in bot.query(_PLACED)]
    unknown = [(stream, _unknown(bot, witness, stream), len(witness.seen[stream])) for stream in (ORDERS, FILLS)]
    unasked = [f"{name} after {each.fault.kind}" for each in run.endured for name in each.unasked]
    redis_kills = sum(_lost_redis(each.fault.part, each.fault.way) for each in run.endured)
    twice = [rule for rule in report.broken if rule in ONCE]
    seen = f"{len(witness.seen[SIGNALS]):,} seen, of them {len(undecided.lost)} lost in {redis_kills} kills of Redis"
    figures = [
        Figure("not recovered from", int(bool(run.failure)), "faults", NONE, run.failure),
        Figure("audit: broken rules", len(report.broken), "rules", NONE, _broken(report, report.broken)),
        Figure("audit: booked twice", len(twice), "rules", NONE, ", ".join(rule.label for rule in ONCE)),
        Figure("orders without a final state", len(placed), "orders", NONE, _listed(placed)),
        Figure("signals without a decision", len(undecided.missing), "signals", NONE, _listed(undecided.missing, seen)),
        *(
            Figure(f"{stream} on the bus, not in the ledger", len(ids), stream, NONE, _listed(ids, f"{count:,} seen"))
            for stream, ids, count in unknown
        ),
        Figure("messages put aside", _take_dead_letters(bot), "messages", NONE, "dead letters"),
        Figure("parts that ended unasked", len(unasked), "parts", NONE, _listed(unasked)),
    ]  # fmt: skip
    return Found(figures, len(undecided.lost))


def keep_evidence(bot: Bot) -> Path:
    """Copy the logs and the ledger's tables (as CSV) to a new folder that stays."""
    folder = Path(tempfile.mkdtemp(prefix="cdb-chaos-"))
    shutil.copytree(bot.stack.config.layout.logs, folder / "logs")
    for table in _TABLES:
        with suppress(psycopg2.Error), closing(bot.connection()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT *, pg_xact_commit_timestamp(xmin) AS committed FROM {table}")  # noqa: S608  ours
            with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(column.name for column in cursor.description or ())
                writer.writerows(cursor)
    return folder


def _settled(bot: Bot) -> bool:
    try:
        return bot.bus.settled(READERS)
    except ServerAway:
        return False


def _audited(bot: Bot) -> Report:
    address = LedgerAddress.of(read(LedgerSettings, bot.stack.config.process_environment()))
    with closing(Ledger(address, application="chaos")) as ledger:
        return read_and_audit(ledger)


def _undecided(bot: Bot, run: Run, witness: Witness) -> Undecided:
    decided = {signal_id for (signal_id,) in bot.query("SELECT signal_id FROM decisions")}
    kills = [each.began for each in run.endured if _lost_redis(each.fault.part, each.fault.way)]
    found = Undecided([], [])
    for signal_id, seen_at in witness.seen[SIGNALS].items():
        if signal_id not in decided:
            went = any(began - LOST_WITH_REDIS_S <= seen_at <= began + 1 for began in kills)
            (found.lost if went else found.missing).append(signal_id)
    return found


def _lost_redis(part: str, way: Way) -> bool:
    return part == "redis" and way is Way.KILLED


def _unknown(bot: Bot, witness: Witness, stream: str) -> list[str]:
    """Ids that were read from the bus and that the ledger does not have: it should have had them first."""
    rows = bot.query({ORDERS: "SELECT order_id FROM orders", FILLS: "SELECT fill_id FROM fills"}[stream])
    known = {row[0] for row in rows}
    return [name for name in witness.seen[stream] if name not in known]


def _take_dead_letters(bot: Bot) -> int:
    """Count them, and remove them: they are reported here, so the stack may end as usual."""
    count = int(bot.redis.xlen(DEAD_LETTERS))
    bot.redis.delete(DEAD_LETTERS)
    return count


def _broken(report: Report, rules: Sequence[Rule]) -> str:
    if not rules:
        asked = sum(tally.checked for tally in report.tallies.values())
        return f"{len(report.tallies)} rules, asked of {asked:,} rows"
    told = (f"{rule.text}: {report.tallies[rule].breaches}, {report.tallies[rule].shown[:_SHOWN]}" for rule in rules)
    return "; ".join(told)


def _listed(names: Sequence[str], otherwise: str = "") -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more if names else otherwise
