"""Every figure's definition: its name is the attribute of TradeFigures or EquityCurve that has its value."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from services.performance.equity import EquityCurve
from services.performance.returns import MIN_RETURNS, WINDOW
from services.performance.trades import RECENT, TradeFigures

Unit = Literal["trades", "money", "share", "ratio", "s"]
"""Money is in the quote asset; a share is a fraction, and metrics and pages show it in percent."""


@dataclass(frozen=True, slots=True)
class Figure:
    """*formula* says what is computed, *absent* when there is no such figure, *source* whose definition it is."""

    name: str
    unit: Unit
    formula: str
    absent: str
    source: str = "ours"


_NO_TRADE: Final = "without a closed trade"
_TRADING_VIEW: Final = "TradingView's strategy report"
_FEW_DAYS: Final = f"below {MIN_RETURNS} daily returns"

OF_TRADES: Final = (
    Figure("trades", "trades", "number of closed trades", "never"),
    Figure("wins", "trades", "closed trades with a result above 0", "never"),
    Figure("win_rate", "share", "wins / closed trades; a result of 0 is no win", _NO_TRADE, _TRADING_VIEW),
    Figure(
        "recent_win_rate",
        "share",
        f"the same over the {RECENT} trades closed last",
        f"below {RECENT} closed trades",
    ),
    Figure("result", "money", "sum of results, fees taken off", "never"),
    Figure("fees", "money", "sum of the fees of closed trades", "never"),
    Figure("gross_profit", "money", "sum of the results above 0", "never"),
    Figure("gross_loss", "money", "sum of the results below 0, as a positive amount", "never"),
    Figure("profit_factor", "ratio", "gross profit / gross loss", "while no trade has lost", _TRADING_VIEW),
    Figure(
        "expectancy",
        "money",
        "result / closed trades: what one trade brings on average",
        _NO_TRADE,
        "Vince, The Mathematics of Money Management (1992)",
    ),
    Figure("best_result", "money", "the highest result of a closed trade", _NO_TRADE),
    Figure("worst_result", "money", "the lowest result of a closed trade", _NO_TRADE),
    Figure("mean_duration_s", "s", "mean time from a trade's first purchase to its last sale", _NO_TRADE),
    Figure("median_duration_s", "s", "median of these times", _NO_TRADE),
)
"""From the rows of `closed_trades`, of all trades or of those of one strategy, symbol or day of closing."""

EXPOSURE_TIME: Final = Figure(
    "exposure_time",
    "share",
    "time in which anything was held / length of the span; what is held at its end counts from its opening",
    "for a span of no length",
)
"""Of a span of time, by `exposure_time`."""

OF_EQUITY: Final = (
    Figure(
        "max_drawdown",
        "share",
        "the largest (peak - later mark) / peak, over all marks and not only over days; 0 if equity has never fallen",
        "without a mark",
        "Magdon-Ismail and Atiya, Maximum Drawdown (2004)",
    ),
    Figure(
        "annual_volatility",
        "share",
        f"√365 times the sample standard deviation of the newest {WINDOW} daily returns",
        _FEW_DAYS,
        "empyrical, with 365 days",
    ),
    Figure(
        "sharpe_ratio",
        "ratio",
        f"√365 times the mean / sample standard deviation of the newest {WINDOW} daily returns; risk-free return 0",
        f"{_FEW_DAYS}, and if they do not deviate",
        "Sharpe, The Sharpe Ratio (1994)",
    ),
    Figure(
        "sortino_ratio",
        "ratio",
        "√365 times the mean daily return / √(mean of min(daily return, 0)²); all days count in both means",
        f"{_FEW_DAYS}, and if no day has lost",
        "Sortino and Price, Performance Measurement in a Downside Risk Framework (1994)",
    ),
    Figure(
        "annual_return",
        "share",
        "(product of 1 + daily return) ^ (365 / number of daily returns) - 1; -1 once everything is lost",
        _FEW_DAYS,
        "empyrical, with 365 days",
    ),
    Figure(
        "calmar_ratio",
        "ratio",
        "annual return / maximum drawdown, over all days",
        f"{_FEW_DAYS}, and without a drawdown",
        "Young, Calmar Ratio: A Smoother Tool (1991), over the whole span",
    ),
    Figure(
        "value_at_risk",
        "share",
        "-(5 % quantile of all daily returns): what a day loses that is worse than 95 % of days; between two returns, "
        "on the line between them",
        _FEW_DAYS,
        "historical; quantile of type 7 in Hyndman and Fan, Sample Quantiles (1996)",
    ),
    Figure(
        "expected_shortfall",
        "share",
        "-(mean of the ⌊(n - 1) / 20⌋ + 1 lowest of n daily returns): what a day as bad as that loses on average",
        _FEW_DAYS,
        "Acerbi and Tasche, Expected Shortfall (2002); the tail as empyrical cuts it",
    ),
)
"""From the rows of `equity_marks`."""


def values(figures: TradeFigures | EquityCurve) -> dict[str, Any]:
    """Every figure of *figures* by its name."""
    definitions = OF_TRADES if isinstance(figures, TradeFigures) else OF_EQUITY
    return {definition.name: getattr(figures, definition.name) for definition in definitions}
