"""When the alert on trading that stands still fires. All times are from the first scrape."""

from typing import Final

from tests.integration.monitoring.alerts.cases_trading import AT_CORE, AT_EXECUTION, AT_RISK
from tests.integration.monitoring.alerts.promtool import Case, Firing

ALERT: Final = "TradingStandsStill"


def violations(**by_type: str) -> dict[str, str]:
    """What cdb_risk counts of each type of violation."""
    return {
        f'cdb_risk_violations_total{{violation_type="{name}", layer="1", {AT_RISK}}}': values
        for name, values in by_type.items()
    }


def approved(values: str) -> dict[str, str]:
    """What cdb_risk counts of approved orders, sales too."""
    return {f'cdb_orders_approved_total{{symbol="BTCUSDT", {AT_RISK}}}': values}


def evaluated(values: str) -> dict[str, str]:
    """What cdb_risk counts of signals that it has decided."""
    return {f'cdb_signals_evaluated_total{{symbol="BTCUSDT", {AT_RISK}}}': values}


def generated(values: str) -> dict[str, str]:
    """What cdb_core counts of signals that it has given."""
    labels = 'symbol="BTCUSDT", direction="BUY", strategy="momentum_v1"'
    return {f"cdb_signals_generated_total{{{labels}, {AT_CORE}}}": values}


def trades(values: str) -> dict[str, str]:
    """What cdb_core counts of the market's trades."""
    return {f'cdb_market_data_events_received_total{{symbol="BTCUSDT", source="simulated", {AT_CORE}}}': values}


def executed(*, buy: str, sell: str = "0x400") -> dict[str, str]:
    """What cdb_execution counts of purchases and sales."""
    return {
        f'cdb_trades_executed_total{{symbol="BTCUSDT", side="{side}", {AT_EXECUTION}}}': values
        for side, values in (("BUY", buy), ("SELL", sell))
    }


def still(reason: str, description: str) -> Firing:
    return Firing(
        severity="warning",
        component="risk_engine",
        labels={"reason": reason},
        summary=f"Trading stands still: {reason}",
        description=description,
    )


NO_SIGNALS: Final = still("NO_SIGNALS", "For 10 minutes cdb_core has given no signal, although market data flow.")


def not_evaluated(count: str) -> Firing:
    return still(
        "NOT_EVALUATED",
        f"For 10 minutes cdb_risk has evaluated no signal, although cdb_core has given about {count}.",
    )


def stale(count: str) -> Firing:
    return still(
        "STALE_MARKET_DATA",
        f"cdb_risk has rejected about {count} signals as STALE_MARKET_DATA: more than half of its decisions within 10 "
        "minutes, or every purchase for 30.",
    )


def no_purchase(reason: str, count: str) -> Firing:
    return still(
        reason,
        f"For 30 minutes cdb_risk has rejected every purchase as {reason} (about {count} within 25 minutes).",
    )


NOTHING_EVALUATED: Final = (
    Case(
        rule="no signal for 10 minutes while prices come fires, and ends with the first one",
        alert=ALERT,
        series={
            **trades("0+40x160"),
            **generated("0+1x40 40x60 41x59"),
            **evaluated("0+1x40 40x60 41x59"),
        },
        at={"19m30s": [], "20m15s": [NO_SIGNALS], "25m": [NO_SIGNALS], "25m45s": []},
    ),
    Case(
        rule="prices that have not come for 10 minutes yet are no reason, as after a start",
        alert=ALERT,
        series={**trades("0+40x80"), **generated("0x80"), **evaluated("0x80")},
        at={"5m30s": [], "9m45s": [], "10m45s": [NO_SIGNALS]},
    ),
    Case(
        rule="without prices there is nothing to decide, which is another alert",
        alert=ALERT,
        series={**trades("4000x120"), **generated("40x120"), **evaluated("40x120")},
        at={"11m": [], "29m": []},
    ),
    Case(
        rule="prices that end while nothing has been decided for some minutes are another alert, too",
        alert=ALERT,
        series={**trades("0+40x40 1600x80"), **generated("0+1x32 32x88"), **evaluated("0+1x32 32x88")},
        at={"16m": [], "18m30s": [], "19m30s": []},
    ),
    Case(
        rule="a signal every six minutes is enough",
        alert=ALERT,
        series={
            **trades("0+40x240"),
            **generated("0x23 1x23 2x23 3x23 4x23 5x23 6x23"),
            **evaluated("0x23 1x23 2x23 3x23 4x23 5x23 6x23"),
        },
        at={f"{minute}m": [] for minute in range(13, 40)},
    ),
    Case(
        rule="signals that nobody decides are another case, however rare",
        alert=ALERT,
        series={
            **trades("0+40x240"),
            **generated("0+1x40 40x23 41x23 42x23 43x23 44x23 45x23 46x23"),
            **evaluated("0+1x40 40x200"),
        },
        at={"14m": [], "22m": [], "24m": [not_evaluated("2")], "35m": [not_evaluated("2")]},
    ),
    Case(
        rule="signals that nobody decides fire after 10 minutes, also without a cdb_risk that ever was",
        alert=ALERT,
        series={**trades("0+40x120"), **generated("0+1x120")},
        at={"9m45s": [], "10m45s": [not_evaluated("40")]},
    ),
    Case(
        rule="a busy market that has become calm is not taken for undecided signals",
        alert=ALERT,
        series={**trades("0+40x120"), **generated("0+5x40 200x80"), **evaluated("0+4.8x40 192x80")},
        at={"19m30s": [], "20m15s": [NO_SIGNALS]},
    ),
    Case(
        rule="a cdb_core that starts anew has not stood still",
        alert=ALERT,
        series={
            **trades("0+40x40 stale _x8 0+40x80"),
            **generated("0+1x40 stale _x8 0+1x80"),
            **evaluated("0+1x40 40x9 40+1x80"),
        },
        at={f"{minute}m": [] for minute in range(9, 30)},
    ),
)

STALE: Final = (
    Case(
        rule="nearly all signals are stale, as with a slow PostgreSQL",
        alert=ALERT,
        series={**violations(STALE_MARKET_DATA="0+16x80", EXPOSURE_LIMIT="0x80"), **approved("0 0+0.15x79")},
        at={"4m": [], "15m": [stale("640")]},
    ),
    Case(
        rule="a stale signal now and then is none",
        alert=ALERT,
        series={**violations(STALE_MARKET_DATA="0+1x80", EXPOSURE_LIMIT="0+4x80"), **approved("0+1x80")},
        at={"15m": [], "19m": []},
    ),
    Case(
        rule="four stale signals are too few",
        alert=ALERT,
        series={**violations(STALE_MARKET_DATA="0x4 1x4 2x4 3x4 4x60"), **approved("0x80")},
        at={"10m30s": [], "11m": []},
    ),
    Case(
        rule="it ends when signals are approved again",
        alert=ALERT,
        series={
            **violations(STALE_MARKET_DATA="0+2x40 80x80"),
            **approved("0x40 0+4x80"),
            **executed(buy="0x40 0+4x80"),
        },
        at={"10m": [stale("80")], "18m": []},
    ),
    Case(
        rule="every purchase is stale, as with a position that has no price, while sales go on",
        alert=ALERT,
        series={
            **violations(STALE_MARKET_DATA="0x15 1x15 2x15 3x15 4x15 5x15 6x15 7x15 8x15 9x15 10x15 11x15"),
            **approved("0+1x190"),
            **executed(buy="0x190", sell="0+1x190"),
        },
        at={"29m": [], "40m": [stale("7")]},
    ),
)

NO_PURCHASE: Final = (
    Case(
        rule="half an hour of one objection to every purchase fires, whatever is sold meanwhile",
        alert=ALERT,
        series={
            **violations(EXPOSURE_LIMIT="0+0x20 0+1x380", STALE_MARKET_DATA="0x400"),
            **approved("0+1x400"),
            **executed(buy="0+1x20 20x380", sell="0+1x400"),
        },
        at={"34m45s": [], "36m": [no_purchase("EXPOSURE_LIMIT", "100")]},
    ),
    Case(
        rule="it ends with the first purchase",
        alert=ALERT,
        series={
            **violations(ORDER_RATE_EXCEEDED="0+1x400"),
            **approved("0x400"),
            **executed(buy="0x160 1x240"),
        },
        at={"29m45s": [], "31m": [no_purchase("ORDER_RATE_EXCEEDED", "100")], "40m45s": []},
    ),
    Case(
        rule="it ends when no purchase is asked for any more",
        alert=ALERT,
        series={**violations(POSITION_SIZE_EXCEEDED="0+1x160 160x240"), **executed(buy="0x400")},
        at={"40m": [no_purchase("POSITION_SIZE_EXCEEDED", "100")], "50m30s": []},
    ),
    Case(
        rule="a full account that buys every 20 minutes does not stand still",
        alert=ALERT,
        series={
            **violations(EXPOSURE_LIMIT="0+1x400"),
            **approved("0x80 1x80 2x80 3x80 4x80"),
            **executed(buy="0x80 1x80 2x80 3x80 4x80"),
        },
        at={f"{minute}m": [] for minute in range(25, 60, 5)},
    ),
    Case(
        rule="a stray other reason does not hide it",
        alert=ALERT,
        series={**violations(EXPOSURE_LIMIT="0+1x400", STALE_MARKET_DATA="0x60 1x340"), **executed(buy="0x400")},
        at={"31m": [no_purchase("EXPOSURE_LIMIT", "100")]},
    ),
    Case(
        rule="purchases that are stopped by one reason and by another are no case of one reason",
        alert=ALERT,
        series={
            **violations(EXPOSURE_LIMIT="0+4x400", POSITION_SIZE_EXCEEDED="0+1x400"),
            **executed(buy="0x400"),
        },
        at={"31m": [], "38m": []},
    ),
    Case(
        rule="some rejections in a row are no standstill",
        alert=ALERT,
        series={**violations(EXPOSURE_LIMIT="0x120 1+1x7 8x200"), **executed(buy="0x400")},
        at={f"{minute}m": [] for minute in range(30, 57, 3)},
    ),
    Case(
        rule="four rejections in 25 minutes are too few",
        alert=ALERT,
        series={**violations(EXPOSURE_LIMIT=" ".join(f"{count}x24" for count in range(8))), **executed(buy="0x400")},
        at={f"{seconds}s": [] for seconds in range(1800, 3000, 30)},
    ),
    Case(
        rule="the breaker and the drawdown have alerts of their own",
        alert=ALERT,
        series={
            **violations(CIRCUIT_BREAKER_ACTIVE="0+5x400", DRAWDOWN_LIMIT="0 1x400", EXPOSURE_LIMIT="0x60 6x340"),
            **executed(buy="0x400"),
        },
        at={"31m": [], "38m": []},
    ),
    Case(
        rule="sales of nothing are no rejected purchases",
        alert=ALERT,
        series={
            f'cdb_orders_rejected_total{{symbol="BTCUSDT", reason_code="NO_POSITION", {AT_RISK}}}': "0+1x400",
            **violations(EXPOSURE_LIMIT="0x400"),
            **evaluated("0+1x400"),
            **generated("0+1x400"),
            **trades("0+40x400"),
            **executed(buy="0x400"),
        },
        at={"31m": [], "38m": []},
    ),
)
CASES: Final = (*NOTHING_EVALUATED, *STALE, *NO_PURCHASE)
