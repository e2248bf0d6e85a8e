"""Look through a file before a replay starts: how long it is and which symbols it trades."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdb.running.errors import StackError
from services.ws.tape import NotATape, read_tape
from services.ws.trades import RawTrade

_SYMBOL: Final = re.compile(r"[A-Z0-9]{2,20}")
_MOST_SYMBOLS: Final = 200


@dataclass(frozen=True)
class Tape:
    """A file of trades: its rows (the header not counted) and the symbols of those that can be read."""

    path: Path
    rows: int
    symbols: tuple[str, ...]


def survey(path: Path) -> Tape:
    """Read the file once. Raises StackError if it is not a tape or holds no trade."""
    rows = 0
    symbols: set[str] = set()
    try:
        for row in read_tape(path):
            rows += 1
            if isinstance(row, RawTrade) and _SYMBOL.fullmatch(row.symbol):
                symbols.add(row.symbol)
    except NotATape as error:
        raise StackError(str(error)) from error
    if not symbols:
        raise StackError(f"{path}: none of its {rows} rows is a valid trade")
    if len(symbols) > _MOST_SYMBOLS:
        raise StackError(f"{path}: {len(symbols)} symbols; at most {_MOST_SYMBOLS} can be traded at once")
    return Tape(path, rows, tuple(sorted(symbols)))
