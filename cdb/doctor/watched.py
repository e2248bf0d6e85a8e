"""Checks that need only Prometheus, Alertmanager and Jaeger, whatever runs them: `cdb doctor`, and the console."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from cdb.alerts.alerts import fires_now
from cdb.alerts.trial import TEST_ALERT
from cdb.check.project import Project
from cdb.check.run import Depth, run
from cdb.check.scraping import scraped
from cdb.dashboard.model.dashboards import load_dashboards
from cdb.doctor.findings import Finding, fail, ok, warn
from cdb.kit.errors import Away
from cdb.kit.http_client import HttpClient
from cdb.kit.prometheus import Prometheus
from cdb.trace.jaeger import Jaeger
from cdb.trace.model import Trace
from services.topology import CORE, EXECUTION, RISK
from telemetry.contract import load_contract

CONTRACT_GROUP: Final = "alerts"
CRITICAL: Final = "critical"
EXPIRATION: Final = "45s"
"""How long the collector shows what a service that has ended sent last, unless CDB_METRIC_EXPIRATION says otherwise."""
_RISING: Final = ("cdb_signals_generated_total", "cdb_orders_approved_total", "cdb_trades_executed_total")
_LONGEST_S: Final = 300.0
_LEAST_S: Final = 15.0  # a scrape
_LONG_ENOUGH_S: Final = 60.0  # for a first signal, its approval and its trade to be scraped
_SHOWN: Final = 3
_STEPS: Final = ("signal.generate", "risk.decide", "order.execute")
_SERVICES: Final = (CORE.name, RISK.name, EXECUTION.name)
_SINCE_S: Final = 3600.0
_LIMIT: Final = 20
_US: Final = 1_000_000


def rules(prometheus: Prometheus, root: Path, *, how_to_reload: str) -> Finding:
    """Prometheus has loaded every rule of the project, the ten alerts of the contract among them, and evaluates it."""
    wanted = {(rule.group, rule.name) for rule in Project(root).rules}
    loaded = {(group.name, rule.name): rule for group in prometheus.rules() for rule in group.rules}
    faults = [f"{name} is not loaded" for group, name in sorted(wanted - loaded.keys())]
    here = {name: loaded[group, name] for group, name in sorted(wanted & loaded.keys())}
    faults += [f"{name}: {rule.last_error}" for name, rule in here.items() if rule.last_error]
    if early := sum(rule.health == "unknown" for rule in here.values()):
        faults.append(f"{early} of {len(wanted)} rules are not evaluated yet (this takes up to a minute after a start)")
    if faults:
        advice = f".venv/bin/promtool check rules monitoring/prometheus/rules/*.yml; then {how_to_reload}"
        return fail("; ".join(faults), advice)
    ten = sum(group == CONTRACT_GROUP and rule.type == "alerting" for (group, _), rule in loaded.items())
    return ok(f"{ten} alerts of the contract, {len(wanted) - ten} other rules, all evaluated")


def targets(prometheus: Prometheus, root: Path) -> Finding:
    """Prometheus reaches every target that is in the project's files."""
    jobs, _ = scraped(root)
    wanted = {(job, address) for job, addresses in jobs.items() for address in addresses}
    seen = {
        (target.labels.get("job", ""), target.labels.get("instance", "")): target for target in prometheus.targets()
    }
    missing = sorted(f"{job} {instance} is not scraped" for job, instance in wanted - seen.keys())
    down = sorted(
        f"{instance} is {seen[job, instance].health} {seen[job, instance].last_error}".strip()
        for job, instance in wanted & seen.keys()
        if seen[job, instance].health != "up"
    )
    if missing or down:
        return fail(
            "; ".join(missing + down),
            "docs/operations.md, 'Prometheus cannot scrape a service'; a part that has just started is up after the"
            " next scrape",
        )
    return ok(f"{len(wanted)} of {len(wanted)} up")


def alertmanager(prometheus: Prometheus, server: HttpClient, *, advice: str) -> Finding:
    """Alertmanager is ready, and Prometheus sends to it."""
    answer = server.get("/-/ready")
    if not answer.is_success:
        return fail(f"/-/ready answers {answer.status_code}", advice)
    addresses = prometheus.alertmanagers()
    return (
        ok(f"ready; Prometheus sends to {', '.join(addresses)}")
        if addresses
        else fail("ready, but Prometheus sends no alerts to it", advice)
    )


def firing(prometheus: Prometheus, server: HttpClient) -> Finding:
    """Nothing fires now, neither for Prometheus nor for Alertmanager, which `cdb alerts` shows."""
    found = [alert.labels for alert in prometheus.alerts() if alert.state == "firing"]
    with suppress(Away):  # another item's finding
        found += [alert.labels for alert in fires_now(server)]
    severities = {labels.get("alertname", ""): labels.get("severity", "") for labels in found}
    names = sorted(name for name in severities if not name.startswith(TEST_ALERT))
    if not names:
        return ok("no alert fires")
    critical = any(severities[name] == CRITICAL for name in names)
    said = ", ".join(f"{name} ({severities[name] or 'no severity'})" for name in names)
    return (fail if critical else warn)(f"fires now: {said}", "cdb alerts; each has its page in monitoring/runbooks/")


def names(prometheus: Prometheus, *, uptime_s: float, expiration_s: float) -> Finding:
    """Prometheus has, from the services as they run now, every metric that dashboards and alerts always queried."""
    frozen = [metric for metric in load_contract().metrics if not metric.extension]
    window = min(_LONGEST_S, uptime_s - expiration_s)
    if window < _LEAST_S:
        said = f"the services started {uptime_s:.0f} s ago: what Prometheus has may be from before"
        return fail(said, "wait a minute, or: cdb doctor --wait 2m")
    every = '{__name__=~"cdb_.+"}'
    query = f"count by (__name__) ({every} and on (__name__) last_over_time({every}[{window:.0f}s]))"
    shown = {sample.labels.get("__name__", "") for sample in prometheus.query(query)}
    missing = [
        m.prometheus for m in frozen if f"{m.prometheus}{'_count' if m.type == 'histogram' else ''}" not in shown
    ]
    if missing:
        return fail(
            f"{len(frozen) - len(missing)} of {len(frozen)}; missing: {', '.join(missing)}",
            "docs/metrics.md names the service of each; then monitoring/runbooks/ServiceMetricsMissing.md",
        )
    return ok(f"{len(frozen)} of {len(frozen)}")


def rising(prometheus: Prometheus, *, uptime_s: float) -> Finding:
    """Signals, approvals and trades have risen in the last minutes."""
    window = max(1.0, min(_LONGEST_S, uptime_s))
    rises = {name: _rise(prometheus, name, window) for name in _RISING}
    said = f"in {window:.0f} s: " + ", ".join(f"{name} +{rise:.0f}" for name, rise in rises.items())
    if not rises[_RISING[0]]:
        return fail(said, "no signals: wait a minute after a start; then follow monitoring/runbooks/StaleMarketData.md")
    if not all(rises.values()):
        if window < _LONG_ENOUGH_S:
            return fail(said, "wait a minute after a start, or: cdb doctor --wait 2m")
        return warn(
            said,
            "there are signals but no trades: run cdb breaker status; cdb dashboard risk-alerts shows the reasons",
        )
    return ok(said)


def queries(prometheus: Prometheus, root: Path, *, uptime_s: Callable[[], float] = lambda: math.inf) -> Finding:
    """Everything that dashboards and alerts ask for is shown by Prometheus, with its labels and its type.

    *uptime_s* is asked if it is not: just after a start it is too early.
    """
    advice = "cdb check dashboards --depth contract"
    report = run(root, Depth.CONTRACT, prometheus)
    if not report.clean:
        left_out = {file.relative_to(root).as_posix() for file in load_dashboards(root).refused}
        only_left_out = left_out.issuperset(finding.file for finding in report.findings)
        first = "; ".join(str(finding) for finding in report.findings[:_SHOWN])
        if not only_left_out and (up_s := uptime_s()) < _LONG_ENOUGH_S:
            said = f"not yet: {len(report.findings)} faults {up_s:.0f} s after the start: {first}"
            return fail(said, f"wait a minute after a start, or: cdb doctor --wait 2m; then: {advice}")
        return (warn if only_left_out else fail)(f"{len(report.findings)} faults: {first}", advice)
    return ok(", ".join(f"{count} {kind}" for kind, count in report.looked_at.items()))


def end_to_end(jaeger: Jaeger, *, uptime_s: float) -> Finding:
    """Jaeger has a trace of the last hour, and since the start, through all three services without a gap."""
    now = time.time()
    since_s = min(_SINCE_S, uptime_s)
    start_us, end_us = int((now - since_s) * _US), int(now * _US)
    found = jaeger.find(_SERVICES[-1], start_us=start_us, end_us=end_us, limit=_LIMIT, operation=_STEPS[-1])
    whole = [trace for trace in found if is_whole(trace)]
    if whole:
        newest = max(whole, key=lambda trace: trace.start_us)
        age = now - newest.start_us / _US
        return ok(f"{newest.trace_id}: {len(newest.spans)} spans in {len(_SERVICES)} services, {age:.0f} s ago")
    if found:
        return fail(
            f"{len(found)} traces of the last {since_s:.0f} s, none of them whole from {_STEPS[0]} to {_STEPS[-1]}",
            f"cdb trace show {found[0].trace_id[:8]}; monitoring/runbooks/TracesLost.md",
        )
    return fail(
        f"no trace of an executed order in the last {since_s:.0f} s",
        "wait a minute after a start; then check that CDB_TRACING is 1; monitoring/runbooks/TracesLost.md",
    )


def is_whole(trace: Trace) -> bool:
    """Whether a trace has every step in its service and every span's parent."""
    steps = {(span.service, span.name) for span in trace.spans}
    known = {span.span_id for span in trace.spans}
    return steps.issuperset(zip(_SERVICES, _STEPS, strict=True)) and all(
        span.parent_id in known for span in trace.spans if span.parent_id
    )


def _rise(prometheus: Prometheus, name: str, window_s: float) -> float:
    found = prometheus.query(f"sum(increase({name}[{window_s:.0f}s]))")
    return sum(sample.value for sample in found)
