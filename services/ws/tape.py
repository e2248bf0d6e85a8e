"""Trades from a CSV file: ts_ms, trade_id, symbol, side (the taker's: buy or sell), price, quantity.

A row that cannot be read becomes a refusal that names its line; the rest goes on.
"""

import csv
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from services.messages import Side
from services.ws.trades import RawTrade, Refusal

COLUMNS: Final = ("ts_ms", "trade_id", "symbol", "side", "price", "quantity")
LONGEST_NUMBER: Final = 40
_SIDES: Final[dict[str, Side]] = {"buy": "BUY", "sell": "SELL"}
_NANOSECONDS_PER_MS: Final = 1_000_000


class NotATape(Exception):
    """The file is no table of trades; the text names it and says what it must look like."""


def read_tape(path: Path) -> Iterator[RawTrade | Refusal]:
    """Yield what each line of *path* holds. Raises NotATape if it cannot be opened or its header is another one."""
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            header = file.readline().removeprefix("\ufeff").strip()
            if _cells(header) != COLUMNS:
                raise NotATape(f"{path}: line 1 must be {','.join(COLUMNS)}, got {header[:80]!r}")
            for number, line in enumerate(file, start=2):
                yield read_line(line, number)
    except OSError as error:
        raise NotATape(f"{path}: {error.strerror}") from error


def read_line(line: str, number: int) -> RawTrade | Refusal:
    """The trade that *line* holds, or why it holds none."""
    origin = f"line {number}"
    cells = _cells(line)
    if len(cells) != len(COLUMNS):
        return Refusal("malformed", origin, f"{len(cells)} columns, {len(COLUMNS)} are expected")
    ts_ms, trade_id, symbol, side, price, quantity = cells
    if side not in _SIDES:
        return Refusal("malformed", origin, f"side must be buy or sell, got {side!r:.40}")
    if any(not text.isdecimal() or len(text) > LONGEST_NUMBER for text in (ts_ms, trade_id)):
        return Refusal(
            "malformed", origin, f"ts_ms and trade_id must be whole numbers, got {ts_ms!r:.40}, {trade_id!r:.40}"
        )
    try:
        values = [_decimal(text) for text in (price, quantity)]
    except InvalidOperation:
        return Refusal("not_a_number", origin, f"price {price!r:.40}, quantity {quantity!r:.40}")
    return RawTrade(symbol, int(trade_id), _SIDES[side], values[0], values[1], int(ts_ms) * _NANOSECONDS_PER_MS, origin)


def _cells(line: str) -> tuple[str, ...]:
    """The cells of *line*, none if it is beyond what a CSV reader takes."""
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line.rstrip("\r\n")]), []))
    except csv.Error:
        return ()


def _decimal(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER or "_" in text:  # Python's own 1_000 is no number in a table
        raise InvalidOperation(text)
    return Decimal(text)
