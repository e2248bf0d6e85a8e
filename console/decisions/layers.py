"""What each layer of risk answered, from the ledger alone: what it looked at, what it found, and the limit."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cdb.audit.numbers import numbers
from cdb.kit.figures import percent, seconds
from console.decisions.basis import Decision, Signal
from services.risk.rules import LAYERS

PASSED: Final = "passed"
OBJECTED: Final = "objected"
NOT_ASKED: Final = "not asked"
_LIMIT_OF: Final = {3: "max_daily_drawdown", 4: "max_exposure", 5: "max_position"}
_LOOKED_AT: Final = {
    1: "age of the trade that the signal came from",
    2: "the breaker",
    3: "loss since the day's opening or the last reset",
    4: "everything held and being bought, of equity",
    5: "this symbol, held and being bought, of equity",
    6: "orders of the last minute",
}


@dataclass(frozen=True)
class Layer:
    """One layer's answer. *found* and *limit* are empty where the ledger does not have them."""

    number: int
    reason: str
    answer: str
    looked_at: str
    found: str = ""
    limit: str = ""


def layers_of(signal: Signal, decision: Decision) -> list[Layer]:
    """Say what each layer answered. A sale is asked of few; after an objection no other layer is asked."""
    limits = numbers(decision.limits) or {}
    layers = []
    for layer in LAYERS:
        asked = signal.side == "BUY" or layer.stops_sales
        answer = _answer(layer.number, decision.layer) if asked else NOT_ASKED
        looked_at = _LOOKED_AT.get(layer.number, "")
        if answer == NOT_ASKED:
            layers.append(Layer(layer.number, layer.reason.value, answer, looked_at))
            continue
        limit = limits.get(_LIMIT_OF.get(layer.number, ""))
        found = _found(layer.number, signal, decision)
        shown = "" if limit is None else percent(limit)
        layers.append(Layer(layer.number, layer.reason.value, answer, looked_at, found, shown))
    return layers


def _answer(number: int, objected: int | None) -> str:
    if objected is None or number < objected:
        return PASSED
    return OBJECTED if number == objected else NOT_ASKED


def _found(number: int, signal: Signal, decision: Decision) -> str:
    match number:
        case 1:
            return seconds((decision.decided_at - signal.ts_event).total_seconds())
        case 2:
            return "active" if decision.breaker_active else "inactive"
        case 3:
            return _share(_loss(decision), decision.reference_equity)
        case 4:
            return _with_order(decision.exposure_after, decision)
        case 5:
            return _with_order(decision.position_after, decision)
    return ""


def _loss(decision: Decision) -> Decimal:
    return max(Decimal(0), decision.reference_equity - decision.equity)


def _with_order(after: Decimal, decision: Decision) -> str:
    """A rejection has recorded what there was; the order would have been of the usual size, or of what cash is left."""
    share = _share(after, decision.equity)
    if decision.quantity is not None:
        return f"{share} with this order"
    usual = (numbers(decision.limits) or {}).get("order_size")
    return f"{share} without this order" + (f", which is up to {percent(usual)}" if usual is not None else "")


def _share(part: Decimal, whole: Decimal) -> str:
    return percent(part / whole) if whole > 0 else "of nothing"
