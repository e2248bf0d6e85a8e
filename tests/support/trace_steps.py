"""The steps that a trace shows of one piece of work whose moments a test says."""

from typing import Final

from services.runtime.timeline import Timeline
from tests.support.spans import Spans, times_of

MS: Final = 1_000_000


class Written(Timeline):
    """The moments of a batch that began at 0, in milliseconds."""

    def __init__(self, **moments_ms: int) -> None:
        super().__init__()
        self._moments = {name: moment * MS for name, moment in moments_ms.items()}

    @property
    def began(self) -> int:
        return 0


def steps_below(spans: Spans, name: str) -> list[tuple[str, int, int]]:
    """All spans but the one called *name*: name, begin and end in milliseconds."""
    below = [span for span in spans.all() if span.name != name]
    return [(span.name, times_of(span)[0] // MS, times_of(span)[1] // MS) for span in below]
