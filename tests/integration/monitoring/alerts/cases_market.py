"""When the alerts on what moves and is traded more than usual, and on strategies that lose, fire.

All times are from the first scrape.
"""

from math import sqrt
from typing import Final

from tests.integration.monitoring.alerts.cases_trading import AT_CORE, AT_EXECUTION
from tests.integration.monitoring.alerts.promtool import Case, Firing

VOLATILE: Final = "HighVolatilityDetected"
BUSY: Final = "UnusualTradingVolume"
LOSING: Final = "LowWinRate"
HOUR: Final = 240
"""Scrapes in an hour."""


def volatility(values: str, symbol: str = "BTCUSDT") -> dict[str, str]:
    """How much a price moves, in percent."""
    return {f'cdb_market_volatility_pct{{symbol="{symbol}", {AT_CORE}}}': values}


def volume(values: str, symbol: str = "BTCUSDT") -> dict[str, str]:
    """What has been traded; a step of 15 is 1 USD per second."""
    return {f'cdb_market_volume_usd_total{{symbol="{symbol}", {AT_CORE}}}': values}


def traded(symbol: str = "BTCUSDT") -> dict[str, str]:
    """A market that always trades the same."""
    return volume(f"0+15000x{6 * HOUR}", symbol)


def volatile(percent: str, symbol: str = "BTCUSDT") -> Firing:
    return Firing(
        severity="info",
        component="market_data",
        labels={"symbol": symbol},
        summary=f"The price of {symbol} moves far more than usual",
        description=f"The price of {symbol} moves by {percent} % in 10 s (5-minute average): more than twice what it "
        "stayed below for 95 % of the last 6 hours.",
    )


def busy(usd: str, symbol: str = "BTCUSDT") -> Firing:
    return Firing(
        severity="warning",
        component="market_data",
        labels={"symbol": symbol},
        summary=f"Far more {symbol} than usual is traded",
        description=f"The market trades {symbol} for {usd} USD per second (2-minute average): more than three times "
        "what it stayed below for 95 % of the last 6 hours.",
    )


def losing(percent: str, strategy: str = "momentum_v1") -> Firing:
    return Firing(
        severity="warning",
        component="trading",
        labels={"strategy": strategy},
        summary=f"{strategy} loses too often",
        description=f"{strategy} has won {percent} % of the 30 trades that it closed last; below 40 % is too few.",
    )


def win_rate(values: str, strategy: str = "momentum_v1", signals: str = "") -> dict[str, str]:
    """The win rate of a strategy, which runs unless *signals* say something else."""
    labels = f'symbol="BTCUSDT", direction="BUY", strategy="{strategy}", {AT_CORE}'
    return {
        f'cdb_strategy_recent_win_rate_pct{{strategy="{strategy}", {AT_EXECUTION}}}': values,
        f"cdb_signals_generated_total{{{labels}}}": signals or "0x400",
    }


RISING: Final = " ".join(f"{0.2 * sqrt(1 + 5.25 * step / 20):.4f}" for step in range(1, 21))
"""The volatility of the last 5 minutes while prices begin to move two and a half times as much as before (by 0.2 %)."""

VOLATILITY: Final = (
    Case(
        rule="a price that moves two and a half times as much as usual is told within 5 minutes",
        alert=VOLATILE,
        series={**volatility(f"0.2x719 {RISING} 0.5x40"), **traded()},
        at={"3h1m": [], "3h5m": [volatile("0.50")]},
    ),
    Case(
        rule="it fires after a minute and resolves 5 minutes after it is over, each symbol by its own hours",
        alert=VOLATILE,
        series={
            **volatility("0.2x719 0.5x39 0.2x200"),
            **traded(),
            **volatility("0.5x900", "SOLUSDT"),
            **traded("SOLUSDT"),
        },
        at={"3h45s": [], "3h1m15s": [volatile("0.50")], "3h14m30s": [volatile("0.50")], "3h15m15s": []},
    ),
    Case(
        rule="twice as much is none above it",
        alert=VOLATILE,
        series={**volatility("0.2x719 0.4x39 0.41x100"), **traded()},
        at={"3h5m": [], "3h9m": [], "3h11m15s": [volatile("0.41")]},
    ),
    Case(
        rule="a quiet market's first bump is none",
        alert=VOLATILE,
        series={
            **volatility("0.001x719 0.1x100"),
            **traded(),
            **volatility("0.001x719 0.101x100", "ETHUSDT"),
            **traded("ETHUSDT"),
        },
        at={"3h1m30s": [volatile("0.10", "ETHUSDT")], "3h10m": [volatile("0.10", "ETHUSDT")]},
    ),
    Case(
        rule="with less than 2 hours of history nothing is unusual",
        alert=VOLATILE,
        series={**volatility("0.2x459 1x60 0.2x100"), **traded()},
        at={"1h57m": [], "2h5m": [], "2h14m": []},
    ),
    Case(
        rule="an event of 10 minutes does not hide the next one",
        alert=VOLATILE,
        series={**volatility("0.2x479 1x39 0.2x439 0.5x100"), **traded()},
        at={"2h15m30s": [], "3h59m": [], "4h1m30s": [volatile("0.50")]},
    ),
    Case(
        rule="what happens for a tenth of the time is usual",
        alert=VOLATILE,
        series={**volatility(" ".join(["0.2x89 0.5x9"] * 12)), **traded()},
        at={f"{hours}h{minutes}m": [] for hours in (3, 4) for minutes in range(0, 60, 4)},
    ),
    Case(
        rule="an event does not raise its own measure; one that lasts becomes usual",
        alert=VOLATILE,
        series={**volatility("0.2x959 0.5x400"), **traded()},
        at={"4h15m": [volatile("0.50")], "4h25m": [volatile("0.50")], "4h40m": []},
    ),
    Case(
        rule="a jump of the first price after 20 minutes without cdb_core is none",
        alert=VOLATILE,
        series={
            **volatility("0.2x719 stale _x79 3x19 0.2x200"),
            **volume("0+15000x719 stale _x79 0+15000x219"),
        },
        at={f"3h{minutes}m": [] for minutes in range(59)},
    ),
    Case(
        rule="a short restart of cdb_core changes nothing",
        alert=VOLATILE,
        series={**volatility("0.2x719 stale _x3 0.2x200"), **volume("0+15000x719 stale _x3 0+15000x200")},
        at={f"3h{minutes}m": [] for minutes in range(30)},
    ),
)

VOLUME: Final = (
    Case(
        rule="3.3 times as much as usual is told within 5 minutes, each symbol by its own hours",
        alert=BUSY,
        series={
            **volume("0+15000x720 10849500+49500x39 12780000+15000x200"),
            **volume("0+150000x960", "ETHUSDT"),
        },
        at={"3h3m": [], "3h4m45s": [busy("3300")], "3h14m30s": [busy("3300")], "3h19m": []},
    ),
    Case(
        rule="2.9 times as much is not unusual",
        alert=BUSY,
        series=volume("0+15000x720 10843500+43500x80"),
        at={"3h5m": [], "3h10m": []},
    ),
    Case(
        rule="one large trade is not unusual",
        alert=BUSY,
        series=volume("0+15000x720 20000000+15000x80"),
        at={f"3h{seconds // 60}m{seconds % 60}s": [] for seconds in range(0, 600, 15)},
    ),
    Case(
        rule="a sleepy market's first bump is none",
        alert=BUSY,
        series={
            **volume("0+15x720 13950+3150x80"),
            **volume("0+15x720 14250+3300x80", "ETHUSDT"),
        },
        at={"3h5m": [busy("220", "ETHUSDT")], "3h10m": [busy("220", "ETHUSDT")]},
    ),
    Case(
        rule="with less than 2 hours of history nothing is unusual",
        alert=BUSY,
        series=volume("0+15000x460 7050000+150000x60 16000000+15000x100"),
        at={"2h": [], "2h5m": [], "2h10m": []},
    ),
    Case(
        rule="what comes at once after 20 minutes without the bus is none",
        alert=BUSY,
        series=volume("0+15000x720 10800000x79 11040000+240000x5 12255000+15000x200"),
        at={f"3h{minutes}m{seconds}s": [] for minutes in range(18, 35) for seconds in (0, 15, 30, 45)},
    ),
    Case(
        rule="what cdb_core works off after a restart is none, however long it was away",
        alert=BUSY,
        series={
            **volume("0+15000x720 stale _x79 0+400000x5 2015000+15000x200"),
            **volume("0+15000x720 stale _x15 0 240000+15000x200", "ETHUSDT"),
            **volume("0+15000x720 stale _x25 0 405000+15000x200", "SOLUSDT"),
            **volume("0+15000x720 stale _x1 0+15000x200", "XRPUSDT"),
        },
        at={f"3h{minutes}m{seconds}s": [] for minutes in range(35) for seconds in (0, 15, 30, 45)},
    ),
)

WIN_RATE: Final = (
    Case(
        rule="a win rate below 40 % fires after 15 minutes and resolves 5 minutes after it is 40 %",
        alert=LOSING,
        series=win_rate("40x3 36.67x79 40x60"),
        at={"15m45s": [], "16m15s": [losing("37")], "25m30s": [losing("37")], "26m30s": []},
    ),
    Case(
        rule="a win rate of 40 % is quiet, and so is a strategy with fewer than 30 trades",
        alert=LOSING,
        series={**win_rate("40x120"), **win_rate("_x120", "mean_reversion_v1")},
        at={"16m": [], "29m": []},
    ),
    Case(
        rule="each strategy fires for itself",
        alert=LOSING,
        series={**win_rate("60x120"), **win_rate("0x120", "mean_reversion_v1")},
        at={"16m": [losing("0", "mean_reversion_v1")]},
    ),
    Case(
        rule="it does not resolve because cdb_execution is away for four minutes",
        alert=LOSING,
        series=win_rate("30x80 stale _x15 30x100"),
        at={"19m": [losing("30")], "23m": [losing("30")], "27m": [losing("30")], "40m": [losing("30")]},
    ),
    Case(
        rule="a strategy that has been switched off is forgotten after an hour",
        alert=LOSING,
        series=win_rate("30x500", signals="0x80 stale"),
        at={"1h18m": [losing("30")], "1h27m": []},
    ),
)
CASES: Final = (*VOLATILITY, *VOLUME, *WIN_RATE)
