"""When the alerts on risk, market, errors and speed fire. All times are from the first scrape."""

from dataclasses import replace
from typing import Final

from tests.integration.monitoring.alerts.promtool import Case, Firing

RISK: Final = {"instance": "cdb_risk:8002", "job": "cdb_services"}
EXECUTION: Final = {"instance": "cdb_execution:8003", "job": "cdb_services"}
AT_RISK: Final = 'instance="cdb_risk:8002", job="cdb_services"'
AT_CORE: Final = 'instance="cdb_core:8001", job="cdb_services"'
AT_EXECUTION: Final = 'instance="cdb_execution:8003", job="cdb_services"'


def limits(*, daily_drawdown: str = "5x120", position: str = "10x120", exposure: str = "50x120") -> dict[str, str]:
    """What cdb_risk says of its limits; the defaults unless given."""
    given = {"daily_drawdown": daily_drawdown, "position": position, "exposure": exposure}
    return {f'cdb_risk_limit_pct{{limit="{name}", {AT_RISK}}}': values for name, values in given.items()}


def drawdown(percent: str, limit: str = "5") -> Firing:
    return Firing(
        severity="critical",
        component="risk_engine",
        labels=RISK,
        summary=f"Daily drawdown is above {limit} %",
        description=f"Equity is {percent} % below its reference (equity at 00:00 UTC or at the last reset); the limit "
        f"is {limit} %.",
    )


BREAKER: Final = Firing(
    severity="critical",
    component="risk_engine",
    labels=RISK,
    summary="The circuit breaker has tripped",
    description="The circuit breaker is active (cdb_circuit_breaker_active is 1): cdb_risk approves no purchase until "
    "the breaker is reset or the next UTC day begins.",
)


def errors(per_second: str) -> Firing:
    return Firing(
        severity="warning",
        component="system",
        summary="cdb_core and cdb_execution have many errors",
        description=f"cdb_core and cdb_execution together have {per_second} errors per second (5-minute average); up "
        "to 0.1 is tolerated.",
    )


def stale(seconds: str) -> Firing:
    return Firing(
        severity="warning",
        component="market_data",
        labels={**RISK, "source": "simulated"},
        summary="No new market data",
        description=f"The newest market data (source simulated) is {seconds} s old; 30 s is the limit.",
    )


def exposure(percent: str, limit: str = "50", warning: str = "45") -> Firing:
    return Firing(
        severity="warning",
        component="risk_engine",
        labels=RISK,
        summary=f"Total exposure is close to its limit of {limit} %",
        description=f"All positions together are {percent} % of equity. This alert fires above {warning} %; "
        f"cdb_risk rejects purchases above {limit} %.",
    )


def position(symbol: str, percent: str, limit: str = "10") -> Firing:
    return Firing(
        severity="warning",
        component="risk_engine",
        labels={**RISK, "symbol": symbol},
        summary=f"The position in {symbol} is above its limit of {limit} %",
        description=f"The position in {symbol} is {percent} % of equity; the limit is {limit} %.",
    )


def slow(service: str, seconds: str) -> Firing:
    return Firing(
        severity="warning",
        component=service,
        labels={"service": service},
        summary=f"{service} is slow",
        description=f"The 95th percentile of {service}'s event processing time is {seconds} s (5-minute window); up to "
        "1 s is tolerated.",
    )


def earned(usd: str) -> Firing:
    return Firing(
        severity="info",
        component="trading",
        labels=EXECUTION,
        summary="More than 1000 USD earned",
        description=f"Realised profit since the account was opened is {usd} USD.",
    )


def events(service: str, bucket: str, values: str) -> dict[str, str]:
    """One bucket of the event processing histogram."""
    labels = f'instance="{service}:1", job="cdb_services", service="{service}", event_type="market_data", le="{bucket}"'
    return {f"cdb_event_processing_duration_seconds_bucket{{{labels}}}": values}


FROZEN: Final = (
    Case(
        rule="drawdown above 5 % fires after a minute and resolves 5 minutes after it is over",
        alert="DailyDrawdownLimitExceeded",
        series={f"cdb_daily_drawdown_pct{{{AT_RISK}}}": "4x3 5.01x12 4x40"},
        at={"1m": [], "1m45s": [], "2m": [drawdown("5.01")], "4m15s": [drawdown("5.01")], "9m30s": []},
    ),
    Case(
        rule="drawdown of exactly 5 % is none above it",
        alert="DailyDrawdownLimitExceeded",
        series={f"cdb_daily_drawdown_pct{{{AT_RISK}}}": "5x40"},
        at={"2m": [], "10m": []},
    ),
    Case(
        rule="drawdown does not resolve because its gauge is gone for four minutes",
        alert="DailyDrawdownLimitExceeded",
        series={f"cdb_daily_drawdown_pct{{{AT_RISK}}}": "7.5x10 stale _x15 7.5x40"},
        at={
            "2m30s": [drawdown("7.50")],
            "3m": [drawdown("7.50")],
            "6m30s": [drawdown("7.50")],
            "12m": [drawdown("7.50")],
        },
    ),
    Case(
        rule="an active breaker fires after 30 seconds and resolves 5 minutes after its reset",
        alert="CircuitBreakerActivated",
        series={f"cdb_circuit_breaker_active{{{AT_RISK}}}": "0x3 1x8 0x40"},
        at={"1m15s": [], "1m30s": [BREAKER], "3m15s": [BREAKER], "8m30s": []},
    ),
    Case(
        rule="an inactive breaker is quiet",
        alert="CircuitBreakerActivated",
        series={f"cdb_circuit_breaker_active{{{AT_RISK}}}": "0x40"},
        at={"1m": [], "10m": []},
    ),
    Case(
        rule="the breaker does not resolve because its gauge is gone for four minutes",
        alert="CircuitBreakerActivated",
        series={f"cdb_circuit_breaker_active{{{AT_RISK}}}": "1x10 stale _x15 1x40"},
        at={"2m30s": [BREAKER], "3m": [BREAKER], "6m30s": [BREAKER], "12m": [BREAKER]},
    ),
    Case(
        rule="errors of core and of execution, each below 0.1/s, are above it together",
        alert="HighErrorRate",
        series={
            f'cdb_signal_errors_total{{error_type="handler", {AT_CORE}}}': "0+0.6x60 40x60",
            f'cdb_signal_errors_total{{error_type="injected", {AT_CORE}}}': "0+0.3x60 20x60",
            f'cdb_execution_errors_total{{error_type="handler", {AT_EXECUTION}}}': "0+0.9x60 60x60",
        },
        at={"9m": [], "9m15s": [errors("0.12")], "15m": [errors("0.12")], "20m": []},
    ),
    Case(
        rule="errors of core alone are enough",
        alert="HighErrorRate",
        series={f'cdb_signal_errors_total{{error_type="handler", {AT_CORE}}}': "0+1.8x60"},
        at={"9m": [], "9m15s": [errors("0.12")]},
    ),
    Case(
        rule="errors of execution alone are enough",
        alert="HighErrorRate",
        series={f'cdb_execution_errors_total{{error_type="injected", {AT_EXECUTION}}}': "0+1.8x60"},
        at={"9m": [], "9m15s": [errors("0.12")]},
    ),
    Case(
        rule="0.098 errors per second are tolerated",
        alert="HighErrorRate",
        series={
            f'cdb_signal_errors_total{{error_type="handler", {AT_CORE}}}': "0+0.735x120",
            f'cdb_execution_errors_total{{error_type="handler", {AT_EXECUTION}}}': "0+0.735x120",
        },
        at={"10m": [], "25m": []},
    ),
    Case(
        rule="market data older than 30 s fires after a minute and resolves with the first new trade",
        alert="StaleMarketData",
        series={f'cdb_data_staleness_seconds{{source="simulated", {AT_RISK}}}': "1 16 31+15x10 1x5"},
        at={"1m15s": [], "1m30s": [stale("91")], "3m": [stale("181")], "3m15s": []},
    ),
    Case(
        rule="market data of 30 s is not stale",
        alert="StaleMarketData",
        series={f'cdb_data_staleness_seconds{{source="simulated", {AT_RISK}}}': "30x40"},
        at={"5m": []},
    ),
    Case(
        rule="exposure above 45 % fires after five minutes and resolves below",
        alert="ExposureLimitApproaching",
        series={f"cdb_total_exposure_pct{{{AT_RISK}}}": "45.1x24 44.9x5"},
        at={"4m45s": [], "5m": [exposure("45.1")], "6m": [exposure("45.1")], "6m15s": []},
    ),
    Case(
        rule="exposure of 45 % is quiet",
        alert="ExposureLimitApproaching",
        series={f"cdb_total_exposure_pct{{{AT_RISK}}}": "45x60"},
        at={"10m": []},
    ),
    Case(
        rule="each position above 10 % fires for itself after two minutes and resolves below",
        alert="PositionSizeViolation",
        series={
            f'cdb_position_exposure_pct{{symbol="BTCUSDT", {AT_RISK}}}': "10.1x12 9.9x5",
            f'cdb_position_exposure_pct{{symbol="ETHUSDT", {AT_RISK}}}': "12.34x17",
            f'cdb_position_exposure_pct{{symbol="SOLUSDT", {AT_RISK}}}': "10x17",
        },
        at={
            "1m45s": [],
            "2m": [position("BTCUSDT", "10.1"), position("ETHUSDT", "12.3")],
            "3m15s": [position("ETHUSDT", "12.3")],
        },
    ),
    Case(
        rule="p95 above 1 s fires after five minutes, for the slow service only, over all kinds of its events",
        alert="HighEventProcessingLatency",
        series={
            **events("cdb_risk", "1", "0+9x60 540x60"),
            **events("cdb_risk", "2.5", "0+10x60 600x60"),
            **events("cdb_risk", "+Inf", "0+10x60 600x60"),
            **events("cdb_core", "1", "0+10x120"),
            **events("cdb_core", "2.5", "0+10x120"),
            **events("cdb_core", "+Inf", "0+10x120"),
        },
        at={"5m": [], "5m15s": [slow("cdb_risk", "1.75")], "15m": [slow("cdb_risk", "1.75")], "21m": []},
    ),
    Case(
        rule="p95 of 1 s is tolerated, and no event at all is quiet",
        alert="HighEventProcessingLatency",
        series={
            **events("cdb_risk", "1", "0+95x80"),
            **events("cdb_risk", "2.5", "0+100x80"),
            **events("cdb_risk", "+Inf", "0+100x80"),
            **events("cdb_core", "1", "7x80"),
            **events("cdb_core", "+Inf", "7x80"),
        },
        at={"6m": [], "19m": []},
    ),
    Case(
        rule="more than 1000 USD is told at once and ends below",
        alert="PositivePnLMilestone",
        series={f"cdb_cumulative_pnl_usd{{{AT_EXECUTION}}}": "1000 1000x3 1000.5x3 999x8"},
        at={"1m": [], "1m15s": [earned("1000.50")], "3m": []},
    ),
)

ALERTS_ON_LIMITS: Final = ("DailyDrawdownLimitExceeded", "ExposureLimitApproaching", "PositionSizeViolation")
"""The alerts that compare with a limit of cdb_risk."""
AT_THE_DEFAULTS: Final = tuple(
    replace(case, rule=f"{case.rule}, where cdb_risk says so", series={**case.series, **limits()})
    for case in FROZEN
    if case.alert in ALERTS_ON_LIMITS
)
"""Limits that are the defaults change nothing."""

AT_OTHER_LIMITS: Final = (
    Case(
        rule="a loss of 4.15 % is above a limit of 3 %",
        alert="DailyDrawdownLimitExceeded",
        series={f"cdb_daily_drawdown_pct{{{AT_RISK}}}": "4.15x40", **limits(daily_drawdown="3x40")},
        at={"45s": [], "1m": [drawdown("4.15", limit="3")], "9m": [drawdown("4.15", limit="3")]},
    ),
    Case(
        rule="a loss of exactly the limit of 2.5 % is none above it",
        alert="DailyDrawdownLimitExceeded",
        series={f"cdb_daily_drawdown_pct{{{AT_RISK}}}": "2.5x20 2.51x20", **limits(daily_drawdown="2.5x40")},
        at={"4m": [], "7m": [drawdown("2.51", limit="2.5")]},
    ),
    Case(
        rule="a loss of 7 % is below a limit of 8 %",
        alert="DailyDrawdownLimitExceeded",
        series={f"cdb_daily_drawdown_pct{{{AT_RISK}}}": "7x40", **limits(daily_drawdown="8x40")},
        at={"9m": []},
    ),
    Case(
        rule="a limit that vanishes stays in force",
        alert="DailyDrawdownLimitExceeded",
        series={f"cdb_daily_drawdown_pct{{{AT_RISK}}}": "4.15x100", **limits(daily_drawdown="3x10 stale")},
        at={"2m": [drawdown("4.15", limit="3")], "24m": [drawdown("4.15", limit="3")]},
    ),
    Case(
        rule="a service that has not set its limits yet shows 0, which is no limit",
        alert="DailyDrawdownLimitExceeded",
        series={f"cdb_daily_drawdown_pct{{{AT_RISK}}}": "4.15x20 5.01x20", **limits(daily_drawdown="0x40")},
        at={"4m": [], "7m": [drawdown("5.01")]},
    ),
    Case(
        rule="a start with another limit ends the alert that the old one made",
        alert="DailyDrawdownLimitExceeded",
        series={f"cdb_daily_drawdown_pct{{{AT_RISK}}}": "4.15x60", **limits(daily_drawdown="3x8 5x60")},
        at={"2m": [drawdown("4.15", limit="3")], "8m": []},
    ),
    Case(
        rule="exposure above nine tenths of a limit of 90 % fires, 80 % does not",
        alert="ExposureLimitApproaching",
        series={f"cdb_total_exposure_pct{{{AT_RISK}}}": "80x30 81.1x30", **limits(exposure="90x60")},
        at={"7m": [], "13m": [exposure("81.1", limit="90", warning="81")]},
    ),
    Case(
        rule="positions are compared with a limit of 30 %",
        alert="PositionSizeViolation",
        series={
            f'cdb_position_exposure_pct{{symbol="BTCUSDT", {AT_RISK}}}': "29.9x40",
            f'cdb_position_exposure_pct{{symbol="ETHUSDT", {AT_RISK}}}': "30.1x40",
            **limits(position="30x40"),
        },
        at={"1m45s": [], "2m": [position("ETHUSDT", "30.1", limit="30")]},
    ),
    *(
        Case(
            rule="four positions of 20 % are well within limits of 30 and 90 %",
            alert=alert,
            series={
                **{
                    f'cdb_position_exposure_pct{{symbol="{name}", {AT_RISK}}}': "20x60" for name in ("A", "B", "C", "D")
                },
                f"cdb_total_exposure_pct{{{AT_RISK}}}": "80x60",
                **limits(position="30x60", exposure="90x60"),
            },
            at={"2m": [], "10m": []},
        )
        for alert in ("PositionSizeViolation", "ExposureLimitApproaching")
    ),
)


def priceless(symbol: str) -> Firing:
    return Firing(
        severity="warning",
        component="market_data",
        labels={"symbol": symbol},
        summary=f"The position in {symbol} has no current price",
        description=f"The prices of other symbols arrive, but the newest price of {symbol} is too old "
        "(cdb_position_price_stale is 1): its stop loss cannot work, and cdb_risk approves no purchase.",
    )


def price_stale(symbol: str, values: str) -> dict[str, str]:
    return {f'cdb_position_price_stale{{symbol="{symbol}", {AT_RISK}}}': values}


def staleness(values: str) -> dict[str, str]:
    return {f'cdb_data_staleness_seconds{{source="simulated", {AT_RISK}}}': values}


WITHOUT_PRICE: Final = (
    Case(
        rule="each position without a price fires for itself after two minutes",
        alert="PositionWithoutPrice",
        series={
            **price_stale("ETHUSDT", "0x4 1x20 0x5"),
            **price_stale("BTCUSDT", "0x40"),
            **staleness("0.1x40"),
        },
        at={"3m": [], "3m15s": [priceless("ETHUSDT")], "6m30s": []},
    ),
    Case(
        rule="no price of any symbol is another alert, also when they come again one by one",
        alert="PositionWithoutPrice",
        series={
            **price_stale("ETHUSDT", "1x40 1x4 0x20"),
            **price_stale("BTCUSDT", "1x40 0x24"),
            **staleness("400+15x40 0.2x24"),
        },
        at={"9m": [], "10m45s": [], "11m30s": [], "14m": []},
    ),
)
CASES: Final = (*FROZEN, *AT_THE_DEFAULTS, *AT_OTHER_LIMITS, *WITHOUT_PRICE)
