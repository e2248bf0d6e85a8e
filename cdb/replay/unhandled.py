"""Messages that no service could handle: which trade each of them came from, and where that stands in the file."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from cdb.replay.tape import Tape, merged
from services.bus.dead_letters import Letter
from services.decoding import prepared
from services.ws.trades import RawTrade

MOST: Final = 100

Trade = tuple[str, int]


class Unhandled(msgspec.Struct, frozen=True):
    """One message that is missing from the result. symbol, trade and line are None if nothing can be known of them."""

    stream: str
    group: str
    reason: str
    detail: str
    symbol: str | None = None
    trade: int | None = None
    line: str | None = None

    def __str__(self) -> str:
        """One line for a person."""
        trade = f"trade {self.trade} of {self.symbol} ({self.line or 'of an earlier file'})" if self.symbol else "one"
        return f"{trade}, on {self.stream}, for {self.group}: {self.reason}, {self.detail}"


def unhandled(letters: Iterable[Letter], tapes: Sequence[Tape]) -> list[Unhandled]:
    """Describe *letters*, at most MOST of them."""
    kept = [letter for letter, _ in zip(letters, range(MOST), strict=False)]
    trades = [trade_of(letter.data) for letter in kept]
    lines = _lines({trade for trade in trades if trade}, tapes)
    return [_described(letter, trade, lines) for letter, trade in zip(kept, trades, strict=True)]


def trade_of(data: bytes) -> Trade | None:
    """The symbol and the id of the trade that a message is about: ids of orders and fills end with it."""
    with suppress(msgspec.MsgspecError, UnicodeDecodeError, ValueError, KeyError, TypeError):
        content = msgspec.json.decode(data, type=prepared(dict[str, Any]))
        own = content.get("trade_id")
        return str(content["symbol"]), int(content["order_id"].rpartition(":")[2] if own is None else own)
    return None


def _described(letter: Letter, trade: Trade | None, lines: dict[Trade, str]) -> Unhandled:
    symbol, trade_id = trade or (None, None)
    line = lines.get(trade) if trade else None
    content = letter.content
    if content is None:
        return Unhandled("dead_letters", "", "unreadable", letter.id, symbol, trade_id, line)
    return Unhandled(content.stream, content.group, content.reason, content.detail, symbol, trade_id, line)


def _lines(wanted: set[Trade], tapes: Sequence[Tape]) -> dict[Trade, str]:
    found: dict[Trade, str] = {}
    if wanted:
        for row in merged(tapes):
            if isinstance(row, RawTrade) and (trade := (row.symbol, row.trade_id)) in wanted:
                found.setdefault(trade, row.origin)
    return found
