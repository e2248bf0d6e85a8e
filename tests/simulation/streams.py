"""Streams in memory that can be lost, as those of a Redis."""

from collections.abc import Callable

from services.bus.memory import Group, Streams


class FailingStreams(Streams):
    """Streams that can lose what is on them, and the keys beside them."""

    def __init__(self, *, now_ms: Callable[[], int] = lambda: 1) -> None:
        super().__init__(now_ms=now_ms)
        self.keys: dict[str, bytes] = {}

    def flush(self) -> None:
        """Lose everything, as a Redis that was emptied; numbers go on, so no id is given twice."""
        for stream in self._streams.values():
            stream.drop_before(stream.end)
            stream.groups.clear()
        self.trials.clear()
        self.keys.clear()

    def copy(self) -> "FailingStreams":
        """What is on the streams now, for `go_back_to`."""
        made = FailingStreams()
        made.trials, made.keys = dict(self.trials), dict(self.keys)
        for name, stream in self._streams.items():
            copied = made.stream(name)
            copied.first, copied.entries = stream.first, list(stream.entries)
            copied.groups = {key: Group(one.upcoming, dict(one.pending)) for key, one in stream.groups.items()}
        return made

    def go_back_to(self, earlier: "FailingStreams") -> None:
        """Lose what has happened since the copy *earlier* was made, as a Redis that died before it wrote its log."""
        for name, stream in self._streams.items():
            before = earlier.stream(name)
            lost = stream.end - before.end
            stream.first, stream.groups = before.first, before.groups
            stream.entries = [*before.entries, *[None] * lost]
        self.trials, self.keys = earlier.trials, earlier.keys
