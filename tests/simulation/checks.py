"""What must hold once all faults are over and everything has settled."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

from cdb.audit import Rule, read_and_audit
from services.bus.memory import Streams
from services.ledger.connection import Ledger, LedgerAddress
from services.messages import DeadLetter, decode
from services.topology import DEAD_LETTERS

_CONTENT: Final = {
    "signals": "signal_id, side, strategy, strength, price, volatility, trade_id",
    "decisions": "signal_id, verdict, layer, reason, quantity",
    "orders": "order_id, cause, side, quantity, reference_price, volatility, state, refusal",
    "fills": "fill_id, position_id, quantity, price, notional, fee, realised_pnl",
    "positions": "symbol, position_id, quantity, cost",
    "account": "cash, realised_pnl",
    "equity": "day, cause, equity",
    "breaker": "active, cause, equity, reference_equity",
}

_BY_TIME: Final = {Rule.BREAKER, Rule.DRAWDOWN, Rule.BOOK}
"""Rules that compare times of rows, which say nothing if the clock was set (runbook ClockSkew)."""

Content = dict[str, list[tuple[Any, ...]]]


def content_of(address: LedgerAddress) -> Content:
    """The ledger without times and numbers: what was traded."""
    with closing(Ledger(address, application="content")) as ledger:
        return {
            table: ledger.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2")  # noqa: S608  our own names
            for table, columns in _CONTENT.items()
        }


def findings(
    address: LedgerAddress, streams: Streams, expected: Content | None, *, clock_was_set: bool
) -> Iterator[str]:
    """Everything that does not hold; *expected* is the content of a run without faults, if that must be the same."""
    with closing(Ledger(address, application="audit")) as ledger:
        report = read_and_audit(ledger)
    for rule in report.broken if not clock_was_set else set(report.broken) - _BY_TIME:
        shown = report.tallies[rule].shown[0]
        yield f"audit: {rule.label}: {shown.row} must be {shown.expected}, is {shown.found}"
    for order in report.in_flight:
        yield f"{order.order_id} has no final state"
    for entry in streams.stream(DEAD_LETTERS).entries:
        letter = decode(DEAD_LETTERS, entry.data or b"") if entry else None
        if isinstance(letter, DeadLetter) and (letter.reason == "handler" or expected is not None):
            detail = " ".join(letter.detail.split())
            yield f"dead letter of {letter.stream} for {letter.group}: {letter.reason}, {detail}"
    if expected is not None:
        yield from _differences(expected, content_of(address))


def _differences(expected: Content, found: Content) -> Iterator[str]:
    for table, rows in expected.items():
        yield from (f"{table} lacks {row}" for row in rows if row not in found[table])
        yield from (f"{table} has {row}" for row in found[table] if row not in rows)
