"""Which label values are recorded: listed ones, and a bounded number of symbols. Any other becomes `other`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from threading import Lock
from typing import Final

from telemetry.contract import Metric

OTHER: Final = "other"
FIRST_SYMBOLS: Final = 32
_LONGEST_SYMBOL: Final = 64


class Symbols:
    """Symbols that may be label values: the configured ones or, without any, the first FIRST_SYMBOLS seen."""

    def __init__(self) -> None:
        self.configured: tuple[str, ...] = ()
        self._seen: set[str] = set()
        self._lock = Lock()

    def configure(self, symbols: Sequence[str]) -> None:
        """Admit *symbols*; if there are any, no other symbol is admitted from now on."""
        self.configured = tuple(dict.fromkeys(symbols))
        if self.configured:
            self._seen = set(self.configured)

    def admit(self, symbol: str) -> bool:
        """Whether *symbol* is recorded under its own name."""
        if symbol in self._seen:
            return True
        # A surrogate or control character in one label would make the exporter lose the whole batch.
        if self.configured or not symbol or len(symbol) > _LONGEST_SYMBOL or not symbol.isprintable():
            return False
        with self._lock:
            if len(self._seen) < FIRST_SYMBOLS:
                self._seen.add(symbol)
        return symbol in self._seen


class LabelBounds:
    """Label sets that one metric can have."""

    def __init__(self, metric: Metric, symbols: Symbols) -> None:
        self._metric = metric
        self._symbols = symbols
        self._values = [frozenset(metric.values[label]) for label in metric.labels]
        keys = {label for combination in metric.combinations for label in combination}
        self._combined = [index for index, label in enumerate(metric.labels) if label in keys]
        self._combinations = {
            tuple(combination[metric.labels[index]] for index in self._combined) for combination in metric.combinations
        }

    def bounded(self, values: Sequence[str]) -> tuple[str, ...]:
        """Replace each of *values* (in the order of the metric's labels) that is not in the contract by `other`."""
        bounded = [
            value if value in allowed or (not allowed and self._symbols.admit(value)) else OTHER
            for value, allowed in zip(values, self._values, strict=True)
        ]
        if self._combined and tuple(bounded[index] for index in self._combined) not in self._combinations:
            for index in self._combined:
                bounded[index] = OTHER
        return tuple(bounded)

    def known(self, service: str | None, expected: Mapping[str, Collection[str]]) -> Iterator[tuple[str, ...]]:
        """Yield the label sets that *service* can have; *expected* limits the values of a label."""
        metric = self._metric
        listed = {label: metric.values[label] or self._symbols.configured for label in metric.labels}
        choices = [[value for value in listed[label] if value in expected.get(label, (value,))] for label in listed]
        existing = {
            tuple(combination[metric.labels[index]] for index in self._combined)
            for combination in metric.combinations
            if service is None or combination.get("service", service) == service
        }
        for values in product(*choices):
            if not metric.combinations or tuple(values[index] for index in self._combined) in existing:
                yield values
