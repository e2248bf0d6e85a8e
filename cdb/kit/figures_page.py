"""Write docs/figures.md, every figure's definition: `python -m cdb.kit.figures_page`, part of `make generate`."""

from collections.abc import Iterable
from typing import Final

from cdb.kit.paths import ROOT
from services.performance.figures import EXPOSURE_TIME, OF_EQUITY, OF_TRADES, Figure
from services.performance.returns import MIN_RETURNS

PAGE: Final = ROOT / "docs" / "figures.md"
_HEAD: Final = """\
<!-- Generated from services/performance/figures.py by `make generate`; do not edit. -->

# Figures

What the account has earned and risked. Each figure is computed in one place, `services/performance/`, from rows of the
ledger, the same for live trading, replays and backtests. [Metrics](metrics.md) are what Prometheus stores.

- Money is in the quote asset and exact. A share is a fraction: 0.05 is 5 %. Metrics and pages show it in percent.
- A figure that does not exist yet is absent. It is never shown as 0.
- Of a loss, 0.05 means that 5 % of equity is lost. A negative value at risk means that even such a day gains.
"""
_TRADES: Final = """
## Of closed trades

From the rows of `closed_trades`: a position from its first purchase until nothing of it is held, with all its fees.
A sale of a part closes nothing. Figures of one strategy, symbol or UTC day of closing are those of its trades.
"""
_EQUITY: Final = """
## Of equity

From the rows of `equity_marks`: equity at a moment, cash plus what is held at the newest prices, minute by minute.

A daily return is a close / the close before - 1. A day's close is its last mark, that of 00:00 UTC at its end included.
A day that has not ended has none. The first close is compared with the opening, the first mark of all.

A day without marks has no return. The next close is compared with the last one there is: that is one return, of the day
on which it ends. pandas, empyrical and quantstats do the same; invented flat days would lower the volatility. After a
close of 0 or less there is no return.

Below {min_returns} daily returns no figure is computed from them.
"""


def page() -> str:
    return "\n".join(
        [
            _HEAD + _TRADES,
            *_table([*OF_TRADES, EXPOSURE_TIME]),
            _EQUITY.format(min_returns=MIN_RETURNS),
            *_table(OF_EQUITY),
            "",
        ]
    )


def _table(figures: Iterable[Figure]) -> list[str]:
    rows = (f"| {f.name} | {f.unit} | {f.formula} | {f.absent} | {f.source} |" for f in figures)
    return ["| figure | unit | formula | absent | definition |", "|---|---|---|---|---|", *rows]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
