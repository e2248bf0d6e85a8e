"""The checklist: every item with the check that looks at it, in the order in which it is shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cdb.doctor import alerting, boards, machine, metrics, parts, settings, shell, traces, versions
from cdb.doctor.findings import Finding
from cdb.running.base import RunningStack


@dataclass(frozen=True)
class Check:
    """One item. *look* may raise what a server that is away raises: that is a finding, too."""

    name: str
    title: str
    look: Callable[[RunningStack], Finding]


CHECKS: Final = (
    Check("parts", "every part is healthy", parts.parts),
    Check("targets", "Prometheus reaches all its targets", parts.targets),
    Check("endpoints", "each service shows /metrics", parts.endpoints),
    Check("metrics", "the contract's metrics are in Prometheus", metrics.names),
    Check("feed", "market data arrive", metrics.feed),
    Check("rising", "signals, approvals and trades rise", metrics.rising),
    Check("dashboards", "dashboards and alerts ask for what exists", boards.queries),
    Check("grafana", "Grafana has the dashboards", boards.grafana),
    Check("rules", "the alerts are loaded and evaluated", alerting.rules),
    Check("alertmanager", "Alertmanager is ready", alerting.alertmanager),
    Check("notification", "a notification arrives", alerting.notification),
    Check("firing", "nothing fires now", alerting.firing),
    Check("trace", "a trace can be followed end to end", traces.end_to_end),
    Check("secrets", "secrets are set, and none is a test's", settings.secrets),
    Check("env", ".env is for its owner only", settings.env_file),
    Check("settings", "what runs has the settings of now", settings.as_started),
    Check("effect", "every setting has an effect", settings.effect),
    Check("account", "the account is as the settings say", settings.account),
    Check("shell", "variables of other programs have no effect", shell.variables),
    Check("test-endpoints", "endpoints for tests are off", settings.test_endpoints),
    Check("loopback", "only this machine can reach it", machine.loopback),
    Check("resources", "disk and memory suffice", machine.resources),
    Check("clock", "the clocks agree", machine.clock),
    Check("versions", "programs are new enough", lambda stack: versions.versions(stack.prometheus)),
)

BY_HAND: Final = (
    "the end-to-end tests pass: .venv/bin/pytest -m e2e",
    "you have seen an alert begin and end: docs/operations.md, 'Try an alert'",
    "you have read README.md, docs/operations.md and the runbooks of the critical alerts",
)
"""What of the handbook's checklist no program can tick."""
