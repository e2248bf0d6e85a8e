"""Check against a running Prometheus that what is asked for is really shown, with its labels and its type."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from cdb.check.findings import Finding, nearest
from cdb.check.known import FOREIGN, Knowledge
from cdb.check.static import Checked
from cdb.kit.prometheus import Prometheus


@dataclass
class _Shown:
    """What a server shows now, where its lists of names and labels go back as far as its storage."""

    server: Prometheus
    names: frozenset[str]
    labels: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def by(cls, server: Prometheus) -> Self:
        found = server.query('count by (__name__) ({__name__!=""})')
        return cls(server, frozenset(sample.labels.get("__name__", "") for sample in found))

    def labels_of(self, name: str) -> set[str]:
        if name not in self.labels:
            found = self.server.query(name)
            self.labels[name] = {label for sample in found for label in sample.labels} - {"__name__"}
        return self.labels[name]


def check(checked: Checked, server: Prometheus) -> None:
    """Add to *checked* what *server* does not show as is said. Raise Away or QueryRefused."""
    checked.report.depth = "contract"
    checked.report.add(_missing(checked, _Shown.by(server)))
    checked.report.add(_types(checked.known, server))


def _missing(checked: Checked, shown: _Shown) -> Iterator[Finding]:
    for asked in checked.asked:
        for selector in asked.reading.selectors:
            known = checked.known.metrics.get(selector.name or "")
            if known is None or known.rare:
                continue
            if known.name not in shown.names:
                fault = f"{shown.server.url} has no series of {known.name}"
                yield Finding(asked.file, asked.place, fault, nearest(known.name, shown.names))
                continue
            matched = {matcher.name for matcher in selector.matchers.matchers}
            for label in sorted(matched - shown.labels_of(known.name)):
                fault = f"{shown.server.url} has no {known.name} with the label {label}"
                yield Finding(asked.file, asked.place, fault, nearest(label, shown.labels_of(known.name)))


def _types(known: Knowledge, server: Prometheus) -> Iterator[Finding]:
    """Yield each type that is not as the contract or foreign.yaml says."""
    for name, found in server.metadata().items():
        said, types = known.types.get(name), {one.type for one in found}
        if said and not types & {said, "unknown"}:
            file = "telemetry/contract.yaml" if name.startswith("cdb_") else FOREIGN.as_posix()
            yield Finding(file, name, f"is called a {said}, but is shown as a {', '.join(sorted(types))}")
