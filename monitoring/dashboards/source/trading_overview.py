"""Trading Overview: signals, trades and profit."""

from typing import Final

from monitoring.dashboards.source.board import board, symbol_variable
from monitoring.dashboards.source.panels import (
    BLUE,
    GREEN,
    NOT_YET,
    RED,
    YELLOW,
    About,
    AnyPanel,
    Query,
    bar_panel,
    fixed_color,
    pie_panel,
    stat_panel,
    time_panel,
)
from monitoring.dashboards.source.sdk import dashboard

UID: Final = "cdb-trading-overview"
_CHOSEN: Final = 'symbol=~"$symbol"'
_NOTHING_TO_SELL: Final = f'cdb_orders_rejected_total{{{_CHOSEN}, reason_code="NO_POSITION"}}'
_TRADABLE: Final = "approved, nothing to sell left out"
_REJECTIONS: Final = (
    "CircuitBreakerActivated",
    "DailyDrawdownLimitExceeded",
    "ExposureLimitApproaching",
    "PositionSizeViolation",
    "StaleMarketData",
)


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    made = board(
        "Trading Overview",
        UID,
        refresh="10s",
        description="From signals to trades to profit, for the symbols chosen above.",
        panels=[*_totals(), *_flow(), *_results(), *_market()],
    )
    return made.with_variable(symbol_variable())


def _totals() -> list[AnyPanel]:
    return [
        stat_panel(
            About(
                title="Total Signals",
                description=(
                    "Signals since cdb_core started. It grows by several a minute; one that stands still means no "
                    "market data, or a market that does not move."
                ),
                height=4,
                decimals=0,
            ),
            Query(f"sum(cdb_signals_generated_total{{{_CHOSEN}}})", "since cdb_core started"),
        ),
        stat_panel(
            About(
                title="Orders Approved",
                description=(
                    "Orders approved since cdb_risk started. Far fewer than signals means that limits are met, or that "
                    "the breaker stops trading: see the reasons below."
                ),
                height=4,
                decimals=0,
            ),
            Query(f"sum(cdb_orders_approved_total{{{_CHOSEN}}})", "since cdb_risk started"),
        ),
        stat_panel(
            About(
                title="Trades Executed",
                description=(
                    "Trades since cdb_execution started, stop losses among them. It follows the orders; one that stays "
                    "behind means that execution does not work them off."
                ),
                height=4,
                decimals=0,
            ),
            Query(f"sum(cdb_trades_executed_total{{{_CHOSEN}}})", "since cdb_execution started"),
        ),
        stat_panel(
            About(
                title="Current PnL",
                description=(
                    "Realised profit and loss since the account was opened, of all symbols. Green is a profit, red a "
                    "loss; open positions are not in it."
                ),
                unit="currencyUSD",
                height=4,
                decimals=2,
                steps=((None, RED), (0, GREEN)),
            ),
            Query("sum(cdb_cumulative_pnl_usd)", "since the account was opened"),
        ),
    ]


def _flow() -> list[AnyPanel]:
    return [
        time_panel(
            About(
                title="Signals per Minute",
                description=(
                    "How often each symbol gives a signal. High is a market on the move; 0 for all symbols at once "
                    "means that nothing reaches cdb_core."
                ),
                width=12,
                height=8,
                low=0,
            ),
            Query(
                f"sum by (symbol) (rate(cdb_signals_generated_total{{{_CHOSEN}}}[$__rate_interval])) * 60", "{{symbol}}"
            ),
        ),
        time_panel(
            About(
                title="Order Approval Rate (%)",
                description=(
                    "Approved among decided signals, over 5 minutes; while nothing is decided, since cdb_risk started. "
                    "Above 70 is green. The blue curve leaves out signals to sell what is not held (NO_POSITION): "
                    "where that one is low, limits are met; harmless while exposure is high, else see why."
                ),
                unit="percent",
                width=12,
                height=8,
                low=0,
                high=100,
                steps=((None, RED), (50, YELLOW), (70, GREEN)),
                runbooks=_REJECTIONS,
            ),
            Query(_approval_rate(), "approved"),
            Query(_approval_rate(without=_NOTHING_TO_SELL), _TRADABLE),
            colored=True,
        ).override_by_name(_TRADABLE, fixed_color(BLUE)),
    ]


def _approval_rate(*, without: str = "") -> str:
    """Share of approved signals among decided ones, those that *without* counts left out."""
    approved, decided = f"cdb_orders_approved_total{{{_CHOSEN}}}", f"cdb_signals_evaluated_total{{{_CHOSEN}}}"
    rate, total = (f"- sum(rate({without}[5m]))", f"- sum({without})") if without else ("", "")
    recent = f"100 * sum(rate({approved}[5m])) / (sum(rate({decided}[5m])){rate} > 0)"
    return f"{recent} or 100 * sum({approved}) / (sum({decided}){total} > 0)"


def _results() -> list[AnyPanel]:
    return [
        time_panel(
            About(
                title="Cumulative PnL",
                description=(
                    "Realised profit and loss since the account was opened. Rising is good; a step down is a trade "
                    "closed with a loss, many in a row are a strategy that does not fit the market."
                ),
                unit="currencyUSD",
                width=12,
                height=8,
            ),
            Query("sum(cdb_cumulative_pnl_usd)", "PnL"),
            area=True,
        ),
        time_panel(
            About(
                title="Signal Strength",
                description=(
                    "How far the price moved past the threshold, 0 to 1, over 5 minutes; while there are no signals, "
                    "since cdb_core started. High is a clear move, low a threshold that noise can reach."
                ),
                unit="percentunit",
                width=12,
                height=8,
                low=0,
                high=1,
            ),
            *(Query(_strength(share), f"p{100 * share:.0f}") for share in (0.5, 0.75, 0.95)),
        ),
        bar_panel(
            About(
                title="Top Traded Symbols",
                description=(
                    "The ten symbols with most trades since cdb_execution started. One that is far ahead of the others "
                    "moves more than they do, or is given too low a threshold."
                ),
                width=12,
                height=9,
                decimals=0,
            ),
            Query(f"topk(10, sum by (symbol) (cdb_trades_executed_total{{{_CHOSEN}}}))", "{{symbol}}"),
        ),
        pie_panel(
            About(
                title="Order Rejection Reasons",
                description=(
                    "Which limit kept signals from becoming orders, since cdb_risk started. Much EXPOSURE_LIMIT and "
                    "POSITION_SIZE_EXCEEDED is everyday; any CIRCUIT_BREAKER_ACTIVE, DRAWDOWN_LIMIT or "
                    "STALE_MARKET_DATA is not. Left out: NO_POSITION, a signal to sell what is not held."
                ),
                width=12,
                height=9,
                decimals=0,
                runbooks=_REJECTIONS,
            ),
            Query(
                f'sum by (reason_code) (cdb_orders_rejected_total{{{_CHOSEN}, reason_code!="NO_POSITION"}})',
                "{{reason_code}}",
            ),
        ),
    ]


def _market() -> list[AnyPanel]:
    return [
        time_panel(
            About(
                title="Market Volatility",
                description=(
                    "How far each price typically moves within 10 seconds, over 5 minutes. High is a market in which "
                    "signals and stop losses come often; 0 is one that stands still. There is none before 5 minutes of "
                    "trades."
                ),
                unit="percent",
                width=12,
                height=8,
                low=0,
                no_value=NOT_YET,
                runbooks=("HighVolatilityDetected",),
            ),
            Query(f"max by (symbol) (cdb_market_volatility_pct{{{_CHOSEN}}})", "{{symbol}}"),
        ),
        time_panel(
            About(
                title="Market Volume",
                description=(
                    "What the whole market has traded in each symbol within 5 minutes, in dollars. A sudden rise often "
                    "comes with news; 0 while others trade is a symbol whose trades do not arrive."
                ),
                unit="currencyUSD",
                width=12,
                height=8,
                low=0,
                runbooks=("UnusualTradingVolume",),
            ),
            Query(f"sum by (symbol) (increase(cdb_market_volume_usd_total{{{_CHOSEN}}}[5m]))", "{{symbol}}"),
        ),
    ]


def _strength(share: float) -> str:
    # Without events a quantile is NaN, which is not >= 0.
    buckets = f"cdb_signal_strength_bucket{{{_CHOSEN}}}"
    recent = f"histogram_quantile({share}, sum by (le) (rate({buckets}[5m]))) >= 0"
    return f"{recent} or histogram_quantile({share}, sum by (le) ({buckets})) >= 0"
