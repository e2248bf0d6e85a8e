"""Read a file of trades, and look through it first: how it must be read, and which of its rows are no trades."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from services.clock import EventClock
from services.ws.tape.order import Extent, IdCheck, Row, is_witness, plausible, with_made_ids
from services.ws.tape.rows import Reading, Table
from services.ws.trades import RawTrade, Refusal, TradeCheck

REFUSALS_KEPT: Final = 100
_TELL_EVERY: Final = 10_000

OnRows = Callable[[int], None]


@dataclass
class Survey:
    """What a file holds. *reading* is how it is read; *symbols* are those of rows that can be read."""

    reading: Reading
    names_symbols: bool
    """Whether a column names the symbols."""
    sort_command: str
    """The shell's command that would sort the file by time."""
    rows: int = 0
    symbols: set[str] = field(default_factory=set)
    units: set[str] = field(default_factory=set)
    refused: dict[str, int] = field(default_factory=dict)
    """How many rows by reason."""
    refusals: list[Refusal] = field(default_factory=list)
    """The first of them."""
    extents: dict[str, Extent] = field(default_factory=dict)
    """By symbol, of the rows that are valid trades."""
    id_problem: str = ""
    """Why ids had to be made; empty if the file's own are used."""
    falls: int = 0
    """How often the time falls from row to row, less how often it rises."""


def read_tape(path: Path, reading: Reading) -> Iterator[Row]:
    """Yield what each row of *path* holds, oldest first. Raises NotATape."""
    yield from _judged(Table(path, reading), reading)


def survey(path: Path, reading: Reading, on_rows: OnRows = lambda _: None) -> Survey:
    """Look through *path*: once, and again if the order or the ids turn out to be otherwise. Raises NotATape."""
    found = _look(path, reading, on_rows)
    if found.falls > 0:
        found = _look(path, msgspec.structs.replace(found.reading, newest_first=True), on_rows)
    if problem := found.id_problem:
        found = _look(path, msgspec.structs.replace(found.reading, make_ids=True), on_rows)
        found.id_problem = problem
    return found


def _judged(rows: Iterable[Row], reading: Reading) -> Iterator[Row]:
    sound = plausible(rows, now_ns=time.time_ns())
    return with_made_ids(sound) if reading.make_ids else sound


def _look(path: Path, reading: Reading, on_rows: OnRows) -> Survey:
    table = Table(path, reading)
    found = Survey(table.reading, table.names_symbols, table.sort_command, units=table.units)
    check, ids = TradeCheck(found.symbols, EventClock()), IdCheck()
    for row in _judged(_noting_order(table, found), reading):
        found.rows += 1
        if isinstance(row, RawTrade):
            if row.symbol not in found.symbols:
                found.symbols.add(row.symbol)
                check.admit([row.symbol])
            if is_witness(row):
                ids.note(row)
            refusal = check.objection(row)
        else:
            refusal = row
        if refusal is not None:
            _note(refusal, found)
        elif isinstance(row, RawTrade):
            _widen(found.extents, row)
        if found.rows % _TELL_EVERY == 0:
            on_rows(found.rows)
    found.id_problem = "" if reading.make_ids else ids.problem
    return found


def _noting_order(rows: Iterable[Row], found: Survey) -> Iterator[Row]:
    last = None
    for row in rows:
        if isinstance(row, RawTrade) and not row.late:
            if last is not None:
                found.falls += (row.ts_event < last) - (row.ts_event > last)
            last = row.ts_event
        yield row


def _widen(extents: dict[str, Extent], trade: RawTrade) -> None:
    extent = extents.get(trade.symbol)
    if extent is None:
        extents[trade.symbol] = Extent(trade.ts_event, trade.ts_event, trade.trade_id, trade.trade_id)
    else:
        extent.take_in(trade)


def _note(refusal: Refusal, found: Survey) -> None:
    found.refused[refusal.reason] = found.refused.get(refusal.reason, 0) + 1
    if len(found.refusals) < REFUSALS_KEPT:
        found.refusals.append(refusal)
