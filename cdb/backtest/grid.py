"""What a grid tries: combinations of settings, on one span of time or on two. Wrong wishes are refused by name."""

import itertools
import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from cdb.backtest.outcome import FIGURES
from cdb.backtest.times import Span, train_and_test
from cdb.kit.errors import USAGE, CommandError

MOST_COMBINATIONS: Final = 1_000
MOST_JOBS: Final = 16
"""Each has up to three sessions on a server that takes fifty."""
RESULT: Final = "result"
_GRID: Final = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")

Combination = Mapping[str, str]


class BadGrid(CommandError):
    """The options of a grid are wrong; the text says which, its value and what is allowed."""

    exit_code = USAGE


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every combination is backtested on each of *spans*: the span of --from and --to, or of --train and of --test."""

    combinations: Sequence[Combination]
    spans: Sequence[Span]
    jobs: int
    sort: str

    @property
    def names(self) -> list[str]:
        """Settings that it varies."""
        return list(self.combinations[0])

    @property
    def walks_forward(self) -> bool:
        """Whether there are two spans."""
        return len(self.spans) == 2


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """The options of a grid as they were given; None is an option that was not."""

    grid: Sequence[str] | None
    jobs: int | None
    sort: str | None
    train: str | None
    test: str | None


def grid_of(wishes: Wishes, span: Span, *, taken: Mapping[str, str], others: Mapping[str, bool]) -> Grid | None:
    """The grid that *wishes* ask for, None if none. Raises BadGrid, BadTime.

    *taken* are settings that other options set, with the option's name. *others* are options that do not go together
    with a grid, and whether they were given.
    """
    if not wishes.grid:
        options = {"--jobs": wishes.jobs, "--sort": wishes.sort, "--train": wishes.train, "--test": wishes.test}
        if given := [name for name, value in options.items() if value is not None]:
            raise BadGrid(f"{given[0]} has no effect without --grid NAME=VALUE,VALUE")
        return None
    if given := [name for name, was_given in others.items() if was_given]:
        raise BadGrid(f"{given[0]} cannot be used with --grid: a grid keeps figures, and no ledger or page")
    return Grid(
        combinations=combinations(wishes.grid, taken),
        spans=_spans(wishes, span),
        jobs=_jobs(wishes.jobs),
        sort=_sort(wishes.sort),
    )


def combinations(texts: Sequence[str], taken: Mapping[str, str]) -> list[Combination]:
    """Every combination of the values in *texts*, each NAME=VALUE,VALUE; the last name varies fastest.

    Raises BadGrid.
    """
    axes: dict[str, list[str]] = {}
    for text in texts:
        name, values = _axis(text)
        if name in axes:
            raise BadGrid(f"--grid {name} is given twice: write all its values into one, --grid {name}=VALUE,VALUE")
        if name in taken:
            raise BadGrid(f"--grid {name} and {taken[name]} both set {name}: remove one of them")
        axes[name] = values
    count = prod(map(len, axes.values()))
    if count > MOST_COMBINATIONS:
        raise BadGrid(f"--grid makes {count:,} combinations; at most {MOST_COMBINATIONS:,} are allowed")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def written(combination: Combination) -> str:
    """The combination as --set takes it."""
    return " ".join(f"{name}={value}" for name, value in combination.items())


def _axis(text: str) -> tuple[str, list[str]]:
    match = _GRID.fullmatch(text)
    if match is None:
        raise BadGrid(f"--grid {text!r:.80} must be NAME=VALUE,VALUE, such as MOMENTUM_LOOKBACK_S=5,30")
    name, values = match[1], [value.strip() for value in match[2].split(",")]
    if not any(values):
        raise BadGrid(f"--grid {name} has no values: write --grid {name}=VALUE,VALUE")
    if "" in values:
        raise BadGrid(f"--grid {text!r:.80} has an empty value: write each value, the default too")
    if twice := next((value for value in values if values.count(value) > 1), None):
        raise BadGrid(f"--grid {name} has the value {twice} twice")
    return name, values


def _spans(wishes: Wishes, span: Span) -> list[Span]:
    if wishes.train is None and wishes.test is None:
        return [span]
    if wishes.train is None or wishes.test is None:
        raise BadGrid("--train and --test go together: --train T1..T2 --test T2..T3")
    if span != Span():
        raise BadGrid("--from and --to cannot be used with --train and --test, which are spans themselves")
    return [*train_and_test(wishes.train, wishes.test)]


def _jobs(wish: int | None) -> int:
    if wish is None:
        return min(os.cpu_count() or 1, MOST_JOBS)
    if not 1 <= wish <= MOST_JOBS:
        raise BadGrid(f"--jobs {wish} must be from 1 to {MOST_JOBS}")
    return wish


def _sort(wish: str | None) -> str:
    if wish is None:
        return RESULT
    if wish not in FIGURES:
        raise BadGrid(f"--sort {wish!r:.40} is no figure: {_listed(FIGURES)} is allowed")
    return wish


def _listed(names: Collection[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"
