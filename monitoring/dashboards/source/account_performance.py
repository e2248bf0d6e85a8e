"""Account Performance: what the account has earned and what it has risked."""

from datetime import timedelta
from typing import Final

from monitoring.dashboards.source.board import board
from monitoring.dashboards.source.buckets import buckets
from monitoring.dashboards.source.panels import (
    GREEN,
    NOT_YET,
    RED,
    About,
    AnyPanel,
    Query,
    bar_panel,
    column,
    fixed_color,
    stat_panel,
    table_panel,
    time_panel,
)
from monitoring.dashboards.source.sdk import dashboard
from services import durations

UID: Final = "cdb-account-performance"
_FROM_THE_OPENING: Final = "since the account was opened"
_GAIN_OR_LOSS: Final = ((None, RED), (0, GREEN))
_FEW_WINS: Final = ((None, RED), (40, GREEN))
_RESULT: Final = "Result"
_BY_SYMBOL: Final = "sum by (symbol) (cdb_symbol_pnl_usd)"
_A_DAY_AGO: Final = "sum by (symbol) (cdb_symbol_pnl_usd offset 1d)"
# A symbol that had no result then had 0, if others had one; otherwise nobody knows.
_OF_A_DAY: Final = f"{_BY_SYMBOL} - ({_A_DAY_AGO} or 0 * {_BY_SYMBOL} and on () count(cdb_symbol_pnl_usd offset 1d))"


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    return board(
        "Account Performance",
        UID,
        refresh="30s",
        description="What the account has earned and what it has risked, as the ledger has it.",
        panels=[*_account(), *_risk(), *_history(), *_results(), *_strategies(), *_distributions(), *_symbols()],
    )


def _account() -> list[AnyPanel]:
    return [
        stat_panel(
            About(
                title="Equity",
                description=(
                    "Cash plus all that is held at the newest prices, now. Higher than at the opening is a gain; what "
                    "is held can still change it."
                ),
                unit="currencyUSD",
                height=4,
                decimals=3,  # $100.097K
                no_value=NOT_YET,
            ),
            Query("sum(cdb_equity_usd)", "now"),
        ),
        stat_panel(
            About(
                title="Realised Result",
                description=(
                    "What all sales have brought since the account was opened, fees taken off. Green is a profit, red "
                    "a loss; open positions are not in it."
                ),
                unit="currencyUSD",
                height=4,
                decimals=2,
                steps=_GAIN_OR_LOSS,
                no_value=NOT_YET,
            ),
            Query("sum(cdb_strategy_pnl_usd)", _FROM_THE_OPENING),
        ),
        stat_panel(
            About(
                title="Fees Paid",
                description=(
                    "Fees of all purchases and sales since the account was opened. As high as the result, or higher, "
                    "means that the strategies trade too often for what a trade brings."
                ),
                unit="currencyUSD",
                height=4,
                decimals=2,
                no_value=NOT_YET,
            ),
            Query("sum(cdb_fees_paid_usd_total)", _FROM_THE_OPENING),
        ),
        stat_panel(
            About(
                title="Closed Trades",
                description=(
                    "Positions that were opened and sold completely since the account was opened. Below 30 or so, the "
                    "win rates and profit factors beside it are mostly chance."
                ),
                height=4,
                decimals=0,
                no_value=NOT_YET,
            ),
            Query("sum(cdb_position_duration_seconds_count)", _FROM_THE_OPENING),
        ),
    ]


def _risk() -> list[AnyPanel]:
    return [
        stat_panel(
            About(
                title="Maximum Drawdown",
                description=(
                    "The deepest fall of equity from a peak since the account was opened, in percent of the peak, from "
                    "every minute's mark. 0 is none; it never becomes smaller."
                ),
                unit="percent",
                height=4,
                decimals=2,
                no_value=NOT_YET,
            ),
            Query("max(cdb_max_drawdown_pct)", _FROM_THE_OPENING),
        ),
        stat_panel(
            About(
                title="Sharpe Ratio",
                description=(
                    "Mean by deviation of the daily returns of the last 30 days, for a year of 365. Above 1 is good, "
                    "below 0 is a loss; there is none before 20 whole days."
                ),
                height=4,
                decimals=2,
                steps=_GAIN_OR_LOSS,
                no_value=NOT_YET,
            ),
            Query("max(cdb_sharpe_ratio_30d)", "last 30 days"),
        ),
        stat_panel(
            About(
                title="Value at Risk",
                description=(
                    "What one day in twenty has lost at least, in percent of equity, of all days since the account was "
                    "opened. High is risky, negative a gain even on such a day; there is none before 20 whole days."
                ),
                unit="percent",
                height=4,
                decimals=2,
                no_value=NOT_YET,
            ),
            Query("max(cdb_value_at_risk_pct)", _FROM_THE_OPENING),
        ),
        stat_panel(
            About(
                title="Expected Shortfall",
                description=(
                    "What a day as bad as that has lost on average, in percent of equity, of all days since the "
                    "account was opened. Far above the value at risk means that bad days can be very bad."
                ),
                unit="percent",
                height=4,
                decimals=2,
                no_value=NOT_YET,
            ),
            Query("max(cdb_expected_shortfall_pct)", _FROM_THE_OPENING),
        ),
    ]


def _history() -> list[AnyPanel]:
    peak = "max_over_time(cdb_equity_usd[1d])"
    return [
        time_panel(
            About(
                title="Equity over Time",
                description=(
                    "Cash plus all that is held, at the prices of each moment. Rising is good; steep in both "
                    "directions means that much is held."
                ),
                unit="currencyUSD",
                width=12,
                height=8,
                decimals=3,
                no_value=NOT_YET,
            ),
            Query("sum(cdb_equity_usd)", "equity"),
        ),
        time_panel(
            About(
                title="Drawdown",
                description=(
                    "How far equity is below its peak of the last 24 hours; 0 is at the peak. Beside it the deepest "
                    "fall since the account was opened: where the curves meet, it is falling deeper than ever. The "
                    "deepest is measured once a minute: a fall between two measurements is in the first curve only."
                ),
                unit="percent",
                width=12,
                height=8,
                low=0,
                no_value=NOT_YET,
            ),
            Query(f"100 * max(1 - cdb_equity_usd / {peak})", "below the peak of 24 h"),
            Query("max(cdb_max_drawdown_pct)", "deepest since the opening, by the minute"),
        ),
    ]


def _results() -> list[AnyPanel]:
    return [
        time_panel(
            About(
                title="Result by Strategy",
                description=(
                    "What the sales of each strategy have brought since the account was opened, fees taken off. One "
                    "that falls for long does not fit the market; open positions are not in it."
                ),
                unit="currencyUSD",
                width=12,
                height=8,
                no_value=NOT_YET,
            ),
            Query("sum by (strategy) (cdb_strategy_pnl_usd)", "{{strategy}}"),
        ),
        time_panel(
            About(
                title="Result by Symbol",
                description=(
                    "What the sales of each symbol have brought since the account was opened, fees taken off. Curves "
                    "that fall together are a bad market, a single one is a symbol to leave out."
                ),
                unit="currencyUSD",
                width=12,
                height=8,
                no_value=NOT_YET,
            ),
            Query(_BY_SYMBOL, "{{symbol}}"),
        ),
    ]


def _strategies() -> list[AnyPanel]:
    duration = "cdb_position_duration_seconds"
    return [
        bar_panel(
            About(
                title="Win Rate by Strategy",
                description=(
                    "Closed trades with a result above 0, in percent of all since the account was opened. Low is not "
                    "bad by itself: few large wins can pay for many small losses, see the profit factor."
                ),
                unit="percent",
                height=6,
                decimals=1,
                low=0,
                high=100,
                steps=_FEW_WINS,
                no_value=NOT_YET,
            ),
            Query("max by (strategy) (cdb_strategy_win_rate_pct)", "{{strategy}}"),
        ),
        bar_panel(
            About(
                title="Recent Win Rate by Strategy",
                description=(
                    "The same over the 30 trades that each strategy closed last. Red is below 40; far below the win "
                    "rate of all trades, the market no longer suits the strategy. There is none before 30 trades."
                ),
                unit="percent",
                height=6,
                decimals=1,
                low=0,
                high=100,
                steps=_FEW_WINS,
                no_value=NOT_YET,
                runbooks=("LowWinRate",),
            ),
            Query("max by (strategy) (cdb_strategy_recent_win_rate_pct)", "{{strategy}}"),
        ),
        bar_panel(
            About(
                title="Profit Factor by Strategy",
                description=(
                    "What winning trades have won by what losing ones have lost, since the account was opened. Above 1 "
                    "is a gain, below it a loss; there is none before the first loss."
                ),
                height=6,
                decimals=2,
                low=0,
                steps=((None, RED), (1, GREEN)),
                no_value=NOT_YET,
            ),
            Query("max by (strategy) (cdb_strategy_profit_factor)", "{{strategy}}"),
        ),
        bar_panel(
            About(
                title="Average Duration by Strategy",
                description=(
                    "Mean time from a position's opening to its close, of all trades since the account was opened. It "
                    "suits the strategy's look-back; much longer means that positions wait for a sale that rarely "
                    "comes."
                ),
                unit="s",
                height=6,
                low=0,
                no_value=NOT_YET,
            ),
            Query(f"sum by (strategy) ({duration}_sum) / sum by (strategy) ({duration}_count)", "{{strategy}}"),
        ),
    ]


def _distributions() -> list[AnyPanel]:
    by_result = list(buckets("cdb_trade_pnl_usd", lambda bound: f"{bound:g}", in_range=True))
    results = bar_panel(
        About(
            title="Distribution of Results",
            description=(
                "About how many sales brought how many dollars, in the time shown. Green are gains, red losses and "
                "sales that brought nothing; the bars at both ends are the best and the worst. `cdb trades` lists each "
                "trade."
            ),
            width=12,
            height=10,
            decimals=0,
            low=0,
        ),
        *(bucket.query for bucket in by_result),
    )
    for bucket in by_result:
        loss = bucket.up_to is not None and bucket.up_to <= 0
        results.override_by_name(bucket.query.legend, fixed_color(RED if loss else GREEN))
    by_duration = buckets("cdb_position_duration_seconds", lambda bound: durations.written(timedelta(seconds=bound)))
    return [
        results,
        bar_panel(
            About(
                title="Distribution of Durations",
                description=(
                    "How many positions were held how long, of all that were closed since the account was opened. Very "
                    "short ones pay fees for noise; very long ones wait for a sale that rarely comes."
                ),
                width=12,
                height=10,
                decimals=0,
                low=0,
                no_value=NOT_YET,
            ),
            *(bucket.query for bucket in by_duration),
        ),
    ]


def _symbols() -> list[AnyPanel]:
    return [
        _ranking(
            "Best and Worst Symbols",
            (
                "What the sales of each symbol have brought since the account was opened, fees taken off: the best "
                "first, the worst last. Green is a profit, red a loss; open positions are not in it."
            ),
            _BY_SYMBOL,
        ),
        _ranking(
            "Best and Worst Symbols of 24 Hours",
            (
                "The same of the last 24 hours. A symbol that is far down here and up there has changed lately. There "
                "is nothing until Prometheus has stored 24 hours."
            ),
            _OF_A_DAY,
        ),
    ]


def _ranking(title: str, description: str, expression: str) -> AnyPanel:
    about = About(title=title, description=description, width=12, height=9, no_value=NOT_YET)
    ranking = table_panel(about, {"symbol": "Symbol", "Value": _RESULT}, Query(expression), sort_by=_RESULT)
    return ranking.override_by_name(_RESULT, column("currencyUSD", decimals=2, steps=_GAIN_OR_LOSS))
