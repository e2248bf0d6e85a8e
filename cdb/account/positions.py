"""What is held now, what it is worth, and at which price a stop loss sells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from cdb.account.opened import Opened
from cdb.account.since import Since
from cdb.performance.rows import Held, account_of, held_of
from cdb.performance.spreadsheet import Columns, records
from services.clock import to_datetime
from services.risk.portfolio import Position
from services.risk.rules import stop_price

ZERO = Decimal(0)


@dataclass(frozen=True)
class OpenPosition:
    """One position at its newest price. Shares are fractions of the account's equity."""

    held: Held
    price_age_s: float | None
    share: Decimal | None
    stop: Decimal | None

    @property
    def entry(self) -> Decimal:
        """What one unit has cost, fees included."""
        return self.held.cost / self.held.quantity


@dataclass(frozen=True)
class OpenPositions:
    """Those that were opened since the moment asked for, and the account that they are part of."""

    ledger: str
    as_of: datetime
    since: datetime | None
    cash: Decimal
    equity: Decimal
    positions: Sequence[OpenPosition]

    @property
    def value(self) -> Decimal:
        return sum((each.held.value for each in self.positions), ZERO)

    @property
    def unrealised(self) -> Decimal:
        return sum((each.held.unrealised for each in self.positions), ZERO)

    @property
    def share(self) -> Decimal | None:
        return _share(self.value, self.equity)

    def as_json(self) -> dict[str, Any]:
        return {
            "ledger": self.ledger,
            "as_of": self.as_of,
            "since": self.since,
            "cash": self.cash,
            "equity": self.equity,
            "positions": records(COLUMNS, self.positions),
            "total": {
                "value": self.value,
                "share_of_equity": self.share,
                "unrealised": self.unrealised,
            },
        }


COLUMNS: Final[Columns[OpenPosition]] = {
    "symbol": lambda one: one.held.symbol,
    "strategy": lambda one: one.held.strategy,
    "quantity": lambda one: one.held.quantity,
    "entry": lambda one: one.entry,
    "cost": lambda one: one.held.cost,
    "price": lambda one: one.held.price,
    "price_age_s": lambda one: one.price_age_s,
    "value": lambda one: one.held.value,
    "share_of_equity": lambda one: one.share,
    "unrealised": lambda one: one.held.unrealised,
    "stop_price": lambda one: one.stop,
    "opened_at": lambda one: one.held.opened_at,
    "position_id": lambda one: one.held.position_id,
}


def open_positions(ledger: Opened, since: Since) -> OpenPositions:
    """Read them. Raises ServerAway."""
    account, all_held = account_of(ledger.rows), held_of(ledger.rows)
    equity = account.cash + sum((held.value for held in all_held), ZERO)

    def looked_at(held: Held) -> OpenPosition:
        # The time 0 means that cdb_risk takes the price for old, whenever it was.
        age_s = (ledger.now - to_datetime(held.ts_event)).total_seconds() if held.ts_event else None
        position = Position(held.symbol, held.strategy, held.position_id, held.quantity, held.cost)
        stop = stop_price(position, ledger.limits) if ledger.limits else None
        return OpenPosition(held, None if age_s is None else max(age_s, 0.0), _share(held.value, equity), stop)

    return OpenPositions(
        ledger=ledger.name,
        as_of=ledger.now,
        since=since.before(ledger.now),
        cash=account.cash,
        equity=equity,
        positions=[looked_at(held) for held in all_held if since.includes(held.opened_at, end=ledger.now)],
    )


def _share(value: Decimal, equity: Decimal) -> Decimal | None:
    return value / equity if equity > 0 else None
