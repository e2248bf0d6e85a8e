"""What `cdb doctor` finds of the items that need no more than the console's servers; it looks at the others itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cdb.check.run import UNREADABLE
from cdb.doctor import versions, watched
from cdb.doctor.findings import Finding, fail, first_line
from cdb.doctor.titles import TITLES
from cdb.kit.errors import CommandError
from cdb.kit.paths import ROOT
from cdb.kit.prometheus import Prometheus
from console.ground import Ground
from console.knowledge import Known
from services import durations
from services.errors import ServerAway

COMMAND: Final = "cdb doctor"
_FOR_S: Final = 60.0
_FILES_FOR_S: Final = 600.0
"""For the one item that asks Prometheus hundreds of questions about files that hardly ever change."""
_UPTIME: Final = 'time() - max(process_start_time_seconds{job="cdb_services"})'
_FROM_FILES: Final = Path("monitoring", "prometheus")

Looks = dict[str, Callable[[], Finding]]


@dataclass(frozen=True)
class Checklist:
    """What was looked at: findings by the item's title; the titles of what only the command can look at."""

    found: Known[dict[str, Finding]]
    dashboards: Known[dict[str, Finding]]
    others: Sequence[str]


def checklist(ground: Ground, *, wait_s: float, root: Path = ROOT) -> Checklist:
    """Look, at most once a minute, and at the dashboards' queries at most every ten minutes."""
    looks, of_files = _looks(ground, root), _looks_at_dashboards(ground, root)
    ask = ground.knowledge.of
    return Checklist(
        ask("doctor", lambda: _findings(looks), for_s=_FOR_S, wait_s=wait_s),
        ask("doctor of dashboards", lambda: _findings(of_files), for_s=_FILES_FOR_S, wait_s=0.0),
        [title for name, title in TITLES.items() if name not in looks | of_files],
    )


def _looks(ground: Ground, root: Path) -> Looks:
    prometheus, alertmanager = ground.prometheus, ground.alertmanager
    expiration_s = durations.parse(watched.EXPIRATION).total_seconds()
    looks: Looks = {
        "metrics": lambda: watched.names(prometheus, uptime_s=_uptime_s(prometheus), expiration_s=expiration_s),
        "rising": lambda: watched.rising(prometheus, uptime_s=_uptime_s(prometheus)),
        "alertmanager": lambda: watched.alertmanager(prometheus, alertmanager, advice=COMMAND),
        "firing": lambda: watched.firing(prometheus, alertmanager),
        "trace": lambda: watched.end_to_end(ground.jaeger, uptime_s=_uptime_s(prometheus)),
        "versions": lambda: versions.versions(prometheus),
    }
    if (root / _FROM_FILES).is_dir():  # a container of the console has not got them
        looks |= {
            "targets": lambda: watched.targets(prometheus, root),
            "rules": lambda: watched.rules(prometheus, root, how_to_reload=COMMAND),
        }
    return looks


def _looks_at_dashboards(ground: Ground, root: Path) -> Looks:
    return {"dashboards": lambda: watched.queries(ground.prometheus, root)} if (root / _FROM_FILES).is_dir() else {}


def _uptime_s(prometheus: Prometheus) -> float:
    """Since the last start of a service; 0 if Prometheus does not know."""
    return max((sample.value for sample in prometheus.query(_UPTIME)), default=0.0)


def _findings(looks: Looks) -> dict[str, Finding]:
    return {title: _finding(looks[name]) for name, title in TITLES.items() if name in looks}


def _finding(look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except (CommandError, ServerAway, OSError, *UNREADABLE) as error:
        return fail(first_line(error), COMMAND)
