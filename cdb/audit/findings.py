"""What an audit says: for each rule how many rows it looked at, and which of them break it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

SHOWN: Final = 10
"""So many breaches of a rule are kept; further ones are only counted."""


class Rule(Enum):
    """What must hold of a ledger. The first half names a rule for programs, the second says it to people."""

    ONE_DECISION = "one_decision", "every signal has exactly one decision"
    ONE_ORDER = "one_order", "every approved decision has exactly one order that agrees with it, a rejected one none"
    FINAL_STATE = "final_state", "every order has one final state or is in flight"
    ONE_FILL = "one_fill", "every filled order has exactly one fill that agrees with it, any other none"
    STOP_LOSS = "stop_loss", "every stop loss sells a position that was held when it came"
    UNIQUE = "unique", "no number and no id is given twice"
    DERIVED = "derived", "every id is derived from what it stands for"
    NOTIONAL = "notional", "every fill's notional is its price times its quantity"
    NEVER_SHORT = "never_short", "no fill sells more than is held"
    REALISED = "realised", "every sale's result is its proceeds minus the cost of what it sold"
    POSITIONS = "positions", "every position is the sum of its fills, in quantity and in cost"
    CASH = "cash", "cash is opening cash - costs + proceeds - fees + test adjustments"
    REALISED_SUM = "realised_sum", "the account's result is the sum of the sales' results"
    EQUITY = "equity", "cash + cost of what is held = opening cash + result + test adjustments"
    BOOK = "book", "every decision recorded the cash, equity, exposure and position that the ledger had then"
    LIMITS = "limits", "no approved purchase took exposure or position over its limit at the marks recorded with it"
    BREAKER = "breaker", "no purchase was approved while the breaker was active"
    DRAWDOWN = "drawdown", "no purchase was approved at or beyond the drawdown limit"

    def __init__(self, label: str, text: str) -> None:
        self.label = label
        self.text = text


@dataclass(frozen=True)
class Finding:
    """One row that breaks a rule: which, what it should say, and what it says."""

    row: str
    expected: str
    found: str


@dataclass
class Tally:
    """What was found out about one rule. *shown* has at most SHOWN of the *breaches*."""

    checked: int = 0
    breaches: int = 0
    shown: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class OnItsWay:
    """An order without a final state, and for how long: work in flight, no breach."""

    order_id: str
    placed_at: datetime
    age: timedelta


@dataclass
class Report:
    """What an audit found in one snapshot of a ledger."""

    taken_at: datetime
    tallies: dict[Rule, Tally] = field(default_factory=lambda: {rule: Tally() for rule in Rule})
    in_flight: list[OnItsWay] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Tell whether no row breaks any rule."""
        return not self.broken

    @property
    def broken(self) -> list[Rule]:
        """Return the rules that at least one row breaks."""
        return [rule for rule, tally in self.tallies.items() if tally.breaches]

    def checked(self, rule: Rule) -> None:
        """Count one more row that *rule* was asked of."""
        self.tallies[rule].checked += 1

    def breach(self, rule: Rule, row: str, *, expected: object, found: object) -> None:
        """Note that *row* breaks *rule*."""
        tally = self.tallies[rule]
        tally.breaches += 1
        if len(tally.shown) < SHOWN:
            tally.shown.append(Finding(row, _text(expected), _text(found)))

    def expect(self, rule: Rule, row: str, what: str, *, expected: object, found: object) -> None:
        """Note a breach unless *found* is *expected*."""
        if found != expected:
            self.breach(rule, row, expected=f"{what} {_text(expected)}", found=found)


def _text(value: object) -> str:
    return "nothing" if value is None else str(value)
