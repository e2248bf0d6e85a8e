"""Files of trades made from a seed: quiet or lively markets of any length, with what seldom happens."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from services.clock import NANOSECONDS
from services.ws.simulated_market import Market, MarketSettings
from services.ws.trades import RawTrade

SYMBOLS: Final = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOTUSDT")
HEADER: Final = "symbol,trade_id,side,price,quantity,ts_ms"
BEFORE_MIDNIGHT_NS: Final = 1_700_092_800 * NANOSECONDS - 500 * NANOSECONDS
"""500 s before a UTC day's end (2023-11-15)."""
CRASH: Final = -0.15

TIGHT: Final = {"MAX_EXPOSURE_PCT": "0.28", "MAX_ORDERS_PER_MINUTE": "3", "MOMENTUM_COOLDOWN_S": "6"}
"""The settings with which the lively tape brings about all that can happen."""
RISE: Final = (100, *[101] * 7)
"""Bought at the second price; then quiet for as long as core looks back and cools down."""

SCENES: Final[dict[int, tuple[tuple[str, tuple[float, ...]], ...]]] = {
    # From this second on, each symbol has one of its prices a second. An order is worth about 8500.
    0: (("AAAUSDT", (100, 101, 102, 103, 104, 105, *[110] * 12, 109)),),  # no second position; sold with a profit
    120: (("BBBUSDT", (*RISE, 100.5)),),  # sold with a small loss
    180: (("FFFUSDT", (*RISE, *[103] * 8, 102.5)),),  # sold with a small profit
    240: (("CCCUSDT", (*RISE, 95, 95)),),  # a stop loss, so nothing is left to sell
    360: (("DDDUSDT", (*RISE, *[100] * 7, *[101] * 7, *[100] * 7, 101)),),  # too many orders in a minute
    480: tuple((f"{letter * 3}USDT", RISE) for letter in "BEFD"),  # the fourth is more than may be held at once
    900: (("CCCUSDT", RISE),),  # nobody knows by now what is held is worth
    1000: (("BBBUSDT", (101, 101.3)), ("FFFUSDT", (101, 100.8)), ("EEEUSDT", (*[101] * 7, 30, 30))),  # the breaker
    1200: (("AAAUSDT", RISE),),  # not any more
}

NOON: Final = 1_700_049_600_000  # 2023-11-15 12:00:00 UTC, in milliseconds
REFUSED: Final = {
    "malformed": ["no row at all"],
    "not_positive": [f"AAAUSDT,1,buy,-5,1,{NOON + 2_000_000}"],
    "out_of_order": [f"AAAUSDT,{trade},buy,100,1,{NOON}" for trade in (1, 2)],
}
"""Rows behind those of the scenes, by the reason for which each is refused."""


def market_trades(
    count: int, *, seed: int, per_second: float = 20.0, crash_at: int = -1, begin_ns: int = BEFORE_MIDNIGHT_NS
) -> Iterator[RawTrade]:
    """*count* trades of all SYMBOLS. From number *crash_at* on, every price is lower by CRASH."""
    market = Market(SYMBOLS, MarketSettings(trades_per_second=per_second), seed=seed)
    for number in range(count):
        if number == crash_at:
            for symbol in SYMBOLS:
                market.shock(symbol, CRASH)
        yield market.next_trade(trade_id=number + 1, start_ns=begin_ns)


def row_of(trade: RawTrade) -> str:
    """*trade* as a line of a file."""
    milliseconds = trade.ts_event // 1_000_000
    return f"{trade.symbol},{trade.trade_id},{trade.side},{trade.price},{trade.quantity},{milliseconds}"


def write_tape(file: Path, trades: Iterable[RawTrade], *, refused_every: int = 0) -> Path:
    """Write *trades* to *file*; with *refused_every*, one row of so many is repeated in a way that is refused."""
    spoilt = (
        lambda cells: cells,  # the same trade again
        lambda cells: [*cells[:3], "-1", *cells[4:]],
        lambda cells: [*cells[:3], "NaN", *cells[4:]],
        lambda cells: cells[:4],
        lambda cells: [*cells[:5], str(int(cells[5]) - 60_000)],
    )
    with file.open("w", encoding="utf-8") as lines:
        lines.write(f"{HEADER}\n")
        for number, trade in enumerate(trades, start=1):
            row = row_of(trade)
            lines.write(f"{row}\n")
            if refused_every and number % refused_every == 0:
                cells = spoilt[number // refused_every % len(spoilt)](row.split(","))
                lines.write(f"{','.join(cells)}\n")
    return file


def write_lively(file: Path) -> Path:
    """Write SCENES to *file*, and behind them REFUSED."""
    rows = []
    for start_s, scene in SCENES.items():
        for second in range(max(len(prices) for _, prices in scene)):
            for symbol, prices in scene:
                if second < len(prices):
                    ts_ms = NOON + (start_s + second) * 1000
                    rows.append(f"{symbol},{ts_ms},buy,{prices[second]},100,{ts_ms}")
    refused = [row for some in REFUSED.values() for row in some]
    file.write_text("\n".join([HEADER, *rows, *refused, ""]), encoding="utf-8")
    return file
