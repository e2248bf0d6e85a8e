"""Whether the metrics arrive and move, since the start of what runs now."""

import re
from typing import Final

from cdb.doctor import watched
from cdb.doctor.findings import Finding, fail, ok, warn
from cdb.doctor.uptime import own_metrics, uptime_s
from cdb.running.base import RunningStack
from cdb.running.feed import feed as market_feed
from services import durations
from services.topology import RISK

_STALENESS: Final = re.compile(r"^cdb_(?:market_)?data_staleness_seconds(?:\{[^}]*\})? (\S+)$", re.MULTILINE)
"""By our name, and by the one of the reference mode (docs/reference-mode.md)."""
_STALE_S: Final = 30.0  # as in the alert StaleMarketData


def names(stack: RunningStack) -> Finding:
    """Prometheus has, from the services as they run now, every metric that dashboards and alerts always queried."""
    expiration = durations.parse(stack.settings.get("CDB_METRIC_EXPIRATION") or watched.EXPIRATION).total_seconds()
    return watched.names(stack.prometheus, uptime_s=uptime_s(stack), expiration_s=expiration)


def rising(stack: RunningStack) -> Finding:
    """Signals, approvals and trades have risen in the last minutes."""
    return watched.rising(stack.prometheus, uptime_s=uptime_s(stack))


def feed(stack: RunningStack) -> Finding:
    """Market data are fresh, by cdb_risk itself: the age grows while nothing arrives, whatever Prometheus has."""
    advice = "monitoring/runbooks/StaleMarketData.md"
    ages = [float(age) for age in _STALENESS.findall(own_metrics(stack, RISK.name))]
    is_fresh = bool(ages) and max(ages) <= _STALE_S
    market = market_feed(stack)
    if market and market.problem and not (is_fresh and market.published):
        return fail(market.problem, f"docs/live.md, then {advice}")
    if is_fresh and market and market.notice:
        return warn(market.notice, "docs/live.md, 'What happens when something goes wrong'")
    if is_fresh:
        return ok(f"the newest market data is {max(ages):.0f} s old")
    if not ages:
        address = stack.url(RISK.name, "/metrics")
        return fail(f"{RISK.name} does not show cdb_data_staleness_seconds", f"curl -s {address}")
    return fail(f"the newest market data is {max(ages):.0f} s old; {_STALE_S:.0f} s is the limit", advice)
