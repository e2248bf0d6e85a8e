"""Run the backtests of a grid: one PostgreSQL for all, a database and a turn in a worker process for each."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cdb.backtest.grid import Combination, Grid, written
from cdb.backtest.grid_kept import Kept, Keys, code_digest
from cdb.backtest.grid_worker import Job, workers
from cdb.backtest.outcome import Outcome
from cdb.backtest.run import PARTS, Interrupted, Request
from cdb.backtest.times import Span
from cdb.kit.paths import ROOT
from cdb.replay.saved import Replays, address_of
from cdb.replay.settings import environment, with_effect
from cdb.replay.tape import Tape
from cdb.running.errors import StackError
from cdb.running.native.layout import Layout

_LOOK_EVERY_S: Final = 0.1
_GOES_ON: Final = "what is finished is kept, and the same command goes on from there"

OnDone = Callable[[int, int], None]
"""Is told how many backtests are done, those of an earlier command too, and how many there are."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One backtest of a grid. *settings* are all that the bot gets, *key* is what it is kept under."""

    combination: Combination
    span: Span
    settings: Mapping[str, str]
    key: str


@dataclass(kw_only=True)
class GridResult:
    """*outcomes* by key, also those *found* there that an earlier command had finished. *kept_in* is their file."""

    grid: Grid
    entries: Sequence[Entry]
    kept_in: Path
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    found: int = 0
    interrupted: bool = False

    def of(self, combination: Combination) -> list[Outcome | None]:
        """What *combination* gave on each span; None is not done yet."""
        mine = [entry for entry in self.entries if entry.combination is combination]
        return [self.outcomes.get(entry.key) for entry in mine]


def entries_of(grid: Grid, settings: Sequence[dict[str, str]], tapes: Sequence[Tape]) -> list[Entry]:
    """Every backtest of *grid*, whose combinations make up *settings*. Raises StackError."""
    strategies = {name for one in settings for name in one.get("CDB_STRATEGIES", "").split(",")}
    keys = Keys(tapes, code_digest(name.strip() for name in strategies))
    found = []
    for combination, chosen in zip(grid.combinations, settings, strict=True):
        allowed = with_effect(chosen, ROOT)
        effective = {name: value for name, value in chosen.items() if name in allowed}
        found += [
            Entry(combination=combination, span=span, settings=chosen, key=keys.key(effective, span))
            for span in grid.spans
        ]
    return found


def run_grid(
    replays: Replays,
    grid: Grid,
    *,
    settings: Sequence[dict[str, str]],
    tapes: Sequence[Tape],
    on_done: OnDone,
    interrupted: Interrupted,
) -> GridResult:
    """Run what is not kept yet, until *interrupted* is set. Raises StackError; nothing is left running."""
    kept = Kept(Layout(replays.directory.parent).grid_results)
    result = GridResult(grid=grid, entries=entries_of(grid, settings, tapes), kept_in=kept.path)
    known = kept.read()
    result.outcomes = {entry.key: known[entry.key] for entry in result.entries if entry.key in known}
    missing = [entry for entry in result.entries if entry.key not in known]
    result.found = len(result.entries) - len(missing)
    on_done(result.found, len(result.entries))
    if missing:
        symbols = sorted({symbol for tape in tapes for symbol in tape.symbols})
        told = environment(dict(missing[0].settings), symbols)
        with replays.running(f"unnamed-{time.time_ns()}", PARTS, told) as stack:
            common, server = stack.config.process_environment(), address_of(stack.config)
            jobs = [
                Job(number, _request(entry, tapes), {**common, **entry.combination}, server)
                for number, entry in enumerate(missing)
            ]
            if not interrupted.is_set():
                _finish(result, list(zip(jobs, missing, strict=True)), kept, on_done, interrupted)
    result.interrupted = len(result.outcomes) < len(result.entries)
    return result


def _request(entry: Entry, tapes: Sequence[Tape]) -> Request:
    return Request(
        tapes=tapes, settings=dict(entry.settings), since_ns=entry.span.since_ns, until_ns=entry.span.until_ns
    )


def _finish(
    result: GridResult, todo: Sequence[tuple[Job, Entry]], kept: Kept, on_done: OnDone, interrupted: Interrupted
) -> None:
    """Have workers do the jobs; keep each outcome as soon as it is there."""
    with workers(min(result.grid.jobs, len(todo)), [job for job, _ in todo]) as futures:
        waiting = dict(zip(futures, (entry for _, entry in todo), strict=True))
        while waiting and not interrupted.is_set():
            done, _ = wait(waiting, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
            for future in done:
                entry = waiting.pop(future)
                if (outcome := _outcome(future, entry)) is not None:
                    kept.add(entry.key, entry.combination, outcome)
                    result.outcomes[entry.key] = outcome
                    on_done(len(result.outcomes), len(result.entries))


def _outcome(future: "Future[Outcome | None]", entry: Entry) -> Outcome | None:
    try:
        return future.result()
    except StackError as error:
        raise StackError(f"{written(entry.combination)}: {error}; {_GOES_ON}") from error
    except BrokenProcessPool as error:
        what = "a worker process was killed. If memory ran out, take fewer --jobs"
        raise StackError(f"{written(entry.combination)}: {what}; {_GOES_ON}") from error
