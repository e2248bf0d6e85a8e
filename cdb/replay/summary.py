"""What came out of a replay, read from its ledger."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

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
_CENT_OF_A_CENT: Final = Decimal("0.00000001")


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
    unfinished_orders: int = 0
    refusals: tuple[dict[str, str], ...] = ()
    ledger: str | None = None

    @property
    def problem(self) -> str | None:
        """Return what makes this result incomplete, or None."""
        if self.dead_letters:
            return f"{self.dead_letters} messages could not be handled: the result leaves them out"
        if self.unfinished_orders:
            return f"{self.unfinished_orders} orders have no final state"
        return None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dict(vars(self))


def summarise(ledger: Ledger, feed: dict[str, Any], *, dead_letters: int, kept_as: str | None) -> Summary:
    """Read the figures from *ledger*; *feed* is what cdb_ws says of the file. Raise ServerAway."""
    with ledger.transaction() as cursor:
        cursor.execute(_COUNTS)
        row = cursor.fetchone()
        cursor.execute(_REASONS)
        reasons = dict(cursor.fetchall())
    assert row is not None  # noqa: S101  a SELECT of sub-selects gives one row
    signals, approved, fills, stop_losses, unfinished, realised, unrealised, equity = row
    return Summary(
        trades_read=feed["read"],
        refused=feed["refused"],
        signals=signals,
        approved=approved,
        rejected=reasons,
        fills=fills,
        stop_losses=stop_losses,
        dead_letters=dead_letters,
        unfinished_orders=unfinished,
        realised_pnl=Decimal(realised).quantize(_CENT_OF_A_CENT),
        unrealised_pnl=Decimal(unrealised).quantize(_CENT_OF_A_CENT),
        equity=Decimal(equity).quantize(_CENT_OF_A_CENT),
        refusals=tuple(feed["refusals"]),
        ledger=kept_as,
    )
