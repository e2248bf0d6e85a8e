"""What the checker has found wrong, and how much it has looked at."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong."""

    file: str  # below the project's folder
    place: str  # dashboard and panel, group and alert ...
    fault: str
    nearest: str = ""  # the right name that is most like the wrong one

    def __str__(self) -> str:
        return f"{self.file}: {self.place}: {self.fault}{f'; nearest: {self.nearest}' if self.nearest else ''}"


@dataclass(frozen=True)
class Fault:
    """Something wrong, wherever that is."""

    text: str
    nearest: str = ""


@dataclass
class Report:
    """What was looked at, by kind, whose *grammar* of PromQL was applied, and what was found."""

    depth: str
    grammar: str = ""
    looked_at: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings

    def add(self, file: str, place: str, *faults: Fault) -> None:
        """Add *faults* that are at *place* of *file*, each once."""
        found = (Finding(file, place, fault.text, fault.nearest) for fault in faults)
        self.findings.extend(one for one in dict.fromkeys(found) if one not in self.findings)


def nearest(name: str, names: Iterable[str]) -> str:
    """Find the one of *names* that is most like *name*; empty if none is like it."""
    return next(iter(difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.6)), "")
