"""Whether the programs are those that the project was made for."""

import re
from dataclasses import dataclass
from typing import Final

from cdb.doctor.findings import Finding, fail, ok
from cdb.kit.prometheus import Prometheus


@dataclass(frozen=True)
class _Program:
    """One program: what of Prometheus shows its version, in which label, and the oldest one that will do."""

    name: str
    query: str
    label: str
    oldest: tuple[int, ...]


_PROGRAMS: Final = (
    _Program("Prometheus", "prometheus_build_info", "version", (2, 42)),
    _Program("Alertmanager", "alertmanager_build_info", "version", (0, 25)),
    _Program("PostgreSQL", "pg_static", "short_version", (15,)),
    _Program("Redis", "redis_instance_info", "redis_version", (7,)),
    _Program("collector", 'target_info{job="otel_collector"}', "service_version", (0, 161)),
    _Program("Jaeger", 'target_info{job="jaeger"}', "service_version", (1, 76)),
    _Program("services", 'target_info{job=~"cdb/.+"}', "service_version", (0, 1)),
)


_AT_ONE_TIME_S: Final = 60.0


def versions(prometheus: Prometheus) -> Finding:
    """Every server is new enough, as it says itself; all services are of one version."""
    shown: list[str] = []
    faults: list[str] = []
    for program in _PROGRAMS:
        found = _newest(prometheus, program)
        shown.append(f"{program.name} {' and '.join(found) or 'unknown'}")
        oldest = ".".join(map(str, program.oldest))
        if not found:
            faults.append(f"{program.name} does not show its version ({program.query})")
        elif any(_number(version) < program.oldest for version in found):
            faults.append(f"{program.name} {found[0]} is older than {oldest}")
        elif len(found) > 1:
            faults.append(f"{program.name} run in several versions: {', '.join(found)}")
    if faults:
        return fail(
            "; ".join(faults), "docs/operations.md, 'Upgrades'; what has just started shows its version after a scrape"
        )
    return ok(", ".join(shown))


def _newest(prometheus: Prometheus, program: _Program) -> list[str]:
    """Versions that were shown last; after an upgrade Prometheus still has the old one for five minutes."""
    shown = prometheus.query(f"max by ({program.label}) (timestamp({program.query}))")
    last = max((sample.value for sample in shown), default=0.0)
    return sorted({one.labels.get(program.label, "") for one in shown if last - one.value < _AT_ONE_TIME_S} - {""})


def _number(version: str) -> tuple[int, ...]:
    """Numbers that a version begins with: (2, 42, 0) of 2.42.0+ds."""
    begin = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in begin[1].split(".")) if begin else ()
