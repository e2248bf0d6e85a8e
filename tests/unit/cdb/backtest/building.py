"""Outcomes of a grid as tests need them."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from cdb.backtest.grid import Combination, Grid
from cdb.backtest.grid_run import Entry, GridResult
from cdb.backtest.outcome import Outcome
from cdb.backtest.times import Span

TRAIN: Final = Span(None, 100)
TEST: Final = Span(100, None)
_NOTHING: Final = Decimal(0)
_QUIET: Final[dict[str, Any]] = {
    **dict.fromkeys(("signals", "approved", "fills", "stop_losses", "trades"), 0),
    **dict.fromkeys(("result", "fees", "unrealised_pnl", "max_drawdown"), _NOTHING),
    **dict.fromkeys(("mean_exposure_share", "most_exposure_share"), _NOTHING),
    "trades_read": 10,
    "win_rate": None,
    "equity": Decimal(100_000),
}


def an_outcome(*, problem: str | None = None, **figures: Any) -> Outcome:
    """An outcome without any trade, but for *figures*; texts become Decimals."""
    given = {name: Decimal(value) if isinstance(value, str) else value for name, value in figures.items()}
    return Outcome(**{**_QUIET, **given}, problem=problem)


def a_result(*rows: tuple[Outcome | None, ...], sort: str = "result") -> GridResult:
    """A grid that varies ORDER_SIZE_PCT: 1, 2, ... gave these *rows*, each on one span or on two."""
    spans = [TRAIN, TEST] if len(rows[0]) == 2 else [Span()]
    combinations: list[Combination] = [{"ORDER_SIZE_PCT": str(number)} for number in range(1, len(rows) + 1)]
    entries = [
        Entry(combination=combination, span=span, settings=combination, key=f"{combination}{span}")
        for combination in combinations
        for span in spans
    ]
    outcomes = [outcome for row in rows for outcome in row]
    done = {entry.key: outcome for entry, outcome in zip(entries, outcomes, strict=True) if outcome}
    return GridResult(
        grid=Grid(combinations=combinations, spans=spans, jobs=1, sort=sort),
        entries=entries,
        kept_in=Path("grid-results.jsonl"),
        outcomes=done,
        interrupted=len(done) < len(entries),
    )
