"""What the dashboards must have: names, refresh, and of each panel its kind, unit, colours and lines.

Written down a second time on purpose: monitoring/dashboards/source makes the dashboards, this is what it may not leave.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Steps = tuple[tuple[float | None, str], ...]

UNCOLOURED: Final[Steps] = ((None, "blue"),)


@dataclass(frozen=True)
class Panel:
    """A panel's kind (Grafana's name of it), unit, colours, and what else of its field defaults is fixed."""

    kind: str
    unit: str
    steps: Steps = UNCOLOURED
    defaults: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Board:
    """A dashboard's title, refresh and panels, by title and in their order."""

    title: str
    refresh: str
    panels: dict[str, Panel]


def line(at: float) -> Steps:
    """The colours of curves with a red line."""
    return (None, "green"), (at, "red")


def dial(yellow: float, red: float) -> Steps:
    """The colours of a limit that one comes near."""
    return (None, "green"), (yellow, "yellow"), (red, "red")


def above(at: float) -> Steps:
    """The colours of what should be *at* least this."""
    return (None, "red"), (at, "green")


GAIN_OR_LOSS: Final = above(0)
NOT_YET: Final = {"noValue": "not enough data"}
DASHED: Final = {"thresholdsStyle": {"mode": "dashed"}}

BOARDS: Final = {
    "cdb-trading-overview": Board(
        "Trading Overview",
        "10s",
        {
            "Total Signals": Panel("stat", "short"),
            "Orders Approved": Panel("stat", "short"),
            "Trades Executed": Panel("stat", "short"),
            "Current PnL": Panel("stat", "currencyUSD", GAIN_OR_LOSS),
            "Signals per Minute": Panel("timeseries", "short"),
            "Order Approval Rate (%)": Panel(
                "timeseries", "percent", ((None, "red"), (50, "yellow"), (70, "green")), {"min": 0, "max": 100}
            ),
            "Cumulative PnL": Panel("timeseries", "currencyUSD", defaults={"custom": {"fillOpacity": 30}}),
            "Signal Strength": Panel("timeseries", "percentunit", defaults={"min": 0, "max": 1}),
            "Top Traded Symbols": Panel("bargauge", "short"),
            "Order Rejection Reasons": Panel("piechart", "short"),
            "Market Volatility": Panel("timeseries", "percent", defaults=NOT_YET),
            "Market Volume": Panel("timeseries", "currencyUSD"),
        },
    ),
    "cdb-risk-alerts": Board(
        "Risk & Alerts",
        "5s",
        {
            "Daily Drawdown": Panel("gauge", "percent", dial(3, 4.5), {"min": 0, "max": 5}),
            "Total Exposure": Panel("gauge", "percent", dial(30, 45), {"min": 0, "max": 50}),
            "Circuit Breaker": Panel(
                "stat",
                "short",
                line(1),
                {
                    "mappings": [
                        {
                            "type": "value",
                            "options": {
                                "0": {"text": "INACTIVE", "color": "green", "index": 0},
                                "1": {"text": "ACTIVE", "color": "red", "index": 1},
                            },
                        }
                    ]
                },
            ),
            "Active Alerts": Panel("stat", "short", line(1)),
            "Daily Drawdown History": Panel("timeseries", "percent", line(5.0), {"custom": DASHED}),
            "Total Exposure History": Panel("timeseries", "percent", line(50.0), {"custom": DASHED}),
            "Violations by Type": Panel("piechart", "short"),
            "Violations by Risk Layer": Panel("bargauge", "short"),
            "Position Exposure by Symbol": Panel("table", "short", defaults=NOT_YET),
            "Recent Alerts": Panel("table", "s"),
        },
    ),
    "cdb-system-health": Board(
        "System Health",
        "15s",
        {
            "Service Health": Panel(
                "stat",
                "short",
                above(1),
                {
                    "mappings": [
                        {
                            "type": "value",
                            "options": {
                                "1": {"text": "HEALTHY", "color": "green", "index": 0},
                                "0": {"text": "DOWN", "color": "red", "index": 1},
                            },
                        }
                    ]
                },
            ),
            "p95 Event Processing by Service": Panel("timeseries", "s", line(1.0), {"custom": DASHED}),
            "Events per Second by Service": Panel("timeseries", "cps"),
            "Time from Trade to Order": Panel("timeseries", "s"),
            "Error Rate by Service": Panel("timeseries", "cps", line(0.1), {"custom": DASHED}),
            "Redis Memory (MB)": Panel("timeseries", "decmbytes"),
            "Redis Commands per Second": Panel("timeseries", "ops"),
            "PostgreSQL Connections": Panel("timeseries", "short"),
            "PostgreSQL Transactions per Second": Panel("timeseries", "ops"),
            "Exchange Connections": Panel("timeseries", "short"),
            "Gaps in the Feed": Panel("timeseries", "s"),
            "Trades Filled and Dropped": Panel("timeseries", "cps"),
            "Unreadable Frames": Panel("timeseries", "short"),
            "REST Answers": Panel("timeseries", "short"),
            "Exchange Clock Skew": Panel("timeseries", "s", defaults={"noValue": "no live exchange"}),
            "p95 Ingestion Latency": Panel("timeseries", "s"),
            "CPU by Service": Panel("timeseries", "percent"),
            "Memory by Service": Panel("timeseries", "bytes"),
        },
    ),
    "cdb-account-performance": Board(
        "Account Performance",
        "30s",
        {
            "Equity": Panel("stat", "currencyUSD", defaults=NOT_YET),
            "Realised Result": Panel("stat", "currencyUSD", GAIN_OR_LOSS, NOT_YET),
            "Fees Paid": Panel("stat", "currencyUSD", defaults=NOT_YET),
            "Closed Trades": Panel("stat", "short", defaults=NOT_YET),
            "Maximum Drawdown": Panel("stat", "percent", defaults=NOT_YET),
            "Sharpe Ratio": Panel("stat", "short", GAIN_OR_LOSS, NOT_YET),
            "Value at Risk": Panel("stat", "percent", defaults=NOT_YET),
            "Expected Shortfall": Panel("stat", "percent", defaults=NOT_YET),
            "Equity over Time": Panel("timeseries", "currencyUSD", defaults=NOT_YET),
            "Drawdown": Panel("timeseries", "percent", defaults=NOT_YET),
            "Result by Strategy": Panel("timeseries", "currencyUSD", defaults=NOT_YET),
            "Result by Symbol": Panel("timeseries", "currencyUSD", defaults=NOT_YET),
            "Win Rate by Strategy": Panel("bargauge", "percent", above(40), {**NOT_YET, "min": 0, "max": 100}),
            "Recent Win Rate by Strategy": Panel("bargauge", "percent", above(40), {**NOT_YET, "min": 0, "max": 100}),
            "Profit Factor by Strategy": Panel("bargauge", "short", above(1), NOT_YET),
            "Average Duration by Strategy": Panel("bargauge", "s", defaults=NOT_YET),
            "Distribution of Results": Panel("bargauge", "short"),
            "Distribution of Durations": Panel("bargauge", "short", defaults=NOT_YET),
            "Best and Worst Symbols": Panel("table", "short", defaults=NOT_YET),
            "Best and Worst Symbols of 24 Hours": Panel("table", "short", defaults=NOT_YET),
        },
    ),
}
HEALTH: Final = (
    *("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution"),
    *("redis", "postgres", "prometheus", "collector", "jaeger"),
)
"""What Service Health shows, one number each."""
LATENCIES: Final = {
    "p95 Event Processing by Service": "${__field.labels.service}",
    "Time from Trade to Order": "cdb_risk",
}
"""Each with the service whose traces a point leads to."""
REJECTIONS: Final = ("Order Rejection Reasons", "Violations by Type", "Violations by Risk Layer")
