"""Whether the metrics arrive and move."""

from typing import Final

from cdb.doctor.findings import Finding, fail, ok, warn
from cdb.running.base import RunningStack
from telemetry.contract import load_contract

_RISING: Final = ("cdb_signals_generated_total", "cdb_orders_approved_total", "cdb_trades_executed_total")
_WINDOW: Final = "5m"


def names(stack: RunningStack) -> Finding:
    """Prometheus has every metric that dashboards and alerts have always queried."""
    frozen = [metric for metric in load_contract().metrics if not metric.extension]
    found = stack.prometheus.query('count by (__name__) ({__name__=~"cdb_.+"})')
    shown = {sample.labels.get("__name__", "") for sample in found}
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
    rises = {name: _rise(stack, name) for name in _RISING}
    said = f"in {_WINDOW}: " + ", ".join(f"{name} +{rise:.0f}" for name, rise in rises.items())
    if not rises[_RISING[0]]:
        return fail(said, "no signals: wait a minute after a start; then follow monitoring/runbooks/StaleMarketData.md")
    if not all(rises.values()):
        return warn(
            said,
            "there are signals but no trades: run cdb breaker status; cdb dashboard risk-alerts shows the reasons",
        )
    return ok(said)


def _rise(stack: RunningStack, name: str) -> float:
    return sum(sample.value for sample in stack.prometheus.query(f"sum(increase({name}[{_WINDOW}]))"))
