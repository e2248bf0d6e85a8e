"""Whether decisions take longer in a ledger that has many: one at a time, before and after millions were added."""

from typing import Final

from bench.pipeline import decisions
from bench.pipeline.decisions import Exchange, one_by_one
from bench.pipeline.report import Aim, Figure, Narrator, Section
from bench.stacks import Bot, Lab
from cdb.running.native import StackError

SERVICES: Final = ("cdb_risk", "cdb_execution")
SETTINGS: Final = {**decisions.SETTINGS, "ORDER_SIZE_PCT": "0.0001"}  # or the exposure reaches its limit
AIM: Final = Aim("<", 1.1)
_AT_ONCE: Final = 250_000
_COLUMNS: Final = """
SELECT column_name FROM information_schema.columns
WHERE table_name = %s AND column_name NOT IN ('signal_id', 'decision_seq')
"""


def measure(lab: Lab, narrator: Narrator, *, rows: int, count: int) -> Section:
    """Time *count* decisions in turns: on a new ledger, with *rows* more in it, and after a restart of the services."""
    section = Section(f"Ledger: decisions one at a time, with {rows:,} older ones", SETTINGS)
    with lab.run("decisions, old ledger", SERVICES, SETTINGS) as bot:
        exchange = Exchange(bot)
        _turn(bot, narrator, exchange, count, section, "warming up")
        new = _turn(bot, narrator, exchange, count, section, "a new ledger")
        for number in range(0, rows, _AT_ONCE):
            narrator.say(f"ledger: {number:,} of {rows:,} decisions added")
            _add_decisions(bot, number, min(_AT_ONCE, rows - number))
        for statement in ("VACUUM ANALYZE", "CHECKPOINT"):  # or PostgreSQL would do both while we measure
            bot.query(statement)
        old = _turn(bot, narrator, exchange, count, section, f"{rows:,} older decisions")
        for service in SERVICES:
            bot.stack.stop_part(service)
            bot.stack.start_part(service)
        if failure := bot.stack.wait_ready(60):
            raise StackError(f"{failure.part}: {failure.reason}")
        anew = _turn(bot, narrator, exchange, count, section, "after a restart")
    section.figures = [
        Figure("p50 with older decisions to a new ledger", old / new, "", AIM),
        Figure("p50 after a restart to a new ledger", anew / new, "", AIM),
    ]
    return section


def _turn(bot: Bot, narrator: Narrator, exchange: Exchange, count: int, section: Section, name: str) -> float:
    rate, took = one_by_one(bot, narrator, exchange, count)
    row = {"decisions": name, "a second": rate.value, "p50, ms": took.p50, "p95, ms": took.p95}
    section.rows = [*section.rows, row]
    return took.p50


def _add_decisions(bot: Bot, first: int, count: int) -> None:
    """Copy the ledger's first signal and decision *count* times, with ids of their own from *first* on."""
    for table in ("signals", "decisions"):
        columns = ", ".join(name for (name,) in bot.query(_COLUMNS, (table,)))
        statement = f"""SET session_replication_role = replica;
            INSERT INTO {table} (signal_id, {columns}) SELECT 'old:' || number, {columns}
            FROM (SELECT * FROM {table} LIMIT 1) AS one, generate_series(%s, %s) AS number"""  # noqa: S608  our names
        bot.query(statement, (first, first + count - 1))
