"""Ask of what operators did: has each effect its action, and each action its effect."""

from collections.abc import Sequence
from typing import Final

from cdb.audit.findings import Report, Rule
from cdb.audit.rows import Acted, BreakerChange

_OF_BREAKER: Final = {True: "trip_breaker", False: "reset_breaker"}


def check_actions(actions: Sequence[Acted], breaker: Sequence[BreakerChange], report: Report) -> None:
    """Check all changes of the breaker by operators, and all actions."""
    for change in breaker:
        if change.cause == "operator":
            check = report.ask(Rule.OPERATOR_BREAKER, f"breaker at {change.changed_at}")
            check.expect("an action", expected=_OF_BREAKER[change.active], found=change.asked)
    for action in actions:
        name = f"action {action.action_id}"
        if action.what in _OF_BREAKER.values():
            check = report.ask(Rule.OPERATOR_BREAKER, name, count=0)
            check.expect("changes of the breaker:", expected=1, found=action.changes)
        elif action.what == "flatten":
            check = report.ask(Rule.FLATTENED, name)
            check.expect("orders", expected=_named_orders(action), found=sorted(action.orders))


def _named_orders(action: Acted) -> list[str]:
    """The orders that its figures name; a position that was being sold already has none."""
    found = action.details.get("positions")
    positions = found if isinstance(found, list) else []
    named = (one.get("order_id") for one in positions if isinstance(one, dict))
    return sorted(order_id for order_id in named if isinstance(order_id, str)) or ["at least one"]
