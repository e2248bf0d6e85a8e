"""Whether the metrics arrive and move, since the start of what runs now."""

import re
from typing import Final

from cdb.doctor.findings import Finding, fail, ok, warn
from cdb.doctor.uptime import own_metrics, uptime_s
from cdb.running.base import RunningStack
from cdb.running.feed import feed as market_feed
from services import durations
from services.topology import RISK
from telemetry.contract import load_contract

_RISING: Final = ("cdb_signals_generated_total", "cdb_orders_approved_total", "cdb_trades_executed_total")
_LONGEST_S: Final = 300.0
_LEAST_S: Final = 15.0  # a scrape
_LONG_ENOUGH_S: Final = 60.0  # for a first signal, its approval and its trade to be scraped
_EXPIRATION: Final = "45s"
"""How long the collector shows what a service that has ended sent last, unless CDB_METRIC_EXPIRATION says otherwise."""
_STALENESS: Final = re.compile(r"^cdb_data_staleness_seconds(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
_STALE_S: Final = 30.0  # as in the alert StaleMarketData


def names(stack: RunningStack) -> Finding:
    """Prometheus has, from the services as they run now, every metric that dashboards and alerts always queried."""
    frozen = [metric for metric in load_contract().metrics if not metric.extension]
    uptime = uptime_s(stack)
    window = min(_LONGEST_S, uptime - _expiration_s(stack))
    if window < _LEAST_S:
        said = f"the services started {uptime:.0f} s ago: what Prometheus has may be from before"
        return fail(said, "wait a minute, or: cdb doctor --wait 2m")
    every = '{__name__=~"cdb_.+"}'
    query = f"count by (__name__) ({every} and on (__name__) last_over_time({every}[{window:.0f}s]))"
    shown = {sample.labels.get("__name__", "") for sample in stack.prometheus.query(query)}
    missing = [
        m.prometheus for m in frozen if f"{m.prometheus}{'_count' if m.type == 'histogram' else ''}" not in shown
    ]
    if missing:
        return fail(
            f"{len(frozen) - len(missing)} of {len(frozen)}; missing: {', '.join(missing)}",
            "docs/metrics.md names the service of each; then monitoring/runbooks/ServiceMetricsMissing.md",
        )
    return ok(f"{len(frozen)} of {len(frozen)}")


def rising(stack: RunningStack) -> Finding:
    """Signals, approvals and trades have risen in the last minutes."""
    window = max(1.0, min(_LONGEST_S, uptime_s(stack)))
    rises = {name: _rise(stack, name, window) for name in _RISING}
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


def feed(stack: RunningStack) -> Finding:
    """Market data are fresh, by cdb_risk itself: the age grows while nothing arrives, whatever Prometheus has."""
    advice = "monitoring/runbooks/StaleMarketData.md"
    ages = [float(age) for age in _STALENESS.findall(own_metrics(stack, RISK.name))]
    is_fresh = bool(ages) and max(ages) <= _STALE_S
    market = market_feed(stack)
    if market and market.problem and not (is_fresh and market.published):
        return fail(market.problem, f"docs/live.md, then {advice}")
    if is_fresh:
        return ok(f"the newest market data is {max(ages):.0f} s old")
    if not ages:
        address = stack.url(RISK.name, "/metrics")
        return fail(f"{RISK.name} does not show cdb_data_staleness_seconds", f"curl -s {address}")
    return fail(f"the newest market data is {max(ages):.0f} s old; {_STALE_S:.0f} s is the limit", advice)


def _rise(stack: RunningStack, name: str, window_s: float) -> float:
    found = stack.prometheus.query(f"sum(increase({name}[{window_s:.0f}s]))")
    return sum(sample.value for sample in found)


def _expiration_s(stack: RunningStack) -> float:
    return durations.parse(stack.settings.get("CDB_METRIC_EXPIRATION") or _EXPIRATION).total_seconds()
