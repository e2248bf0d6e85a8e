"""Rows of the ledger as pages and spreadsheets show them. Money is in the quote asset. All readers raise ServerAway."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.errors import ServerAway
from services.ledger.results import Reader
from services.messages import Cause, Side

NO_ACCOUNT: Final = "the ledger has no account yet; cdb_risk opens it when it first runs"


@dataclass(frozen=True, slots=True)
class Filled:
    """One fill with the strategy and the cause of its order. *realised_pnl* is None for a purchase."""

    fill_id: str
    order_id: str
    position_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    notional: Decimal
    fee: Decimal
    realised_pnl: Decimal | None
    filled_at: datetime
    strategy: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Held:
    """One open position with the newest price of its symbol, None without one. *ts_event* is the price's time in ns."""

    symbol: str
    strategy: str
    position_id: str
    quantity: Decimal
    cost: Decimal
    opened_at: datetime
    price: Decimal | None
    ts_event: int | None

    @property
    def value(self) -> Decimal:
        """At the newest price; without one what it has cost, as cdb_risk values it."""
        return self.cost if self.price is None else self.quantity * self.price

    @property
    def unrealised(self) -> Decimal:
        return self.value - self.cost


@dataclass(frozen=True, slots=True)
class Account:
    """The account's cash and the result of all its sales."""

    opening_cash: Decimal
    cash: Decimal
    realised_pnl: Decimal


_FILLS: Final = f"""
SELECT {", ".join(f"f.{column.name}" for column in fields(Filled)[:-2])}, o.strategy, o.cause
FROM fills f JOIN orders o USING (order_id) ORDER BY f.fill_seq
"""  # noqa: S608  names of our own, here and below
_HELD: Final = f"""
SELECT {", ".join(f"p.{column.name}" for column in fields(Held)[:-2])}, m.price, m.ts_event
FROM positions p LEFT JOIN marks m USING (symbol) WHERE p.quantity > 0 ORDER BY p.symbol, p.strategy
"""  # noqa: S608
_ACCOUNT: Final = f"SELECT {', '.join(column.name for column in fields(Account))} FROM account"  # noqa: S608


def fills_of(ledger: Reader) -> list[Filled]:
    """All fills, oldest first."""
    return [Filled(*row) for row in ledger.execute(_FILLS)]


def held_of(ledger: Reader) -> list[Held]:
    """All that is held, by symbol and strategy."""
    return [Held(*row) for row in ledger.execute(_HELD)]


def account_of(ledger: Reader) -> Account:
    """The account. Raises ServerAway, too, if it has not been opened yet."""
    for row in ledger.execute(_ACCOUNT):
        return Account(*row)
    raise ServerAway("PostgreSQL", NO_ACCOUNT)
