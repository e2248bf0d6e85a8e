"""Kill, stop and restart every part of a running bot at random moments under load; nothing may be lost or doubled.

It runs the same four programs, Redis, PostgreSQL and the collector in a stack of its own beside any other, and removes
it at the end. With --standby it runs two of each service and what watches them, and only the services meet faults. One
seed always gives the same faults in the same order. docs/performance.md explains the figures.

Exit code: 0 every check holds, 1 one does not, 3 the stack could not be run.

Example: python -m bench.chaos --kills 200
"""

import argparse
import json
import random
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final

import psutil
import psycopg2
import redis

from bench import machines
from bench.chaos import checks, figures
from bench.chaos.faults import COLLECTOR, plan
from bench.chaos.run import Run
from bench.chaos.witness import Witness
from bench.pipeline import latency
from bench.pipeline.report import Narrator, Section, show
from bench.stacks import SERVICES, Bot, Lab
from cdb.running.native import StackError
from services.errors import ServerAway
from services.topology import STANDBYS

SETTINGS: Final = {
    **latency.SETTINGS,
    # Within the noise of prices, too: orders without a signal are among those that are interrupted.
    "STOP_LOSS_PCT": "0.0006",
}
WATCHERS: Final = ("redis_exporter", "postgres_exporter", "prometheus", "alertmanager", "jaeger")
_FAILURES: Final = (StackError, redis.RedisError, psycopg2.Error, ServerAway, psutil.Error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; return the exit code."""
    options = _options(arguments)
    narrator = Narrator()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("bench.chaos: told to stop"))
    narrator.say(f"seed {options.seed}: {options.kills} faults at {options.trades_per_second} trades/s")
    try:
        with Lab() as lab:
            machine = machines.describe(lab)
            section = _endured(lab, narrator, options)
    except _FAILURES as error:
        narrator.say(f"failed: {error}")
        return 3
    _print(section, {**machine, "seed": options.seed}, as_json=options.json)
    return 0 if _held(section) else 1


def _endured(lab: Lab, narrator: Narrator, options: argparse.Namespace) -> Section:
    settings = {**SETTINGS, "SIMULATOR_TRADES_PER_SECOND": str(options.trades_per_second)}
    section = Section("Kills: every part at random moments", settings)
    run = Run(standby=options.standby)
    parts = (*SERVICES, *STANDBYS, *WATCHERS, COLLECTOR) if options.standby else (*SERVICES, COLLECTOR)
    with lab.run("chaos", parts, settings) as bot:
        with Witness(bot) as witness:
            run.go(bot, narrator, plan(options.kills, seed=options.seed, standby=options.standby))
            narrator.say("the market stops; waiting until all is settled")
            _finish(section, bot, run, witness)
        if not _held(section):
            narrator.say(f"a check failed: logs and ledger are kept in {checks.keep_evidence(bot)}")
    return section


def _finish(section: Section, bot: Bot, run: Run, witness: Witness) -> None:
    """Let the bot settle, then check and report. What does not settle is a failed check; what cannot be asked, too."""
    try:
        checks.settle(bot)
        run.count(bot)
    except StackError as error:
        run.failure = run.failure or str(error)
    try:
        found = checks.check(bot, run, witness)
        section.figures = found.figures
        figures.fill(section, bot, run, lost_signals=found.lost_signals)
    except _FAILURES as error:
        section.failure = f"{run.failure}; it could not be checked: {error}"


def _held(section: Section) -> bool:
    return not section.failure and all(figure.as_dict()["met"] is not False for figure in section.figures)


def _print(section: Section, machine: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"machine": machine, "held": _held(section), **section.as_dict()}, indent=1, default=str))
        return
    show([section], machine)
    broken = [figure.name for figure in section.figures if figure.as_dict()["met"] is False]
    print(f"FAILED: {', '.join(broken)}" if broken else "every check holds: nothing was lost, nothing was doubled")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="how many faults (default: 200)")
    parser.add_argument("--seed", type=int, help="order and moments of the faults (default: a random one, printed)")
    parser.add_argument("--trades-per-second", type=int, default=latency.TRADES_PER_SECOND, help="default: 200")
    parser.add_argument(
        "--standby", action="store_true", help="run two of each service; kill, freeze and cut off those that work"
    )
    parser.add_argument("--json", action="store_true", help="print one object instead of tables")
    options = parser.parse_args(arguments)
    for name, most in (("kills", 100_000), ("trades_per_second", 10_000)):
        if not 1 <= getattr(options, name) <= most:
            parser.error(f"--{name.replace('_', '-')} must be from 1 to {most}; got {getattr(options, name)}")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1_000_000)
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("bench.chaos: interrupted; its stack has been removed")
