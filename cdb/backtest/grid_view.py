"""What a grid shows: a table, the best first, and how far to trust it."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cdb.backtest.grid import Combination
from cdb.backtest.grid_run import GridResult
from cdb.backtest.outcome import FIGURES, Outcome, best_first
from cdb.kit.figures import money
from cdb.kit.output import console, plain_table

MOST_SHOWN: Final = 50
_OF_ONE_SPAN: Final = ("result", "trades", "won", "drawdown", "fees", "equity", "exposure")
_OF_EACH_SPAN: Final = ("result", "trades", "won")
_SPANS: Final = ("train", "test")
LUCK: Final = (
    "The best of many combinations is partly luck: among enough of them some look good on any trades. "
    "Try it on trades that did not choose it: --train T1..T2 --test T2..T3."
)
LUCK_IN_TRAINING: Final = (
    "The best in training is partly luck. Only the test shows what a combination gave on trades that did not choose it."
    " If you choose by the test, you need another span to check that choice."
)

Ranked = list[tuple[Combination, list[Outcome | None]]]


def grid_progress(*, quiet: bool) -> Progress:
    """Draw backtests done of all and the time left on a terminal; elsewhere nothing."""
    terminal = Console(stderr=True)
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    columns += [TimeRemainingColumn(elapsed_when_finished=True)]
    return Progress(*columns, console=terminal, disable=quiet or not terminal.is_terminal)


def ranked(result: GridResult) -> Ranked:
    """The combinations that are done on the first span, the best first, with what they gave on each span."""
    found = [(combination, result.of(combination)) for combination in result.grid.combinations]
    return best_first((one for one in found if one[1][0]), result.grid.sort, lambda one: one[1][0])


def problem_of(result: GridResult) -> str | None:
    """What makes results incomplete, if anything does."""
    bad = [outcome.problem for outcome in result.outcomes.values() if outcome.problem]
    return f"{len(bad)} of {len(result.outcomes)} results are incomplete; the first: {bad[0]}" if bad else None


def grid_json(result: GridResult) -> dict[str, Any]:
    names = _SPANS if result.grid.walks_forward else ("result",)
    return {
        "sort": result.grid.sort,
        "combinations": [
            {"settings": combination, **dict(zip(names, outcomes, strict=True))}
            for combination, outcomes in ranked(result)
        ],
        "backtests": {
            "all": len(result.entries),
            "found": result.found,
            "run": len(result.outcomes) - result.found,
        },
        "interrupted": result.interrupted,
        "kept_in": str(result.kept_in),
        "warning": _warning(result),
    }


def show_grid(result: GridResult) -> None:
    """Print the table and what there is to say of it."""
    screen = console()
    rows = ranked(result)
    if rows:
        screen.print(_table(result, rows))
    for line in _sentences(result, rows):
        screen.print(line, markup=False, soft_wrap=True)


def _table(result: GridResult, rows: Ranked) -> Table:
    forward = result.grid.walks_forward
    figures = _columns(_OF_EACH_SPAN if forward else _OF_ONE_SPAN, result.grid.sort)
    table = plain_table(title=f"Grid, sorted by {result.grid.sort}{' in training' if forward else ''}")
    table.show_header = True
    for name in result.grid.names:
        table.add_column(name, overflow="fold")
    for span in _SPANS if forward else ("",):
        for name in figures:
            table.add_column(f"{span}\n{name}".strip(), justify="right", no_wrap=True)
    if forward:
        table.add_column("test\nrank", justify="right", no_wrap=True)
    places = _places_in_test(result, rows) if forward else {}
    for number, (combination, outcomes) in enumerate(rows[:MOST_SHOWN]):
        cells = [FIGURES[name].text(outcome) for outcome in outcomes for name in figures]
        table.add_row(*combination.values(), *cells, *([places.get(number, "-")] if forward else []))
    return table


def _columns(usual: Sequence[str], sort: str) -> list[str]:
    return [*usual, *({sort} - {*usual})]


def _places_in_test(result: GridResult, rows: Ranked) -> dict[int, str]:
    """By the place in training. Equals share the first of their places."""
    tested = [number for number, (_, outcomes) in enumerate(rows) if outcomes[1]]
    order = best_first(tested, result.grid.sort, lambda number: rows[number][1][1])
    value = FIGURES[result.grid.sort].value
    values = [value(outcome) for number in order if (outcome := rows[number][1][1])]
    return {number: str(values.index(one) + 1) for number, one in zip(order, values, strict=True)}


def _sentences(result: GridResult, rows: Ranked) -> Iterator[str]:
    if len(rows) > MOST_SHOWN:
        yield f"These are the best {MOST_SHOWN} of {len(rows):,}; --json has all."
    for place, span in enumerate(_SPANS if result.grid.walks_forward else ("",)):
        found = [outcome for _, outcomes in rows if (outcome := outcomes[place])]
        if len(found) > 1:
            results = [outcome.result for outcome in found]
            gained = sum(one > 0 for one in results)
            yield (
                f"{f'{span}: ' if span else ''}{gained:,} of {len(found):,} combinations gained; "
                f"results from {money(min(results))} to {money(max(results))}, median {money(median(results))}."
            )
        if found and not any(outcome.trades_read for outcome in found):
            yield f"There are no trades of the market in {f'--{span}' if span else '--from and --to'}."
    if warning := _warning(result):
        yield warning
    if result.interrupted:
        yield (
            f"Interrupted: {len(result.outcomes):,} of {len(result.entries):,} backtests are done. "
            "The same command goes on from there."
        )
    if result.found:
        yield f"{result.found:,} of {len(result.entries):,} backtests had been done before and were not run again."
    yield f"Results are kept in {result.kept_in}; remove that file to begin anew."


def _warning(result: GridResult) -> str:
    if len(result.grid.combinations) == 1:
        return ""
    return LUCK_IN_TRAINING if result.grid.walks_forward else LUCK
