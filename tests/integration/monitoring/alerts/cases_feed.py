"""When the alerts on the connection to a live exchange fire. All times are from the first scrape."""

from typing import Final

from tests.integration.monitoring.alerts.promtool import Case, Firing

RECONNECTING: Final = "FeedReconnecting"
GAP: Final = "FeedGapNotFilled"
SKEW: Final = "ExchangeClockSkew"
NOT_TRADED: Final = "SymbolNotTraded"
AT_WS: Final = 'instance="cdb_ws:8000", job="cdb_services"'
STARTED: Final = f"process_start_time_seconds{{{AT_WS}}}"


def reconnects(values: str) -> dict[str, str]:
    return {f"cdb_websocket_reconnects_total{{{AT_WS}}}": values}


def gaps(
    not_filled: str, *, filled: str = "0+30x60", started: str = "-3600x60", source: str = "mexc"
) -> dict[str, str]:
    """Gaps in seconds; *started* is when cdb_ws has started, and an hour before the first scrape if nothing is said."""
    name = "cdb_feed_gap_seconds_total"
    return {
        f'{name}{{source="{source}", result="not_filled", {AT_WS}}}': not_filled,
        f'{name}{{source="{source}", result="filled", {AT_WS}}}': filled,
        STARTED: started,
        STARTED.replace("cdb_ws:8000", "cdb_core:8001"): "0x60",
    }


def skew(values: str, source: str = "mexc") -> dict[str, str]:
    return {f'cdb_exchange_clock_skew_seconds{{source="{source}", {AT_WS}}}': values}


def lost(times: int) -> Firing:
    return Firing(
        severity="warning",
        component="market_data",
        summary="The connection to the exchange keeps being lost",
        description=f"cdb_ws has opened its connections to the exchange again about {times} times within 10 minutes. "
        "REST fills the gaps, but trades that come too late lead to no decision.",
    )


def missing(seconds: int, source: str = "mexc") -> Firing:
    return Firing(
        severity="warning",
        component="market_data",
        labels={"source": source},
        summary=f"About {seconds} s of trades of {source} are missing",
        description=f"cdb_ws missed trades of {source} that the exchange no longer has: within 10 minutes about "
        f"{seconds} s, all symbols added up. The log of cdb_ws has the symbols and the times.",
    )


def not_traded(symbol: str) -> Firing:
    return Firing(
        severity="warning",
        component="market_data",
        labels={"symbol": symbol},
        summary=f"The exchange does not trade {symbol}",
        description=f"The exchange has paused or removed {symbol}, so it has no new prices: the bot neither buys "
        "nor sells it. If the bot holds it, purchases of all symbols stop once its price is older than "
        "MAX_HELD_PRICE_AGE_S.",
    )


def skewed(by: str, source: str = "mexc") -> Firing:
    return Firing(
        severity="warning",
        component="clock",
        labels={"source": source},
        summary=f"The clocks of {source} and this machine differ",
        description=f"The clock of {source} differs from ours by {by} s (plus: theirs is ahead, minus: theirs is "
        "behind). cdb_ws corrects the times of trades, so trading goes on.",
    )


CASES: Final = (
    Case(
        rule="a connection that is lost every 2 minutes is told",
        alert=RECONNECTING,
        series=reconnects("0x7 1x7 2x7 3x7 4x7 5x7 6x40"),
        at={"7m45s": [], "9m45s": [], "10m30s": [lost(5)], "12m30s": [lost(5)], "14m30s": []},
    ),
    Case(
        rule="one that is lost every minute is told after 6, and until it has held for 5",
        alert=RECONNECTING,
        series=reconnects("0x3 1x3 2x3 3x3 4x3 5x3 6x3 7x3 8x3 9x3 10x40"),
        at={"5m45s": [], "6m30s": [lost(6)], "10m45s": [lost(9)], "14m30s": [lost(6)], "15m15s": []},
    ),
    Case(
        rule="four times in 10 minutes are not enough",
        alert=RECONNECTING,
        series=reconnects("0x9 1x9 2x9 3x9 4x40"),
        at={"9m45s": [], "11m": [], "14m": []},
    ),
    Case(
        rule="many at once are one trouble of the exchange, which is over",
        alert=RECONNECTING,
        series=reconnects("0x20 3 9x60"),
        at={"6m": [], "8m": [], "10m45s": [], "13m": []},
    ),
    Case(
        rule="a connection that is replaced once a day is none that is lost",
        alert=RECONNECTING,
        series=reconnects("0x20 1x60"),
        at={"6m": [], "11m": []},
    ),
    Case(
        rule="with a market that is simulated nothing is told",
        alert=RECONNECTING,
        series=reconnects("0x80"),
        at={"11m": [], "20m": []},
    ),
    Case(
        rule="trades that REST no longer has are told half a minute later, for 10 minutes",
        alert=GAP,
        series=gaps("0x7 45x60"),
        at={"2m15s": [], "2m30s": [missing(45)], "11m30s": [missing(45)], "12m15s": []},
    ),
    Case(
        rule="gaps that REST has filled are nothing to tell",
        alert=GAP,
        series=gaps("0x60"),
        at={"1m": [], "12m": []},
    ),
    Case(
        rule="what was missed while the bot was stopped is told, though the counter begins with it",
        alert=GAP,
        series=gaps("_x20 3600x60", started="_x20 300x60"),
        at={"5m": [], "5m15s": [], "5m45s": [missing(3600)], "14m45s": [missing(3600)], "15m15s": []},
    ),
    Case(
        rule="a gap of an hour ago is not told again when Prometheus begins",
        alert=GAP,
        series=gaps("45x60"),
        at={"30s": [], "1m": [], "10m": []},
    ),
    Case(
        rule="the old process's count, which the collector shows for a moment, is not the new one's",
        alert=GAP,
        series=gaps("45x20 45x1 0x60", started="-3600x20 300x60"),
        at={"5m15s": [], "5m30s": [], "6m": []},
    ),
    Case(
        rule="another service that is young is not cdb_ws",
        alert=GAP,
        series={**gaps("45x60"), STARTED.replace("cdb_ws:8000", "cdb_core:8001"): "0x60"},
        at={"1m": [], "5m": []},
    ),
    Case(
        rule="each exchange is told by its name",
        alert=GAP,
        series={**gaps("0x7 45x60"), **gaps("0x7 90x60", source="binance")},
        at={"2m30s": [missing(45), missing(90, "binance")]},
    ),
    Case(
        rule="a symbol that the exchange has paused is told after a minute, until it is traded again",
        alert=NOT_TRADED,
        series={
            f'cdb_exchange_symbol_trading{{symbol="SOLUSDT", {AT_WS}}}': "1x3 0x20 1x20",
            f'cdb_exchange_symbol_trading{{symbol="BTCUSDT", {AT_WS}}}': "1x60",
        },
        at={"1m45s": [], "2m": [not_traded("SOLUSDT")], "6m": [not_traded("SOLUSDT")], "6m15s": []},
    ),
    Case(
        rule="a clock that is ahead or behind is told after 3 minutes, and until it is right",
        alert=SKEW,
        series={**skew("0.1x3 2.5x15 0.1x20"), **skew("0x3 -1.2x15 0x20", "binance")},
        at={"3m45s": [], "4m": [skewed("+2.5"), skewed("-1.2", "binance")], "5m": []},
    ),
    Case(
        rule="up to a second is what a slow answer may make of two clocks that agree",
        alert=SKEW,
        series={**skew("1x30"), **skew("-1x30", "binance")},
        at={"5m": []},
    ),
    Case(
        rule="one wrong measurement is nothing",
        alert=SKEW,
        series=skew("0x4 3x4 0x20"),
        at={"2m": [], "5m": []},
    ),
    Case(
        rule="a source without a clock of its own is quiet",
        alert=SKEW,
        series={"vector_of_nothing": "0x60"},
        at={"5m": []},
    ),
)
