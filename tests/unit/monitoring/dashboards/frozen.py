"""What the three dashboards must have: names, refresh, and of each panel its kind, unit, colours and lines.

Written down a second time on purpose: monitoring/dashboards/source makes the dashboards, this is what it may not leave.
"""

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
    defaults: dict[str, object] = field(default_factory=dict)


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


DASHED: Final = {"thresholdsStyle": {"mode": "dashed"}}

BOARDS: Final = {
    "cdb-trading-overview": Board(
        "Trading Overview",
        "10s",
        {
            "Total Signals": Panel("stat", "short"),
            "Orders Approved": Panel("stat", "short"),
            "Trades Executed": Panel("stat", "short"),
            "Current PnL": Panel("stat", "currencyUSD", ((None, "red"), (0, "green"))),
            "Signals per Minute": Panel("timeseries", "short"),
            "Order Approval Rate (%)": Panel(
                "timeseries", "percent", ((None, "red"), (50, "yellow"), (70, "green")), {"min": 0, "max": 100}
            ),
            "Cumulative PnL": Panel("timeseries", "currencyUSD", defaults={"custom": {"fillOpacity": 30}}),
            "Signal Strength": Panel("timeseries", "percentunit", defaults={"min": 0, "max": 1}),
            "Top Traded Symbols": Panel("bargauge", "short"),
            "Order Rejection Reasons": Panel("piechart", "short"),
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
            "Position Exposure by Symbol": Panel("table", "short"),
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
                ((None, "red"), (1, "green")),
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
            "Error Rate by Service": Panel("timeseries", "cps", line(0.1), {"custom": DASHED}),
            "Redis Memory (MB)": Panel("timeseries", "decmbytes"),
            "Redis Commands per Second": Panel("timeseries", "ops"),
            "PostgreSQL Connections": Panel("timeseries", "short"),
            "PostgreSQL Transactions per Second": Panel("timeseries", "ops"),
            "CPU by Service": Panel("timeseries", "percent"),
            "Memory by Service": Panel("timeseries", "bytes"),
        },
    ),
}
HEALTH: Final = (
    *("cdb_ws", "cdb_core", "cdb_risk", "cdb_execution"),
    *("redis", "postgres", "prometheus", "collector", "jaeger"),
)
"""What Service Health shows, one number each."""
LATENCIES: Final = ("p95 Event Processing by Service",)
REJECTIONS: Final = ("Order Rejection Reasons", "Violations by Type", "Violations by Risk Layer")
