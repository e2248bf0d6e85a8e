"""What an operator's action would do, in figures: amounts in the quote asset and shares, as exact texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from services.actions import Refused
from services.costs import UNIT
from services.messages import order_id_of_action
from services.risk.limits import Limits
from services.risk.portfolio import Mark, Portfolio, Position
from services.risk.rules import age_s, is_price_unknown, sale_of

ZERO = Decimal(0)


@dataclass(frozen=True)
class Closing:
    """A position to be closed at its mark. quantity is what is sold now: 0 if orders in flight sell all of it."""

    order_id: str
    position: Position
    mark: Mark
    quantity: Decimal

    @cached_property
    def notional(self) -> Decimal:
        """What the sale brings at the mark, before fee and slippage."""
        return (self.quantity * self.mark.price).quantize(UNIT)

    @cached_property
    def result(self) -> Decimal:
        """What that is more than the part of the position has cost."""
        return self.notional - (self.position.cost * self.quantity / self.position.quantity).quantize(UNIT)

    def figures(self, *, now_ns: int) -> dict[str, Any]:
        """The row that an operator sees, and that the ledger keeps."""
        return {
            "symbol": self.position.symbol,
            "strategy": self.position.strategy,
            "position_id": self.position.position_id,
            "order_id": self.order_id if self.quantity else None,
            "held": f"{self.position.quantity:f}",
            "quantity": f"{self.quantity:f}",
            "price": f"{self.mark.price:f}",
            "price_age_s": round(age_s(self.mark.ts_event, now_ns), 3),
            "notional": f"{self.notional:f}",
            "cost": f"{self.position.cost:f}",
            "estimated_result": f"{self.result:f}",
        }


def closings(action_id: str, symbol: str, portfolio: Portfolio, limits: Limits, *, now_ns: int) -> list[Closing]:
    """How the positions in *symbol*, or all for an empty one, would be closed. Raises Refused."""
    positions = [held for held in portfolio.book.positions.values() if symbol in ("", held.symbol)]
    if not positions:
        raise Refused(f"nothing to close: {f'no position in {symbol}' if symbol else 'no position'} is open")
    unknown = {p.symbol for p in positions if is_price_unknown(portfolio.marks.get(p.symbol), limits, now_ns=now_ns)}
    if unknown:
        since = f"in the last {limits.max_held_price_age_s:g} s"
        raise Refused(f"{', '.join(sorted(unknown))} had no price {since}: wait for one, or close other positions")
    found = [_closing(action_id, held, portfolio) for held in positions]
    if not any(one.quantity for one in found):
        raise Refused("nothing to close: orders on their way already sell all of it")
    return found


def figures_of(found: Sequence[Closing], *, now_ns: int) -> dict[str, Any]:
    """Each of the positions that are closed, and their sums."""
    return {
        "positions": [one.figures(now_ns=now_ns) for one in found],
        "notional": f"{sum((one.notional for one in found), ZERO):f}",
        "estimated_result": f"{sum((one.result for one in found), ZERO):f}",
    }


def breaker_figures(portfolio: Portfolio, *, trips: bool) -> dict[str, Any]:
    """What a trip or a reset of the breaker changes. Raises Refused if it is not possible."""
    if trips == portfolio.breaker_active:
        state, what = ("already active", "trip") if trips else ("not active", "reset")
        raise Refused(f"the breaker is {state}: there is nothing to {what}")
    equity, reference = portfolio.equity(), portfolio.reference_equity()
    if not trips and not portfolio.is_marked():
        raise Refused("a position has no price yet, so equity is unknown: wait for the next prices, then try again")
    if not trips and equity <= ZERO:
        raise Refused(f"equity is {equity:.2f}: drawdown can only be measured from a positive equity")
    drawdown = portfolio.drawdown().quantize(UNIT)
    return {
        "breaker_active_before": not trips,
        "breaker_active_after": trips,
        "equity": f"{equity:f}",
        "reference_equity_before": f"{reference:f}",
        "reference_equity_after": f"{reference if trips else equity:f}",
        "drawdown_before": f"{drawdown:f}",
        "drawdown_after": f"{drawdown if trips else ZERO:f}",
        "all_positions_marked": portfolio.is_marked(),
    }


def _closing(action_id: str, position: Position, portfolio: Portfolio) -> Closing:
    mark = portfolio.marks[position.symbol]
    order_id = order_id_of_action(action_id, position.position_id)
    return Closing(order_id, position, mark, sale_of(portfolio, position.key, mark.price))
