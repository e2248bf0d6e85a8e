"""What an audit reports: for each rule how many rows it looked at, and which of them break it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final

TOLERANCE: Final = Decimal("0.00000001")
"""Risk computes with 28 digits and the audit with more; money that differs by less than this is the same."""
SHOWN: Final = 10
"""Breaches of a rule that are named; further ones are only counted."""


class Rule(Enum):
    """What must hold of a ledger: the rule's name for programs, and its sentence for people."""

    ONE_DECISION = "one_decision", "every signal has exactly one decision"
    ONE_ORDER = "one_order", "every approved decision has exactly one order that agrees with it, a rejected one none"
    FINAL_STATE = (
        "final_state",
        "every order has one final state or is in flight, and none is left behind by later ones",
    )
    ONE_FILL = "one_fill", "every filled order has exactly one fill that agrees with it, any other none"
    STOP_LOSS = "stop_loss", "every stop loss sells a position that was held when it came"
    OPERATOR_ORDER = (
        "operator_order",
        "every order by an operator has its action and its position, and sells no more than was held",
    )
    OPERATOR_BREAKER = (
        "operator_breaker",
        "every change of the breaker by an operator has its action, and that has one",
    )
    FLATTENED = "flattened", "every action that closes positions has exactly the orders that it names"
    UNIQUE = "unique", "no number and no id is given twice"
    DERIVED = "derived", "every id is derived from what it stands for"
    NOTIONAL = "notional", "every fill's notional is its price times its quantity"
    OWNER = "owner", "every strategy sells only what it has bought itself"
    NEVER_SHORT = "never_short", "no fill sells more than is held"
    SELLABLE = "sellable", "no fill buys more than one order can sell"
    NEVER_OVERDRAWN = "never_overdrawn", "no fill is paid with cash that is not there"
    REALISED = "realised", "every sale's result is its proceeds minus the cost of what it sold"
    POSITIONS = "positions", "every position is the sum of its fills, in quantity and in cost"
    CASH = "cash", "cash is opening cash - costs + proceeds - fees + test adjustments"
    REALISED_SUM = "realised_sum", "the account's result is the sum of the sales' results"
    EQUITY = "equity", "cash + cost of what is held = opening cash + result + test adjustments"
    EQUITY_MARKS = (
        "equity_marks",
        "every mark of equity is the cash and the positions of then at the prices stored with it",
    )
    BOOK = "book", "every decision recorded the cash, equity, exposure and position that the ledger had then"
    LIMITS = "limits", "no approved purchase took exposure or position over its limit at the marks recorded with it"
    BREAKER = "breaker", "no purchase was approved while the breaker was active"
    DRAWDOWN = "drawdown", "no purchase was approved at or beyond the drawdown limit"

    def __init__(self, label: str, text: str) -> None:
        self.label = label
        self.text = text


@dataclass(frozen=True)
class Finding:
    """One row that breaks a rule: what it should say, and what it says."""

    row: str
    expected: str
    found: str


@dataclass
class Tally:
    """Result of one rule. *shown* has at most SHOWN of the *breaches*."""

    checked: int = 0
    breaches: int = 0
    shown: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    """One rule asked of one row."""

    tally: Tally
    row: str

    def breach(self, *, expected: object, found: object) -> None:
        """Note that the row breaks the rule."""
        self.tally.breaches += 1
        if len(self.tally.shown) < SHOWN:
            self.tally.shown.append(Finding(self.row, _text(expected), _text(found)))

    def expect(self, what: str, *, expected: object, found: object) -> None:
        """Note a breach unless *found* is *expected*; *what* names the value."""
        if found != expected:
            self.breach(expected=f"{what} {_text(expected)}", found=found)

    def near(self, what: str, *, expected: Decimal, found: Decimal) -> None:
        """Note a breach unless *found* is *expected* within the TOLERANCE."""
        if not abs(found - expected) <= TOLERANCE:
            self.breach(expected=f"{what} {expected}", found=found)

    def agree(self, *names: str, expected: object, found: object) -> None:
        """Note a breach for each attribute in which *found* differs from *expected*."""
        for name in names:
            self.expect(name, expected=getattr(expected, name), found=getattr(found, name))


@dataclass(frozen=True)
class InFlight:
    """An order without a final state, and for how long: work in flight is no breach."""

    order_id: str
    placed_at: datetime
    age: timedelta


@dataclass
class Report:
    """What an audit found in one snapshot of a ledger."""

    taken_at: datetime
    tallies: dict[Rule, Tally] = field(default_factory=lambda: {rule: Tally() for rule in Rule})
    in_flight: list[InFlight] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Tell whether no row breaks any rule."""
        return not self.broken

    @property
    def broken(self) -> list[Rule]:
        """Rules that at least one row breaks."""
        return [rule for rule, tally in self.tallies.items() if tally.breaches]

    def ask(self, rule: Rule, row: str, *, count: int = 1) -> Check:
        """Ask *rule* of *row*, which counts as *count* checked rows: 0 if the rule has been asked of it before."""
        self.tallies[rule].checked += count
        return Check(self.tallies[rule], row)


def _text(value: object) -> str:
    return "nothing" if value is None else str(value)
