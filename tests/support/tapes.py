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
