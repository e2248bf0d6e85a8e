"""When the steps of one piece of work happened, for its spans and its duration metrics."""

import time

NANOSECONDS = 1_000_000_000


class Timeline:
    """Named moments in nanoseconds since 1970. They never run backwards, even if the machine's clock is set."""

    __slots__ = ("_began", "_began_ticks", "_moments")

    def __init__(self) -> None:
        self._began = time.time_ns()
        self._began_ticks = time.perf_counter_ns()
        self._moments = {"began": self._began}

    def mark(self, name: str) -> int:
        """Note that the step called *name* ends now."""
        now = self._moments[name] = self.now()
        return now

    def now(self) -> int:
        """This moment on the timeline."""
        return self._began + time.perf_counter_ns() - self._began_ticks

    def __getitem__(self, name: str) -> int:
        return self._moments[name]

    def seconds(self, until: str | None = None) -> float:
        """Time from the beginning to the step called *until*, or to now."""
        return ((self._moments[until] if until else self.now()) - self._began) / NANOSECONDS
