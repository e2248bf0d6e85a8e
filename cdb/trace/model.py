"""A stored trace: its spans may lack a parent, overlap, or come from clocks that disagree."""

from dataclasses import dataclass, field
from typing import Final

Value = str | int | float | bool

DECISION: Final = "risk.decide"
_STREAM: Final = "messaging.destination.name"
_FAILED: Final = "ERROR"


@dataclass(frozen=True, kw_only=True)
class Span:
    """One span. Times are microseconds, the start since 1970."""

    span_id: str
    parent_id: str = ""  # empty: it begins a trace
    service: str
    name: str
    start_us: int
    duration_us: int
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def end_us(self) -> int:
        """End of the span, since 1970."""
        return self.start_us + self.duration_us

    @property
    def failed(self) -> bool:
        """Tell whether its status is an error."""
        return self.attributes.get("otel.status_code") == _FAILED

    @property
    def sends_to(self) -> str:
        """Stream that it puts a message on; empty if it sends none."""
        return self.text(_STREAM) if self.attributes.get("span.kind") == "producer" else ""

    @property
    def label(self) -> str:
        """Name of the span; for a risk layer with its number and its answer."""
        if "cdb.layer" in self.attributes and "cdb.result" in self.attributes:
            return f"{self.name} {self.text('cdb.layer')} {self.text('cdb.result')}"
        return self.name

    def text(self, attribute: str) -> str:
        """Value of *attribute* as text; empty without it."""
        return str(self.attributes.get(attribute, ""))


@dataclass(frozen=True)
class Trace:
    """All stored spans of one id: at least one, in no order."""

    trace_id: str
    spans: tuple[Span, ...]

    @property
    def start_us(self) -> int:
        """Start of its first span, since 1970."""
        return min(span.start_us for span in self.spans)

    @property
    def end_us(self) -> int:
        """End of its last span, since 1970."""
        return max(span.end_us for span in self.spans)

    @property
    def kept(self) -> str:
        """Reason for which the collector kept it; empty if no span says."""
        return next((reason for span in self.spans if (reason := span.text("cdb.kept"))), "")
