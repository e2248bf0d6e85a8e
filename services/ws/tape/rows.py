"""The rows of a table of trades, each a trade or a refusal that names its line and what would be right."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from services.ws.tape import columns, values
from services.ws.tape.columns import Columns, UnknownColumns
from services.ws.tape.files import NotATape, lines_of
from services.ws.tape.values import BadValue, TimeUnit
from services.ws.trades import RawTrade, Refusal

MOST_TURNED_AROUND: Final = 256 * 1024 * 1024
"""Characters; in memory they take about three times as much."""
_NOTHING: Final = f' \r\n"{columns.DELIMITERS}'
_QUOTE_ASSETS: Final = "USDT|USDC|FDUSD|BUSD|TUSD|USD|EUR|GBP|TRY|BRL|JPY|BTC|ETH|BNB"
_NAME_OF_A_DUMP: Final = re.compile(rf"([a-z0-9]+_?(?:{_QUOTE_ASSETS}))-(?:agg)?trades\b", re.IGNORECASE)

Numbered = Iterator[tuple[int, str]]


class Reading(msgspec.Struct, frozen=True):
    """What is known of a file before it is read, because somebody said so or the whole of it was looked through."""

    symbol: str = ""
    """Of a table without a column for it; empty: the file's name says it."""
    time_unit: TimeUnit | None = None
    """None: the number of digits says it."""
    newest_first: bool = False
    make_ids: bool = False


class Rows:
    """Reads the lines of one table. *units* are those that its times were in so far."""

    def __init__(self, table: Columns, reading: Reading) -> None:
        self.units: set[str] = set()
        self._table = table
        self._unit = reading.time_unit
        self._symbol = reading.symbol
        self._symbols: dict[str, str] = {}
        self._decimal_comma = table.delimiter != ","

    def read(self, line: str, number: int) -> RawTrade | Refusal:
        """The trade that *line* holds, or why it holds none."""
        table, origin = self._table, f"line {number}"
        cells = columns.split(line, table.delimiter)
        if len(cells) != table.width and (len(cells) < table.width or any(cells[table.width :])):
            hint = "; a number with a comma would be two" if len(cells) > table.width else ""
            return Refusal("malformed", origin, f"{len(cells)} columns, {table.width} are expected{hint}")
        price, quantity = cells[table.price], cells[table.quantity]
        if self._decimal_comma:
            price, quantity = price.replace(",", "."), quantity.replace(",", ".")
        try:
            ts_event, unit = values.time_ns(cells[table.time].strip(), self._unit)
            trade = RawTrade(
                self._symbol if table.symbol is None else self._symbol_of(cells[table.symbol]),
                values.NO_ID if table.trade_id is None else values.trade_id(cells[table.trade_id].strip()),
                values.side(cells[table.side].strip(), table.sides),
                values.number("price", price.strip()),
                values.number("quantity", quantity.strip()),
                ts_event,
                origin,
                table.late is not None and values.late(cells[table.late].strip()),
            )
        except BadValue as bad:
            return Refusal(bad.reason, origin, bad.detail)
        self.units.add(unit)
        return trade

    def _symbol_of(self, cell: str) -> str:
        known = self._symbols.get(cell)
        if known is None:
            known = self._symbols[cell] = values.symbol(cell.strip())
        return known


class Table:
    """A file of trades that was opened."""

    def __init__(self, path: Path, reading: Reading) -> None:
        """Read the first line. Raises NotATape if the file cannot be opened or has other columns."""
        self._path = path
        lines = lines_of(path)
        self._lines: Numbered = enumerate(lines, start=1)
        number, self._first = next(((n, line) for n, line in self._lines if line.strip(_NOTHING)), (1, ""))
        try:
            table, has_header = _columns_of(self._first, path)
        except NotATape:
            lines.close()
            raise
        if not has_header:
            self._lines = chain([(number, self._first)], self._lines)
        self.sort_command = _sort_command(table, has_header=has_header)
        self.names_symbols = table.symbol is not None
        if not self.names_symbols and not reading.symbol:
            reading = msgspec.structs.replace(reading, symbol=symbol_in_name(path.name))
        self.reading = reading
        self._rows = Rows(table, reading)

    @property
    def units(self) -> set[str]:
        """The units that times were in so far."""
        return self._rows.units

    def __iter__(self) -> Iterator[RawTrade | Refusal]:
        """Yield what each row holds, oldest first; blank lines and repeated headers are left out. Raises NotATape."""
        if not self.names_symbols and not self.reading.symbol:
            raise NotATape(self._path, "no column names the symbol, nor does the file's name; --symbol BTCUSDT does")
        lines = turned_around(self._lines, self._path) if self.reading.newest_first else self._lines
        header = self._first.strip()
        for number, line in lines:
            row = self._rows.read(line, number)
            if isinstance(row, RawTrade) or (line.strip(_NOTHING) and line.strip() != header):
                yield row


def turned_around(lines: Numbered, path: Path, *, most: int = MOST_TURNED_AROUND) -> Numbered:
    """The last line first. Raises NotATape if they are more than fit in memory."""
    kept, size = [], 0
    for number, line in lines:
        kept.append((number, line))
        size += len(line)
        if size > most:
            raise NotATape(
                path,
                "the newest trade comes first, and the file is too large to be turned around in memory; this does it:"
                " (head -n 1 FILE; tail -n +2 FILE | tac) > oldest-first.csv",
            )
    return reversed(kept)


def symbol_in_name(name: str) -> str:
    """ETHUSDT for ETHUSDT-aggTrades-2025-01.zip, as Binance and freqtrade name files; empty if there is none."""
    found = _NAME_OF_A_DUMP.match(name)
    try:
        return values.symbol(found[1]) if found else ""
    except BadValue:
        return ""


def _sort_command(table: Columns, *, has_header: bool) -> str:
    sort = f"sort -s -t '{table.delimiter}' -k {table.time + 1},{table.time + 1}"
    whole = f"(head -n 1 FILE; tail -n +2 FILE | {sort})" if has_header else f"{sort} FILE"
    return f"{whole} > sorted.csv"


def _columns_of(line: str, path: Path) -> tuple[Columns, bool]:
    """The columns, and whether *line* is the header that says so."""
    delimiter = columns.delimiter_of(line)
    cells = columns.split(line, delimiter)
    try:
        return columns.named(cells, delimiter), True
    except UnknownColumns as unknown:
        for names in columns.WITHOUT_HEADER:
            table = columns.named(names, delimiter)
            if len(names) == len(cells) and isinstance(Rows(table, Reading()).read(line, 1), RawTrade):
                return table, False
        binary = "\0" in line or "\ufffd" in line
        hint = "; only text is read, plain or packed as .gz or .zip" if binary else ""
        wanted = f"line 1 must name the columns, such as {','.join(columns.OURS)}"
        raise NotATape(path, f"{wanted}; {unknown}, got {line.strip()!r:.80}{hint}") from unknown
