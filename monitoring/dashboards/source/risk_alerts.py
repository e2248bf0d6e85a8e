"""Risk & Alerts: the account against its limits, rejected orders, and alerts."""

from typing import Final

from monitoring.dashboards.source.board import board
from monitoring.dashboards.source.panels import (
    GREEN,
    NOT_YET,
    RED,
    YELLOW,
    About,
    AnyPanel,
    Query,
    bar_panel,
    column,
    gauge_panel,
    pie_panel,
    stat_panel,
    table_panel,
    time_panel,
)
from monitoring.dashboards.source.sdk import dashboard

UID: Final = "cdb-risk-alerts"
_DRAWDOWN: Final = Query("max(cdb_daily_drawdown_pct)", "drawdown")
_EXPOSURE: Final = Query("max(cdb_total_exposure_pct)", "exposure")
_NEAR_THE_LIMIT: Final = ((None, GREEN), (60, YELLOW), (90, RED))
"""In percent of the limit: by default 3 and 4.5 of 5, 30 and 45 of 50."""
_RESULT: Final = "PnL"
_LAYERS: Final = (
    "stale market data",
    "circuit breaker",
    "drawdown",
    "exposure",
    "position size",
    "order rate",
)
_VIOLATIONS: Final = (
    "StaleMarketData",
    "CircuitBreakerActivated",
    "DailyDrawdownLimitExceeded",
    "ExposureLimitApproaching",
    "PositionSizeViolation",
)


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    return board(
        "Risk & Alerts",
        UID,
        refresh="5s",
        description="The account against its limits, rejected orders, and alerts.",
        panels=[*_state(), *_history(), *_violations(), *_tables()],
    )


def _state() -> list[AnyPanel]:
    return [
        gauge_panel(
            About(
                title="Daily Drawdown",
                description=(
                    "Loss since 00:00 UTC in percent of the day's opening equity; 0 is no loss. The dial ends at the "
                    "limit (5 by default), where the circuit breaker stops trading."
                ),
                unit="percent",
                decimals=2,
                low=0,
                high=5,
                steps=_NEAR_THE_LIMIT,
                relative=True,
                runbooks=("DailyDrawdownLimitExceeded",),
            ),
            _DRAWDOWN,
            limit="daily_drawdown",
        ),
        gauge_panel(
            About(
                title="Total Exposure",
                description=(
                    "All open positions in percent of equity; 0 is nothing held. The dial ends at the limit (50 by "
                    "default), where purchases are rejected; more than 90 % of it for 5 minutes is an alert."
                ),
                unit="percent",
                decimals=1,
                low=0,
                high=50,
                steps=_NEAR_THE_LIMIT,
                relative=True,
                runbooks=("ExposureLimitApproaching",),
            ),
            _EXPOSURE,
            limit="exposure",
        ),
        stat_panel(
            About(
                title="Circuit Breaker",
                description=(
                    "ACTIVE: no purchase is approved until the breaker is reset or the next UTC day begins. "
                    "INACTIVE is normal."
                ),
                steps=((None, GREEN), (1, RED)),
                texts={"0": ("INACTIVE", GREEN), "1": ("ACTIVE", RED)},
                runbooks=("CircuitBreakerActivated",),
            ),
            Query("max(cdb_circuit_breaker_active)"),
        ),
        stat_panel(
            About(
                title="Active Alerts",
                description="Alerts that fire now. 0 is normal; anything above is red: the table below names them.",
                decimals=0,
                steps=((None, GREEN), (1, RED)),
            ),
            Query('count(ALERTS{alertstate="firing"}) or vector(0)'),
        ),
    ]


def _history() -> list[AnyPanel]:
    return [
        time_panel(
            About(
                title="Daily Drawdown History",
                description=(
                    "The day's loss over time, which falls to 0 at 00:00 UTC. Where it reaches the line (the limit, 5 "
                    "by default) the circuit breaker trips; open positions may carry it further."
                ),
                unit="percent",
                width=12,
                height=8,
                low=0,
                runbooks=("DailyDrawdownLimitExceeded",),
            ),
            _DRAWDOWN,
            line=5.0,
            limit="daily_drawdown",
        ),
        time_panel(
            About(
                title="Total Exposure History",
                description=(
                    "What is at stake over time. It should come and go below the line (the limit, 50 by default); one "
                    "that rests near it lets nothing be bought."
                ),
                unit="percent",
                width=12,
                height=8,
                low=0,
                runbooks=("ExposureLimitApproaching",),
            ),
            _EXPOSURE,
            line=50.0,
            limit="exposure",
        ),
    ]


def _violations() -> list[AnyPanel]:
    return [
        pie_panel(
            About(
                title="Violations by Type",
                description=(
                    "Which limits signals would have broken, since cdb_risk started. Exposure and position size are "
                    "met every day; drawdown, breaker and stale data are not."
                ),
                width=12,
                height=8,
                decimals=0,
                runbooks=_VIOLATIONS,
            ),
            Query("sum by (violation_type) (cdb_risk_violations_total)", "{{violation_type}}"),
        ),
        bar_panel(
            About(
                title="Violations by Risk Layer",
                description=(
                    "The same by layer, in the order in which a signal meets them; the first that objects counts. High "
                    "in 1 to 3 means that trading as a whole was stopped, in 4 to 6 single orders."
                ),
                width=12,
                height=8,
                decimals=0,
                runbooks=_VIOLATIONS,
            ),
            *(
                Query(f'sum(cdb_risk_violations_total{{layer="{number}"}})', f"{number} {name}")
                for number, name in enumerate(_LAYERS, start=1)
            ),
        ),
    ]


def _tables() -> list[AnyPanel]:
    positions = table_panel(
        About(
            title="Position Exposure by Symbol",
            description=(
                "What is held, largest first. Exposure in percent of equity: above the limit (10 by default) for 2 "
                "minutes is an alert, 0 is no position. The PnL is what sales of the symbol have brought since the "
                "account was opened, as the ledger has it; open positions are not in it."
            ),
            width=12,
            height=9,
            low=0,
            high=10,
            no_value=NOT_YET,
            runbooks=("PositionSizeViolation",),
        ),
        {"symbol": "Symbol", "Value #A": "Exposure %", "Value #B": "Size", "Value #C": _RESULT},
        Query("sum by (symbol) (cdb_position_exposure_pct)"),
        Query("sum by (symbol) (cdb_position_size)"),
        Query("sum by (symbol) (cdb_symbol_pnl_usd)"),
        sort_by="Exposure %",
        limit="position",
    )
    near = ((None, GREEN), (90, YELLOW), (100, RED))
    positions.override_by_name("Exposure %", column("percent", decimals=2, steps=near, relative=True))
    positions.override_by_name("Size", column("none", decimals=4))
    positions.override_by_name(_RESULT, column("currencyUSD", decimals=2, steps=((None, RED), (0, GREEN))))
    alerts = table_panel(
        About(
            title="Recent Alerts",
            description=(
                "What fired within the time shown, and for how long. A long time is a cause that stays, a short one "
                "that comes again is a limit that is just met. The table says so if no alert fired."
            ),
            unit="s",
            width=12,
            height=9,
            texts={"0": ("–", GREEN)},  # noqa: RUF001  as where there is no value
        ),
        {"alertname": "Alert", "severity": "Severity", "component": "Component", "Value": "Fired for"},
        Query(_recent_alerts()),
        sort_by="Fired for",
    )
    return [positions, alerts]


def _recent_alerts() -> str:
    fired = 'ALERTS{alertstate="firing"}'
    # A sample for each evaluation: every 15 s.
    seconds = f"15 * sum by (alertname, severity, component) (count_over_time({fired}[$__range]))"
    return f'{seconds} or on () label_replace(vector(0), "alertname", "No alert fired in this time", "", "")'
