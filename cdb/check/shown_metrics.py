"""Check against a running Prometheus that what is asked for is really shown, with its labels and its type."""

from collections.abc import Iterator
from functools import cache

from cdb.check.findings import Fault, nearest
from cdb.check.known_metrics import OTHER_METRICS
from cdb.check.static import Asked, Checked
from cdb.kit.prometheus import Prometheus


def check(checked: Checked, server: Prometheus) -> None:
    """Add to *checked* what *server* does not show; raises Away or QueryRefused."""
    checked.report.depth = "contract"
    # The server's own lists of names and labels go back as far as its storage.
    found = server.query('count by (__name__) ({__name__!=""})')
    names = frozenset(sample.labels.get("__name__", "") for sample in found)

    @cache
    def labels_of(name: str) -> set[str]:
        return {label for sample in server.query(name) for label in sample.labels} - {"__name__"}

    def missing(asked: Asked) -> Iterator[Fault]:
        for selector in asked.reading.selectors:
            known = checked.known.metrics.get(selector.name or "")
            if known is None or known.rare or known.absent:
                continue
            if known.name not in names:
                yield Fault(f"{server.url} has no series of {known.name}", nearest(known.name, names))
                continue
            for label in sorted({matcher.name for matcher in selector.matchers.matchers} - labels_of(known.name)):
                said = f"{server.url} has no {known.name} with the label {label}"
                yield Fault(said, nearest(label, labels_of(known.name)))

    for asked in checked.asked:
        checked.report.add(asked.file, asked.place, *missing(asked))
    for name, shown in server.metadata().items():
        said, types = checked.known.types.get(name), {one.type for one in shown}
        if said and not types & {said, "unknown"}:
            file = "telemetry/contract.yaml" if name.startswith("cdb_") else OTHER_METRICS.as_posix()
            checked.report.add(file, name, Fault(f"is called a {said}, but is shown as a {', '.join(sorted(types))}"))
