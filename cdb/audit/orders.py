"""Ask of every order: is it final, has it the fill that its state says, was a stop loss's position held."""

from datetime import datetime

from cdb.audit.findings import OnItsWay, Report, Rule
from cdb.audit.rows import Order
from services.messages import order_id_of_stop_loss


def check_order(order: Order, report: Report, *, now: datetime) -> None:
    """Check one order of a snapshot taken at *now*."""
    _check_state(order, report, now=now)
    _check_fill(order, report)
    if order.cause == "stop_loss":
        _check_stop_loss(order, report)


def _check_state(order: Order, report: Report, *, now: datetime) -> None:
    row = f"order {order.order_id}"
    report.checked(Rule.FINAL_STATE)
    if order.state == "placed":
        if order.fill is not None:
            report.breach(Rule.FINAL_STATE, row, expected=f"filled, for {order.fill.fill_id} exists", found="placed")
        elif order.finished_at is not None:
            report.breach(Rule.FINAL_STATE, row, expected="a final state", found=f"placed, until {order.finished_at}")
        else:
            report.in_flight.append(OnItsWay(order.order_id, order.placed_at, now - order.placed_at))
        return
    if order.state not in {"filled", "refused"}:
        report.breach(Rule.FINAL_STATE, row, expected="placed, filled or refused", found=order.state)
    if order.finished_at is None:
        report.breach(Rule.FINAL_STATE, row, expected=f"a time at which it was {order.state}", found=None)
    if (order.state == "refused") != (order.refusal is not None):
        report.breach(Rule.FINAL_STATE, row, expected="a reason if and only if refused", found=order.refusal)


def _check_fill(order: Order, report: Report) -> None:
    row, fill = f"order {order.order_id}", order.fill
    report.checked(Rule.ONE_FILL)
    if order.state == "filled" and fill is None:
        report.breach(Rule.ONE_FILL, row, expected="one fill", found=None)
    if order.state == "refused" and fill is not None:
        report.breach(Rule.ONE_FILL, row, expected="no fill of a refused order", found=fill.fill_id)
    if fill is not None:
        for what in ("symbol", "side", "quantity"):
            report.expect(
                Rule.ONE_FILL, f"fill {fill.fill_id}", what, expected=getattr(order, what), found=getattr(fill, what)
            )


def _check_stop_loss(order: Order, report: Report) -> None:
    row, position = f"order {order.order_id}", order.position
    report.checked(Rule.DERIVED)
    report.expect(
        Rule.DERIVED,
        row,
        "order_id",
        expected=order_id_of_stop_loss(order.position_id or "", order.trade_id),
        found=order.order_id,
    )
    report.checked(Rule.STOP_LOSS)
    report.expect(Rule.STOP_LOSS, row, "side", expected="SELL", found=order.side)
    if position is None:
        report.breach(Rule.STOP_LOSS, row, expected="a position that existed", found=order.position_id)
        return
    report.expect(Rule.STOP_LOSS, row, "symbol", expected=position.symbol, found=order.symbol)
    if order.placed_at < position.opened_at:
        report.breach(Rule.STOP_LOSS, row, expected=f"placed after {position.opened_at}", found=order.placed_at)
    if position.closed_at is not None and order.placed_at > position.closed_at:
        report.breach(Rule.STOP_LOSS, row, expected=f"placed before {position.closed_at}", found=order.placed_at)
    if order.fill is not None:
        report.expect(Rule.STOP_LOSS, row, "a fill of", expected=order.position_id, found=order.fill.position_id)
