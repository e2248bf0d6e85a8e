"""Ask of every order: is it final, has it the fill that its state says, was the position held that it closes."""

from datetime import datetime, timedelta
from typing import Final

from cdb.audit.findings import InFlight, Report, Rule
from cdb.audit.rows import Order
from services.messages import order_id_of_action, order_id_of_stop_loss

LEFT_BEHIND: Final = timedelta(minutes=10)
"""Orders are sent again after a minute at the latest, so one that is in flight so much longer than others is lost."""


def check_left_behind(report: Report, newest_final: datetime | None) -> None:
    """Check orders in flight against the time at which the newest one that is final was placed."""
    for order in report.in_flight:
        if newest_final is not None and newest_final - order.placed_at > LEFT_BEHIND:
            state = report.ask(Rule.FINAL_STATE, f"order {order.order_id}", count=0)
            found = f"placed since {order.placed_at}, one of {newest_final} is final"
            state.breach(expected="a final state", found=found)


def check_order(order: Order, report: Report, *, now: datetime) -> None:
    """Check one order of a snapshot taken at *now*."""
    _check_state(order, report, now=now)
    _check_fill(order, report)
    if order.cause == "stop_loss":
        derived = order_id_of_stop_loss(order.position_id or "", order.trade_id)
        _check_closing(order, report, Rule.STOP_LOSS, derived)
    elif order.cause == "operator":
        derived = order_id_of_action(order.action_id or "", order.position_id or "")
        _check_closing(order, report, Rule.OPERATOR_ORDER, derived)
        _check_asked(order, report)


def _check_state(order: Order, report: Report, *, now: datetime) -> None:
    state = report.ask(Rule.FINAL_STATE, f"order {order.order_id}")
    if order.state == "placed":
        if order.fill is not None:
            state.breach(expected=f"filled, for {order.fill.fill_id} exists", found="placed")
        elif order.finished_at is not None:
            state.breach(expected="a final state", found=f"placed, until {order.finished_at}")
        else:
            report.in_flight.append(InFlight(order.order_id, order.placed_at, now - order.placed_at))
        return
    if order.state not in {"filled", "refused"}:
        state.breach(expected="placed, filled or refused", found=order.state)
    if order.finished_at is None:
        state.breach(expected=f"a time at which it was {order.state}", found=None)
    if (order.state == "refused") != (order.refusal is not None):
        state.breach(expected="a reason if and only if refused", found=order.refusal)


def _check_fill(order: Order, report: Report) -> None:
    one_fill, fill = report.ask(Rule.ONE_FILL, f"order {order.order_id}"), order.fill
    if fill is None:
        if order.state == "filled":
            one_fill.breach(expected="one fill", found=None)
        return
    if order.state == "refused":
        one_fill.breach(expected="no fill of a refused order", found=fill.fill_id)
    row = report.ask(Rule.ONE_FILL, f"fill {fill.fill_id}", count=0)
    row.agree("symbol", "side", "quantity", expected=order, found=fill)


def _check_closing(order: Order, report: Report, rule: Rule, derived: str) -> None:
    """Check that an order which no signal led to closes a position that was held when it was placed."""
    row, position = f"order {order.order_id}", order.position
    report.ask(Rule.DERIVED, row).expect("order_id", expected=derived, found=order.order_id)
    check = report.ask(rule, row)
    check.expect("side", expected="SELL", found=order.side)
    if position is None:
        check.breach(expected="a position that existed", found=order.position_id)
        return
    check.agree("symbol", "strategy", expected=position, found=order)
    if order.order_seq <= position.opened_by:
        check.breach(expected=f"placed after order {position.opened_by}", found=f"order {order.order_seq}")
    if position.closed_by is not None and order.order_seq > position.closed_by:
        check.breach(expected=f"placed before order {position.closed_by}", found=f"order {order.order_seq}")
    if order.fill is not None:
        check.expect("a fill of", expected=order.position_id, found=order.fill.position_id)


def _check_asked(order: Order, report: Report) -> None:
    check = report.ask(Rule.OPERATOR_ORDER, f"order {order.order_id}", count=0)
    check.expect("an action", expected="flatten", found=order.asked)
    if order.held is not None and not order.quantity <= order.held:
        check.breach(expected=f"at most {order.held} of {order.symbol}", found=order.quantity)
