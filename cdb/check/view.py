"""Show what a check found, to people and to programs."""

from itertools import groupby

from rich.console import Console
from rich.text import Text

from cdb.check.findings import Finding, Report
from cdb.kit.printable import printable


def show(report: Report, console: Console) -> None:
    """Print every finding below its file, then what was looked at and the verdict."""
    for file, findings in groupby(sorted(report.findings), key=lambda finding: finding.file):
        console.print(Text(printable(file), "bold"))
        for finding in findings:
            console.print(_line(finding), soft_wrap=True)
        console.print()
    width = max(map(len, report.looked_at), default=0)
    for kind, number in report.looked_at.items():
        console.print(Text(f"{kind:<{width}}  {number:>5,}"))
    console.print(Text(f"Grammar of PromQL: {report.grammar}"))
    number = len(report.findings)
    said = f"{number or 'nothing'} {'things are' if number > 1 else 'thing is' if number else 'is'} wrong"
    console.print(Text(f"Depth {report.depth}: {said}.", "bold red" if number else "bold green"))


def as_json(report: Report) -> dict[str, object]:
    """Shape *report* as one JSON object."""
    findings = [vars(finding) for finding in sorted(report.findings)]
    about = {"depth": report.depth, "grammar": report.grammar, "clean": report.clean}
    return {**about, "looked_at": report.looked_at, "findings": findings}


def _line(finding: Finding) -> Text:
    text = Text(f"  {printable(finding.place)}: ").append(printable(finding.fault), "red")
    return text.append(f"; nearest: {printable(finding.nearest)}" if finding.nearest else "", "green")
