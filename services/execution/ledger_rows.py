"""How a fill becomes rows of the ledger and a message on the bus."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.clock import to_datetime
from services.execution.accounting import Booking, CannotBook, Overdrawn
from services.execution.store import Changes
from services.execution.venue import Execution
from services.messages import Fill, Order, PositionKey, fill_id_of_order


def note_fill(
    changes: Changes,
    order: Order,
    key: PositionKey,
    execution: Execution,
    booking: Booking,
    *,
    position_id: str,
    now_ns: int,
) -> None:
    """Add to *changes* what a fill means: the order's final state, the fill, the position, the cash."""
    when = to_datetime(now_ns)
    changes.finished.append({"order_id": order.order_id, "state": "filled", "finished_at": when})
    changes.fills.append(
        {
            "fill_id": fill_id_of_order(order.order_id),
            "order_id": order.order_id,
            "position_id": position_id,
            "symbol": order.symbol,
            "side": order.side,
            "quantity": order.quantity,
            "price": execution.price,
            "notional": execution.notional,
            "fee": execution.fee,
            "slippage_bps": execution.slippage_bps,
            "realised_pnl": booking.realised_pnl,
            "filled_at": when,
        }
    )
    changes.positions[key] = {
        "symbol": key.symbol,
        "strategy": key.strategy,
        "position_id": position_id,
        "quantity": booking.holding.quantity,
        "cost": booking.holding.cost,
        "opened_at": when,
        "updated_at": when,
    }
    changes.cash_change += booking.cash_change
    changes.realised += booking.realised_pnl or Decimal(0)


def refused_order(order: Order, reason: CannotBook, *, now_ns: int) -> Mapping[str, Any]:
    """The final state of an order that would sell or pay what is not there."""
    code = "INSUFFICIENT_CASH" if isinstance(reason, Overdrawn) else "INSUFFICIENT_POSITION"
    return {
        "order_id": order.order_id,
        "state": "refused",
        "finished_at": to_datetime(now_ns),
        "refusal": f"{code}: {reason}",
    }


def fill_message(order: Order, execution: Execution, booking: Booking, *, now_ns: int) -> Fill:
    """The message that tells of a fill."""
    return Fill(
        ts_event=now_ns,
        ts_init=now_ns,
        fill_id=fill_id_of_order(order.order_id),
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        price=execution.price,
        fee=execution.fee,
        slippage_bps=execution.slippage_bps,
        realised_pnl=booking.realised_pnl,
    )
