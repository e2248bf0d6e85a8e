"""Which label values are recorded: listed or configured ones; of an open label also the first few seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from threading import Lock
from typing import Final

from telemetry.contract import Metric

OTHER: Final = "other"
FIRST_SEEN: Final = 32
_LONGEST: Final = 64


class OpenLabel:
    """Values of a label that the contract does not list: the configured ones or, without any, the first FIRST_SEEN."""

    def __init__(self) -> None:
        self.configured: tuple[str, ...] = ()
        self._seen: set[str] = set()
        self._lock = Lock()

    def configure(self, values: Sequence[str]) -> None:
        """Admit *values*; if there are any, no other value is admitted from now on."""
        self.configured = tuple(dict.fromkeys(values))
        if self.configured:
            self._seen = set(self.configured)

    def also(self, values: Iterable[str]) -> None:
        """Admit *values* besides the configured ones; without any of these the first FIRST_SEEN are admitted anyway."""
        with self._lock:
            if self.configured:
                self.configured = tuple(dict.fromkeys((*self.configured, *values)))
                self._seen.update(self.configured)

    def admit(self, value: str) -> bool:
        """Whether *value* is recorded under its own name."""
        if value in self._seen:
            return True
        # A surrogate or control character in one label would make the exporter lose the whole batch.
        if self.configured or not value or len(value) > _LONGEST or not value.isprintable():
            return False
        with self._lock:
            if len(self._seen) < FIRST_SEEN:
                self._seen.add(value)
        return value in self._seen


class LabelBounds:
    """Label sets that one metric can have."""

    def __init__(self, metric: Metric, open_labels: Mapping[str, OpenLabel]) -> None:
        self._metric = metric
        self._open = [open_labels.get(label) for label in metric.labels]
        self._values = [frozenset(metric.values[label]) for label in metric.labels]
        keys = {label for combination in metric.combinations for label in combination}
        self._combined = [index for index, label in enumerate(metric.labels) if label in keys]
        self._combinations = {
            tuple(combination[metric.labels[index]] for index in self._combined) for combination in metric.combinations
        }

    def bounded(self, values: Sequence[str]) -> tuple[str, ...]:
        """Replace each of *values* (in the order of the metric's labels) that is not in the contract by `other`."""
        bounded = [
            value if value in allowed or (not allowed and open_label and open_label.admit(value)) else OTHER
            for value, allowed, open_label in zip(values, self._values, self._open, strict=True)
        ]
        if self._combined and tuple(bounded[index] for index in self._combined) not in self._combinations:
            for index in self._combined:
                bounded[index] = OTHER
        return tuple(bounded)

    def known(self, service: str | None, expected: Mapping[str, Collection[str]]) -> Iterator[tuple[str, ...]]:
        """Yield the label sets that *service* can have; *expected* limits the values of a label."""
        metric = self._metric
        listed = {
            label: metric.values[label] or (open_label.configured if open_label else ())
            for label, open_label in zip(metric.labels, self._open, strict=True)
        }
        choices = [[value for value in listed[label] if value in expected.get(label, (value,))] for label in listed]
        existing = {
            tuple(combination[metric.labels[index]] for index in self._combined)
            for combination in metric.combinations
            if service is None or combination.get("service", service) == service
        }
        for values in product(*choices):
            if not metric.combinations or tuple(values[index] for index in self._combined) in existing:
                yield values
