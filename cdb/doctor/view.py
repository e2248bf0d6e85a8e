"""Show findings, to people and to programs."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from cdb.doctor.checks import BY_HAND, Check
from cdb.doctor.findings import Finding, Verdict
from cdb.kit.printable import printable

_STYLES: Final = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}
_INDENT: Final = 6


def show(check: Check, finding: Finding, console: Console) -> None:
    """Print one item: how it stands, what was found, and what to do unless it is ok."""
    mark = Text(f"{finding.verdict:<{_INDENT}}", _STYLES[finding.verdict])
    console.print(mark + Text(check.title, "bold"))
    console.print(Padding(Text(printable(finding.found), "dim"), (0, 0, 0, _INDENT), expand=False))
    if finding.advice:
        console.print(Padding(Text(f"to do: {printable(finding.advice)}"), (0, 0, 0, _INDENT), expand=False))


def summary(findings: Iterable[Finding], console: Console) -> None:
    """Print how many items stand how, and what is left to the reader."""
    verdicts = [finding.verdict for finding in findings]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in Verdict)
    console.print(Text(f"\n{counts}", "bold red" if Verdict.FAIL in verdicts else "bold green"))
    console.print("Check these yourself:")
    for item in BY_HAND:
        console.print(Padding(f"- {item}", (0, 0, 0, 2), expand=False), highlight=False)


def as_json(way: str, found: Iterable[tuple[Check, Finding]]) -> dict[str, Any]:
    """Make the report for a program."""
    items = [{"name": check.name, "title": check.title, **asdict(finding)} for check, finding in found]
    return {
        "stack": way,
        "ready": all(item["verdict"] != Verdict.FAIL for item in items),
        "items": items,
        "by_hand": list(BY_HAND),
    }
