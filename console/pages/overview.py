"""Overview: the account and what needs attention, every figure with its age."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Flask, render_template

from cdb.alerts.alerts import Firing, fires_now, inhibitors, subject
from cdb.trace.decisions import Decision, Slowest, slowest
from console import runbooks
from console.account.standing import RECENT, Standing, standing
from console.curve import Curve, curve
from console.ground import Ground
from console.knowledge import WAIT_S, Known
from console.system.reach import reach
from services.clock import to_datetime

ACCOUNT: Final = "standing of the account"
FIRING: Final = "what fires"
SLOWEST: Final = "slowest decisions"
BREAKER_ALERT: Final = "CircuitBreakerActivated"
SLOW_US: Final = 5_000
SHOWN: Final = 5
_PAGE: Final = 50
_US_NS: Final = 1_000


@dataclass(frozen=True)
class FiringAlert:
    """An alert that fires, *held_back* by these others or "" if it was told, and where it is said what to do."""

    name: str
    severity: str
    subject: str
    since: datetime
    summary: str
    held_back: str
    runbook: str


@dataclass(frozen=True)
class SlowDecision:
    """A decision that took long, and the step of it that took most of the time."""

    trace_id: str
    at: datetime
    symbol: str
    said: str
    duration_s: float
    step: str
    step_s: float


def add(app: Flask, ground: Ground) -> None:
    """Answer /."""

    @app.get("/")
    def overview() -> str:
        for wait_s in (0.0, WAIT_S):  # so that all servers are asked at the same time
            account = account_now(ground, wait_s=wait_s)
            firing, slow = firing_now(ground, wait_s=wait_s), slow_decisions(ground, wait_s=wait_s)
            rules = reach(ground, "Prometheus", wait_s=wait_s)
        return render_template(
            "overview.html",
            refresh=5,
            account=account,
            curve=_curve(account.value),
            firing=firing,
            rules=rules,
            breaker_alert=BREAKER_ALERT,
            slow=slow,
            slow_s=SLOW_US / 1e6,
        )


def account_now(ground: Ground, *, wait_s: float = WAIT_S) -> Known[Standing]:
    """The account, at most 2 s old."""

    def read() -> Standing:
        with ground.ledger.moment() as rows:
            return standing(rows, ground.settings.limits)

    return ground.knowledge.of(ACCOUNT, read, for_s=2.0, wait_s=wait_s)


def firing_now(ground: Ground, *, wait_s: float = WAIT_S) -> Known[list[FiringAlert]]:
    """What fires, at most 3 s old."""

    def ask() -> list[FiringAlert]:
        found = fires_now(ground.alertmanager)
        return [_firing(one, found, ground) for one in found]

    return ground.knowledge.of(FIRING, ask, for_s=3.0, wait_s=wait_s)


def slow_decisions(ground: Ground, *, wait_s: float = WAIT_S) -> Known[list[SlowDecision]]:
    """The slowest of the last 15 minutes, at most 10 s old."""

    def ask() -> list[SlowDecision]:
        end_us = ground.clock.now_ns() // _US_NS
        start_us = end_us - int(RECENT.total_seconds() * 1e6)
        return _slow(
            slowest(ground.jaeger, over_us=SLOW_US, start_us=start_us, end_us=end_us, limit=SHOWN, page_size=_PAGE)
        )

    return ground.knowledge.of(SLOWEST, ask, for_s=10.0, wait_s=wait_s)


def _firing(alert: Firing, all_firing: Sequence[Firing], ground: Ground) -> FiringAlert:
    labels = alert.labels
    held = ", ".join(inhibitors(alert, list(all_firing))) or ("a silence" if alert.status.silenced_by else "")
    return FiringAlert(
        name=labels.get("alertname", "(without a name)"),
        severity=labels.get("severity", ""),
        subject=subject(labels),
        since=alert.starts_at,
        summary=alert.annotations.get("summary", ""),
        held_back=held,
        runbook=runbooks.link(ground.runbooks, alert.annotations.get("runbook_url", "")),
    )


def _slow(found: Slowest) -> list[SlowDecision]:
    return [_slow_decision(one) for one in found.decisions]


def _slow_decision(found: Decision) -> SlowDecision:
    span, longest = found.span, found.longest
    return SlowDecision(
        trace_id=found.trace.trace_id,
        at=to_datetime(span.start_us * _US_NS),
        symbol=span.text("cdb.symbol"),
        said=" ".join(filter(None, (span.text("cdb.side"), span.text("cdb.verdict"), span.text("cdb.reason")))),
        duration_s=span.duration_us / 1e6,
        step=longest.span.label,
        step_s=longest.self_us / 1e6,
    )


def _curve(account: Standing | None) -> Curve | None:
    """Equity since 00:00 UTC, to now."""
    if account is None:
        return None
    points = [(mark.at.timestamp(), float(mark.equity)) for mark in account.today]
    points.append((account.as_of.timestamp(), float(account.equity)))
    reference = account.reference.equity if account.reference else None
    return curve(points, level=None if reference is None else float(reference))
