"""Look through a file before a replay starts: how it is read, how long it is, which symbols it trades."""

import heapq
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from cdb.running.errors import StackError
from services.ws.tape.files import NotATape
from services.ws.tape.order import Extent, Row
from services.ws.tape.reader import Survey, read_tape, survey
from services.ws.tape.rows import Reading
from services.ws.tape.values import DATES
from services.ws.trades import RawTrade

STANDARD_INPUT: Final = Path("-")
MOST_INVALID_PERCENT: Final = 10.0
_MOST_SYMBOLS: Final = 200
_UNITS: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", DATES: "dates"}

OnRows = Callable[[int], None]


@dataclass(frozen=True)
class Tape:
    """A file of trades: its rows (header and blank lines not counted), and how and with which symbols it is read.

    *notes* say what was recognised and is not what the documented form has.
    """

    path: Path
    reading: Reading
    rows: int
    symbols: tuple[str, ...]
    notes: tuple[str, ...] = ()
    extents: Mapping[str, Extent] = field(default_factory=dict)


def agreed(tapes: Sequence[Tape]) -> list[Tape]:
    """*tapes* as they can be merged: if ids of a symbol start anew in a later file, all get ids made from their times.

    Else signals of both files would have the same id, and count as one.
    """
    for one, other in combinations(tapes, 2):
        for symbol in set(one.extents) & set(other.extents):
            if one.extents[symbol].contradicts(other.extents[symbol]):
                note = f"trade ids of {symbol} start anew from file to file; ids are made from the times"
                return [
                    replace(
                        tape, reading=msgspec.structs.replace(tape.reading, make_ids=True), notes=(*tape.notes, note)
                    )
                    for tape in tapes
                ]
    return [*tapes]


def merged(tapes: Sequence[Tape]) -> Iterator[Row]:
    """Yield what the rows of all *tapes* hold, by time, and within an instant by id. Raises NotATape."""
    if len(tapes) == 1:
        return read_tape(tapes[0].path, tapes[0].reading)
    timed = heapq.merge(*map(_with_places, tapes), key=lambda pair: pair[0])
    return (row for _, row in timed)


def _with_places(tape: Tape) -> Iterator[tuple[tuple[int, int], Row]]:
    """Each row with its time and id; one that has none, or one of the past, comes with the row before it."""
    newest = (0, 0)
    for row in read_tape(tape.path, tape.reading):
        if isinstance(row, RawTrade):
            newest = max(newest, (row.ts_event, row.trade_id))
        yield newest, row


@contextmanager
def seekable(file: Path, folder: Path) -> Iterator[Path]:
    """The path of *file*. Standard input and pipes can be read once only, so they get a copy in *folder* meanwhile."""
    if file != STANDARD_INPUT and (file.is_file() or file.is_dir() or not file.exists()):
        yield file
        return
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="input-", dir=folder) as place:
        copy = Path(place) / "tape"
        with copy.open("wb") as target:
            if file == STANDARD_INPUT:
                shutil.copyfileobj(sys.stdin.buffer, target)
            else:
                with file.open("rb") as source:
                    shutil.copyfileobj(source, target)
        yield copy


def examine(
    path: Path, reading: Reading, *, name: str, most_invalid_percent: float = MOST_INVALID_PERCENT, on_rows: OnRows
) -> Tape:
    """Read the file at *path*, which the operator calls *name*, once.

    Raises StackError if it is no tape, or if too many of its rows are no trades: it says which is the first and why.
    """
    try:
        found = survey(path, reading, on_rows)
    except NotATape as error:
        raise StackError(f"{name}: {error.what}") from error
    if reading.symbol and found.names_symbols:
        raise StackError(f"{name}: a column names the symbols; --symbol is for files without one")
    if problem := _problem(found, most_invalid_percent):
        raise StackError(f"{name}: {problem}")
    return Tape(
        path, found.reading, found.rows, tuple(sorted(found.symbols)), tuple(_notes(found, reading)), found.extents
    )


def _problem(found: Survey, most_percent: float) -> str:
    """Why nothing is replayed, if so."""
    refused = sum(found.refused.values())
    first = next((f"; the first: {one.origin}: {one.reason}, {one.detail}" for one in found.refusals), "")
    if refused == found.rows:
        return f"none of its {found.rows:,} rows is a valid trade{first}"
    if len(found.symbols) > _MOST_SYMBOLS:
        return f"{len(found.symbols)} symbols; at most {_MOST_SYMBOLS} can be traded at once"
    if refused and 100 * refused >= most_percent * found.rows:
        limit = f"--max-invalid {most_percent:g} replays a file with less than {most_percent:g} %"
        unsorted = 2 * found.refused.get("out_of_order", 0) > refused
        hint = f". This sorts a file: {found.sort_command}" if unsorted else ""
        return f"{refused:,} of its {found.rows:,} rows are no valid trades, {limit}{first}{hint}"
    return ""


def _notes(found: Survey, asked: Reading) -> Iterator[str]:
    if found.units - {"ms"} and asked.time_unit is None:
        yield f"times are {' and '.join(sorted(_UNITS[unit] for unit in found.units))}"
    if found.reading.symbol and not asked.symbol:
        yield f"the symbol is {found.reading.symbol}, as the file's name says"
    if found.reading.newest_first:
        yield "the newest trade comes first; the file is read from its end"
    if found.id_problem:
        yield f"trade ids cannot be used ({found.id_problem}); ids are made from the times"
