"""When the steps of one piece of work happened, for its spans and its duration metrics."""

from time import perf_counter_ns, time_ns

from services.clock import NANOSECONDS


class Timeline:
    """Named moments in nanoseconds since 1970. They never run backwards, even if the machine's clock is set."""

    __slots__ = ("_began", "_moments", "_ticks")

    def __init__(self, ticks: int | None = None) -> None:
        """Begin it now, or when perf_counter_ns() gave *ticks*: few trades need a timeline, and that shows late."""
        self._ticks = perf_counter_ns() if ticks is None else ticks
        self._began = 0
        self._moments: dict[str, int] = {}

    @property
    def began(self) -> int:
        """When the work began."""
        if not self._began:
            self._began = time_ns() - (perf_counter_ns() - self._ticks)
        return self._began

    def now(self) -> int:
        """This moment on the timeline."""
        return self.began + perf_counter_ns() - self._ticks

    def mark(self, name: str) -> None:
        """Note that the step called *name* ends now."""
        self._moments[name] = self.now()

    def __contains__(self, name: str) -> bool:
        return name in self._moments

    def __getitem__(self, name: str) -> int:
        return self._moments[name]

    def seconds(self, until: str = "") -> float:
        """Time from the beginning to the step called *until*, or to now."""
        if until:
            return (self._moments[until] - self.began) / NANOSECONDS
        return seconds_since(self._ticks)


def seconds_since(ticks: int) -> float:
    """Time from when perf_counter_ns() gave *ticks* to now."""
    return (perf_counter_ns() - ticks) / NANOSECONDS
