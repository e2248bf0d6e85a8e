"""A trace as it was kept: spans that may lack a parent, overlap, or come from clocks that disagree."""

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
        """Return when it ended."""
        return self.start_us + self.duration_us

    @property
    def failed(self) -> bool:
        """Tell whether its status is an error."""
        return self.attributes.get("otel.status_code") == _FAILED

    @property
    def sends_to(self) -> str:
        """Return the stream it puts a message on; empty if it does not."""
        return self.text(_STREAM) if self.attributes.get("span.kind") == "producer" else ""

    @property
    def label(self) -> str:
        """Return its name, and of a layer which one it is and what it said."""
        if "cdb.layer" in self.attributes and "cdb.result" in self.attributes:
            return f"{self.name} {self.text('cdb.layer')} {self.text('cdb.result')}"
        return self.name

    def text(self, attribute: str) -> str:
        """Return *attribute* as text; empty if it has none."""
        return str(self.attributes.get(attribute, ""))


@dataclass(frozen=True)
class Trace:
    """All that is kept under one id; at least one span, in no order."""

    trace_id: str
    spans: tuple[Span, ...]

    @property
    def start_us(self) -> int:
        """Return when its first span began."""
        return min(span.start_us for span in self.spans)

    @property
    def end_us(self) -> int:
        """Return when its last span ended."""
        return max(span.end_us for span in self.spans)

    @property
    def kept(self) -> str:
        """Return why it was kept; empty if that is not on it."""
        return next((reason for span in self.spans if (reason := span.text("cdb.kept"))), "")
