"""What the loop of cdb_risk does for an operator: trip and reset the breaker, close positions."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.actions import Action, Recorded, Refused
from services.clock import to_datetime
from services.messages import Order
from services.risk import ledger_rows, report, trace
from services.risk.closing import Closing, breaker_figures, closings, figures_of
from services.risk.state import RiskState
from telemetry import tracing


@dataclass(frozen=True)
class Asked:
    """An action, or only the question what it would do."""

    action: Action
    preview: bool = False


@dataclass(frozen=True)
class Answer:
    """What an action has done, or would do. *repeated*: its id was known, so nothing was done now."""

    action: Action
    details: dict[str, Any]
    at: datetime | None = None
    repeated: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    """What only who asked needs to know."""

    def as_dict(self) -> dict[str, Any]:
        """The answer to a request."""
        action = self.action
        return {
            "id": action.action_id,
            "what": action.what,
            "subject": action.subject,
            "who": action.who,
            "via": action.via,
            "why": action.why,
            "preview": self.at is None,
            "repeated": self.repeated,
            "at": self.at,
            "details": self.details,
            **self.more,
        }


def known_answer(known: Recorded | None, action: Action) -> Answer | None:
    """The answer to an *action* whose id the ledger has as *known*. Raises Refused if that was another action."""
    if known is None:
        return None
    if (known.action.what, known.action.subject) != (action.what, action.subject):
        raise taken(action)
    return Answer(known.action, known.details, known.at, repeated=True)


def taken(action: Action) -> Refused:
    """Say that the id of *action* is another one's."""
    return Refused(f"another action has the id {action.action_id}: choose a new one")


class Operator:
    """Acts on the newest state of the ledger. Every method raises Refused, and ServerAway."""

    def __init__(self, state: RiskState) -> None:
        self._state = state

    def act(self, asked: Asked) -> Answer:
        """Do what is *asked*, once however often it is asked under its id, or say what that would do."""
        known = known_answer(self._state.store.actions.find(asked.action.action_id), asked.action)
        if known is not None:
            return known
        return self._flatten(asked) if asked.action.what == "flatten" else self._set_breaker(asked)

    def _set_breaker(self, asked: Asked) -> Answer:
        now_ns, trips = self._state.clock.now_ns(), asked.action.what == "trip_breaker"
        portfolio = self._state.portfolio(self._state.reload())
        answer = _answer(asked, breaker_figures(portfolio, trips=trips), now_ns)
        if answer.at is not None:
            done = self._state.store.actions.set_breaker(
                Recorded(asked.action, answer.at, answer.details),
                active=trips,
                equity=portfolio.equity(),
                reference=portfolio.reference_equity(),
                now_ns=now_ns,
            )
            self._after(asked.action, done=done)
        return answer

    def _flatten(self, asked: Asked) -> Answer:
        action, now_ns = asked.action, self._state.clock.now_ns()
        portfolio = self._state.portfolio(self._state.reload())
        found = closings(action.action_id, action.subject, portfolio, self._state.limits, now_ns=now_ns)
        answer = _answer(asked, figures_of(found, now_ns=now_ns), now_ns)
        if answer.at is not None:
            self._close(Recorded(action, answer.at, answer.details), [one for one in found if one.quantity], now_ns)
        return answer

    def _close(self, recorded: Recorded, found: list[Closing], now_ns: int) -> None:
        with tracing.tracer().start_as_current_span("operator.flatten", context=tracing.root()) as span:
            trace.describe_flatten(span, recorded.action, len(found))
            orders = [self._order(one, now_ns) for one in found]
            rows = [
                ledger_rows.order_row(
                    order,
                    trade_id=one.mark.trade_id,
                    position_id=one.position.position_id,
                    action_id=recorded.action.action_id,
                )
                for order, one in zip(orders, found, strict=True)
            ]
            self._state.store.note_source()
            done = self._state.store.actions.flatten(recorded, rows)
            for order in orders if done else ():
                self._state.placed(order, span.get_span_context())
        self._after(recorded.action, done=done)

    def _order(self, one: Closing, now_ns: int) -> Order:
        volatility = self._state.marks.volatility(one.position.symbol)
        return ledger_rows.closing_order(
            one.order_id, "operator", one.position, one.quantity, one.mark, volatility=volatility, now_ns=now_ns
        )

    def _after(self, action: Action, *, done: bool) -> None:
        if not done:
            raise taken(action)
        self._state.reload()
        report.acted(action)


def _answer(asked: Asked, details: dict[str, Any], now_ns: int) -> Answer:
    """What is answered; without a time if nothing is to be done."""
    return Answer(asked.action, details, None if asked.preview else to_datetime(now_ns))
