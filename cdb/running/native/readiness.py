"""How a part is, and from that whether a stack becomes ready."""

from dataclasses import dataclass, field

from cdb.running.native.config import Health, Kind, Part, StackConfig
from cdb.running.native.supervisor import ProcessInfo

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
    def ended(self) -> bool:
        """Whether it has ended for good."""
        return self.state in {"fatal", "exited"}

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

    def gave_up(self, status: tuple[PartStatus, ...]) -> PartStatus | None:
        """Find the part that will not come up; None while there is hope."""
        for part in status:
            starts = self._seen.setdefault(part.name, set())
            if part.pid:
                starts.add(part.pid)
            if not part.ready and (part.ended or (len(starts) >= _STARTS_ALLOWED and part.state != "running")):
                return part
        return None


def look(config: StackConfig, part: Part, info: ProcessInfo | None) -> PartStatus:
    """Look at one part, its health as its own probe sees it; *info* is what supervisord knows about it."""
    if info is None:
        return PartStatus(part.name, state="unknown", health=Health(ok=False, detail="not part of this stack"))
    health = _health(part, info)
    if part.probe and info.running:
        health = part.probe(config)
    return PartStatus(
        part.name,
        state="done" if done(part, info) else info.statename.lower(),
        health=health,
        pid=info.pid or None,
        uptime=info.uptime,
    )


def done(part: Part, info: ProcessInfo) -> bool:
    """Whether a one-shot has ended well."""
    return part.kind is Kind.ONE_SHOT and info.statename == "EXITED" and info.exitstatus == 0


def final_reason(part: PartStatus, last_line: str) -> str:
    """Say why *part*, which was given up, will not come up; *last_line* is that of its log, "" without one."""
    detail = part.health.detail or part.state
    if not part.ended:
        return f"keeps exiting: {last_line or detail}"
    return f"{detail}: {last_line}" if last_line else detail


def blame(status: tuple[PartStatus, ...], parts: tuple[Part, ...]) -> PartStatus:
    """Choose the part to look at first: one that is not ready although all that it needs is."""
    ready = {part.name for part in status if part.ready}
    needs = {part.name: part.needs for part in parts}
    waiting = [part for part in status if not part.ready]
    free = [part for part in waiting if ready.issuperset(needs.keys() & needs[part.name])]
    return (free or waiting or list(status))[0]


def _health(part: Part, info: ProcessInfo) -> Health:
    if not info.running and (missing := part.unbuilt()):
        return Health(ok=False, detail=str(missing.not_yet()))
    if part.kind is not Kind.ONE_SHOT:
        detail = info.spawnerr or f"process is {info.statename.lower()}"
        return Health(ok=True) if info.statename == "RUNNING" else Health(ok=False, detail=detail)
    if info.statename == "EXITED":
        return Health(ok=True) if info.exitstatus == 0 else Health(ok=False, detail=f"exit {info.exitstatus}")
    return Health(ok=False, detail=info.spawnerr or "still running")
