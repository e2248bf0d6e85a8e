"""A metric with all its label sets. Typed subclasses, one for each set of labels, are generated (instruments.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import RLock
from typing import Any, ClassVar, Final, Generic, TypeVar

from telemetry.contract import ContractError, Metric
from telemetry.handles import Attributes, Handle
from telemetry.labels import LabelBounds

MISSING: Final[Any] = object()
"""Placeholder for a label that the caller did not give."""

LabelValue = str | int
H = TypeVar("H", bound=Handle)


class LabelError(TypeError):
    """A call with a wrong or missing label; the message lists the right ones."""


class Family(Generic[H]):
    """All label sets of one metric."""

    def __init__(
        self, metric: Metric, *, bounds: LabelBounds, create: Callable[[Attributes], H], overflowed: Callable[[], None]
    ) -> None:
        self.metric: Final = metric
        self.bounds: Final = bounds
        self.bound: Final[dict[tuple[LabelValue, ...], H]] = {}  # by the callers' values; unknown ones stay out
        self._create = create
        self._overflowed: Final = overflowed
        self._handles: dict[tuple[str, ...], H] = {}
        self._lock: Final = RLock()

    def bind(self, values: tuple[LabelValue, ...]) -> H:
        """Get the handle of a label set and expose it as 0, unless the metric is absent before it has a value.

        *values* are in the order of the metric's labels.

        A value that is not in the contract becomes `other`. Raises LabelError if a value is missing or not text.
        """
        handle = self._handle(values)
        if not self.metric.absent:
            handle.expose()
        return handle

    def only(self) -> H:
        """Get the handle of a metric without labels. It is exposed with its first value, or by Recorder.start."""
        return self._handle(())

    def _handle(self, values: tuple[LabelValue, ...]) -> H:
        texts = tuple(self._text(value) for value in values)
        bounded = self.bounds.bounded(texts)
        with self._lock:
            handle = self._handles.get(bounded)
            if handle is None:
                attributes = dict(zip(self.metric.labels, bounded, strict=True))
                handle = self._handles[bounded] = self._create(attributes)
            if bounded == texts:
                self.bound[values] = handle
        if bounded != texts:
            self._overflowed()
        return handle

    def mute(self, silent: H) -> None:
        """Hand out *silent* for every label set from now on."""
        with self._lock:
            self.bound.clear()
            self._handles.clear()
            self._create = lambda _attributes: silent

    def handles(self) -> tuple[H, ...]:
        """Snapshot of the handles of all label sets."""
        return tuple(self._handles.values())

    def _text(self, value: LabelValue) -> str:
        if isinstance(value, str):
            return str.__str__(value)  # the value of a str-based Enum, not its name
        if value is MISSING:
            raise self.label_error()
        if not isinstance(value, int):
            raise self.label_error(f"a label value must be text or int, not {value!r}")
        return str(value)

    def label_error(self, problem: str = "a label is missing") -> LabelError:
        """Error that names the right labels."""
        labels = ", ".join(f"{label}=..." for label in self.metric.labels)
        return LabelError(f"{self.metric.prometheus}: {problem}; call labels({labels})")


class Labelled(Generic[H]):
    """Typed access to a family with labels; subclasses add labels()."""

    label_names: ClassVar[tuple[str, ...]]

    def __init__(self, family: Family[H]) -> None:
        if family.metric.labels != self.label_names:
            raise ContractError(
                f"metric {family.metric.prometheus}: has labels {family.metric.labels}, "
                f"its instrument {self.label_names}; run python -m telemetry.generate"
            )
        self.family: Final = family
        self._bound: Final = family.bound

    def _bind(self, *values: LabelValue) -> H:
        return self.family.bind(values)

    def _refuse(self, wrong: Iterable[str]) -> LabelError:
        return self.family.label_error(f"there is no label {', '.join(wrong)}")


def set_all(gauges: Labelled[Any], values: Mapping[str, Any]) -> None:
    """Set the gauges of the symbols in *values*; all other symbols become 0."""
    set_now = {gauges.family.bind((symbol,)): value for symbol, value in values.items()}
    for handle in gauges.family.handles():
        handle.set(set_now.get(handle, 0))
