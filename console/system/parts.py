"""All parts as Prometheus sees them: its targets, what each service says of its own health, and the rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cdb.kit.prometheus import Prometheus, RuleGroup

_NEVER = datetime(2, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Part:
    """One target. *health* is what a service says itself, None where nothing says it."""

    instance: str
    job: str
    state: str  # up, down or unknown
    error: str
    last_scrape: datetime | None
    took_s: float
    health: bool | None

    @property
    def is_well(self) -> bool:
        return self.state == "up" and self.health is not False


@dataclass(frozen=True)
class Rules:
    """A group of rules; *faults* are those that could not be evaluated, with what Prometheus says of each."""

    name: str
    alerts: int
    recordings: int
    unknown: int
    faults: Sequence[tuple[str, str]]


def parts(prometheus: Prometheus) -> list[Part]:
    """Ask for them, those that are not well first. Raises Away, Refused."""
    healths = {one.labels.get("service", ""): one.value == 1 for one in prometheus.query("cdb_health_status")}
    found = []
    for target in prometheus.targets():
        instance = target.labels.get("instance", "")
        at = target.last_scrape
        found.append(
            Part(
                instance=instance,
                job=target.labels.get("job", ""),
                state=target.health,
                error=target.last_error,
                last_scrape=at if at and at > _NEVER else None,
                took_s=target.last_scrape_duration,
                health=healths.get(instance.partition(":")[0]),
            )
        )
    return sorted(found, key=lambda part: (part.is_well, part.job != "cdb_services", part.instance))


def rules(prometheus: Prometheus) -> list[Rules]:
    """Ask for them. Raises Away, Refused."""
    return [_rules(group) for group in prometheus.rules()]


def _rules(group: RuleGroup) -> Rules:
    alerts = sum(rule.type == "alerting" for rule in group.rules)
    return Rules(
        name=group.name,
        alerts=alerts,
        recordings=len(group.rules) - alerts,
        unknown=sum(rule.health == "unknown" for rule in group.rules),
        faults=[(rule.name, rule.last_error or rule.health) for rule in group.rules if rule.health == "err"],
    )
