"""What came out of a replay, read from its ledger."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import msgspec

from cdb.replay.unhandled import Unhandled
from services.ledger.connection import Ledger

_COUNTS: Final = """
SELECT (SELECT count(*) FROM signals),
    (SELECT count(*) FROM decisions WHERE verdict = 'approved'),
    (SELECT count(*) FROM fills),
    (SELECT count(*) FROM orders WHERE cause = 'stop_loss'),
    (SELECT count(*) FROM orders WHERE state = 'placed'),
    (SELECT coalesce(sum(realised_pnl), 0) FROM fills),
    (SELECT coalesce(sum(p.quantity * m.price - p.cost), 0) FROM positions p JOIN marks m USING (symbol)),
    coalesce((SELECT cash FROM account), 0)
        + (SELECT coalesce(sum(p.quantity * m.price), 0) FROM positions p JOIN marks m USING (symbol))
"""
_REASONS: Final = "SELECT reason, count(*) FROM decisions WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
_SMALLEST: Final = Decimal("0.00000001")


class Feed(msgspec.Struct, frozen=True):
    """What cdb_ws says at /feed about the file that it reads; the default is what is known before it answers."""

    read: int | None = None
    refused: int = 0
    refusals: tuple[dict[str, str], ...] = ()
    waiting: bool = False
    finished: bool = False
    failure: str = ""


@dataclass(frozen=True)
class Summary:
    """The whole ledger of a replay in figures; money in the quote asset, unrealised at the newest prices."""

    trades_read: int
    refused: int
    signals: int
    approved: int
    rejected: dict[str, int]
    fills: int
    stop_losses: int
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    equity: Decimal
    dead_letters: int = 0
    unhandled: tuple[Unhandled, ...] = ()
    unfinished_orders: int = 0
    refusals: tuple[dict[str, str], ...] = ()
    ledger: str | None = None
    notes: tuple[str, ...] = ()
    why_no_signal: str = ""

    @property
    def problem(self) -> str | None:
        """What makes this result incomplete, if anything does."""
        if self.dead_letters:
            first = f"; the first: {self.unhandled[0]}" if self.unhandled else ""
            return f"{self.dead_letters} messages could not be handled and are missing from the result{first}"
        if self.unfinished_orders:
            return f"{self.unfinished_orders} orders have no final state"
        return None


def summarise(ledger: Ledger, feed: Feed, *, saved_as: str | None) -> Summary:
    """Read the figures from *ledger*. Raises ServerAway."""
    with ledger.transaction() as cursor:
        cursor.execute(_COUNTS)
        ((*counts, realised, unrealised, equity),) = cursor.fetchall()
        cursor.execute(_REASONS)
        reasons = dict(cursor.fetchall())
    signals, approved, fills, stop_losses, unfinished = counts
    return Summary(
        trades_read=feed.read or 0,
        refused=feed.refused,
        signals=signals,
        approved=approved,
        rejected=reasons,
        fills=fills,
        stop_losses=stop_losses,
        realised_pnl=realised.quantize(_SMALLEST),
        unrealised_pnl=unrealised.quantize(_SMALLEST),
        equity=equity.quantize(_SMALLEST),
        unfinished_orders=unfinished,
        refusals=feed.refusals,
        ledger=saved_as,
    )
