"""Show what an audit found, to people and to programs."""

from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from cdb.audit.findings import InFlight, Report, Rule, Tally
from cdb.kit.figures import moment, seconds
from cdb.kit.output import plain_table
from cdb.kit.printable import cut, printable

_LONGEST_VALUE = 160


def show(report: Report, console: Console, *, ledger: str) -> None:
    """Print every rule with its counts, what breaks it, and the work in flight."""
    console.print(Text(f"Ledger {printable(ledger)} as of {moment(report.taken_at)} UTC"))
    console.print(_table(report))
    for rule in report.broken:
        console.print(_breaches(rule, report.tallies[rule]))
    console.print(_in_flight(report.in_flight))
    broken = len(report.broken)
    verdict = f"{broken} of {len(Rule)} rules are broken." if broken else f"All {len(Rule)} rules hold."
    console.print(Text(verdict, "bold red" if broken else "bold green"))


def as_json(report: Report, *, ledger: str) -> dict[str, Any]:
    """Report as one JSON object."""
    return {
        "ledger": ledger,
        "taken_at": report.taken_at,
        "holds": report.holds,
        "rules": [_rule_as_json(rule, tally) for rule, tally in report.tallies.items()],
        "in_flight": [
            {"order_id": order.order_id, "placed_at": order.placed_at, "age_s": order.age.total_seconds()}
            for order in report.in_flight
        ],
    }


def _rule_as_json(rule: Rule, tally: Tally) -> dict[str, Any]:
    return {
        "name": rule.label,
        "rule": rule.text,
        "checked": tally.checked,
        "breaches": tally.breaches,
        "rows": tally.shown,
    }


def _table(report: Report) -> Table:
    table = plain_table("rule", "rows", "breaches")
    table.columns[1].justify = table.columns[2].justify = "right"
    for rule, tally in report.tallies.items():
        mark = Text(f"{tally.breaches:,}", "bold red") if tally.breaches else Text("0", "green")
        table.add_row(rule.text, f"{tally.checked:,}", mark)
    return table


def _breaches(rule: Rule, tally: Tally) -> Group:
    lines = [Text(f"\nBroken: {rule.text}", "bold red")]
    for finding in tally.shown:
        expected, found = (cut(printable(text), _LONGEST_VALUE) for text in (finding.expected, finding.found))
        lines.append(Text(f"  {printable(finding.row)}: expected {expected}, found {found}"))
    if tally.breaches > len(tally.shown):
        lines.append(Text(f"  and {tally.breaches - len(tally.shown):,} more"))
    return Group(*lines)


def _in_flight(orders: list[InFlight]) -> Text:
    if not orders:
        return Text("In flight: nothing.")
    oldest = max(orders, key=lambda order: order.age)
    number = f"{len(orders):,} {'order' if len(orders) == 1 else 'orders'}"
    age = seconds(oldest.age.total_seconds())
    return Text(f"In flight: {number}, the oldest {printable(oldest.order_id)} for {age}.")
