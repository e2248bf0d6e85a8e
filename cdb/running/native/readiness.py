"""Judge from what is seen whether a stack becomes ready."""

from dataclasses import dataclass, field

from cdb.running.native.config import Health, Part

_STARTS_ALLOWED = 3  # a part waits for what it needs by itself, so one that keeps exiting has a fault of its own


@dataclass(frozen=True)
class PartStatus:
    """One part as it is now; *uptime* is in seconds."""

    name: str
    state: str
    health: Health
    pid: int | None = None
    uptime: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether the part does its work."""
        return self.health.ok

    @property
    def active(self) -> bool:
        """Whether it runs, or will in a moment: nobody has stopped it."""
        return self.state in {"running", "starting", "backoff", "restarting"}


@dataclass(frozen=True)
class Failure:
    """Why a stack did not become ready, with the last lines of the log of the part to blame."""

    part: str
    reason: str
    log_tail: list[str]


@dataclass
class RestartWatch:
    """Count the processes that each part used up while one waited for it."""

    _seen: dict[str, set[int]] = field(default_factory=dict)

    def gave_up(self, status: tuple[PartStatus, ...]) -> tuple[str, str] | None:
        """Name the part that will not come up, and why; None while there is hope."""
        for part in status:
            starts = self._seen.setdefault(part.name, set())
            if part.pid:
                starts.add(part.pid)
            if part.ready:
                continue
            if part.state in {"fatal", "exited"}:
                return part.name, part.health.detail or part.state
            if len(starts) >= _STARTS_ALLOWED and part.state != "running":
                return part.name, f"keeps exiting: {part.health.detail or part.state}"
        return None


def blame(status: tuple[PartStatus, ...], parts: tuple[Part, ...]) -> str:
    """Choose the part to look at first: one that is not ready although all that it needs is."""
    ready = {part.name for part in status if part.ready}
    known = {part.name for part in parts}
    waiting = [part for part in parts if part.name not in ready]
    free = [part for part in waiting if ready.issuperset(known.intersection(part.needs))]
    return (free or waiting or list(parts))[0].name
