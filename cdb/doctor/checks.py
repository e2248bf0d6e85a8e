"""The checklist: every item with the check that looks at it, in the order in which it is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cdb.doctor import alerting, boards, machine, metrics, parts, settings, shell, traces, versions
from cdb.doctor.findings import Finding
from cdb.doctor.titles import TITLES
from cdb.running.base import RunningStack


@dataclass(frozen=True)
class Check:
    """One item. *look* may raise what a server that is away raises: that is a finding, too."""

    name: str
    title: str
    look: Callable[[RunningStack], Finding]


_LOOKS: Final[dict[str, Callable[[RunningStack], Finding]]] = {
    "parts": parts.parts,
    "targets": parts.targets,
    "endpoints": parts.endpoints,
    "metrics": metrics.names,
    "feed": metrics.feed,
    "rising": metrics.rising,
    "dashboards": boards.queries,
    "grafana": boards.grafana,
    "rules": alerting.rules,
    "alertmanager": alerting.alertmanager,
    "notification": alerting.notification,
    "firing": alerting.firing,
    "trace": traces.end_to_end,
    "secrets": settings.secrets,
    "env": settings.env_file,
    "settings": settings.as_started,
    "effect": settings.effect,
    "account": settings.account,
    "shell": shell.variables,
    "test-endpoints": settings.test_endpoints,
    "loopback": machine.loopback,
    "resources": machine.resources,
    "clock": machine.clock,
    "versions": lambda stack: versions.versions(stack.prometheus),
}
CHECKS: Final = tuple(Check(name, title, _LOOKS[name]) for name, title in TITLES.items())

BY_HAND: Final = (
    "the end-to-end tests pass: .venv/bin/pytest -m e2e",
    "you have seen an alert begin and end: docs/operations.md, 'Try an alert'",
    "you have read README.md, docs/operations.md and the runbooks of the critical alerts",
)
"""What of the handbook's checklist no program can tick."""
