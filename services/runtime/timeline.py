"""When the steps of one piece of work happened, for its spans and its duration metrics."""

from time import perf_counter_ns, time_ns

from services.clock import NANOSECONDS


class Timeline:
    """Named moments in nanoseconds since 1970. They never run backwards, even if the machine's clock is set."""

    __slots__ = ("_began", "_moments", "_ticks")

    def __init__(self) -> None:
        self._ticks = perf_counter_ns()  # every trade has a timeline, few have a span that asks when it began
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

    def __getitem__(self, name: str) -> int:
        return self._moments[name]

    def seconds(self, until: str = "") -> float:
        """Time from the beginning to the step called *until*, or to now."""
        if until:
            return (self._moments[until] - self.began) / NANOSECONDS
        return (perf_counter_ns() - self._ticks) / NANOSECONDS
