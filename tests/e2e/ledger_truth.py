"""What the metrics have to say of a ledger, computed from its rows alone."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final

from telemetry.contract import load_contract
from tests.e2e.bot import Bot
from tests.e2e.watched import INSTANCES, Labels, Values
from tests.e2e.watched import key as key_of

_COUNTS: Final = {
    "cdb_signals_generated_total": (
        "SELECT symbol, side AS direction, strategy, count(*) FROM signals GROUP BY 1, 2, 3",
        ("symbol", "direction", "strategy"),
    ),
    "cdb_signals_evaluated_total": (
        "SELECT symbol, count(*) FROM decisions JOIN signals USING (signal_id) GROUP BY 1",
        ("symbol",),
    ),
    "cdb_orders_approved_total": (
        "SELECT symbol, count(*) FROM orders WHERE cause = 'signal' GROUP BY 1",
        ("symbol",),
    ),
    "cdb_orders_rejected_total": (
        "SELECT symbol, reason, count(*) FROM decisions JOIN signals USING (signal_id) WHERE verdict = 'rejected' "
        "GROUP BY 1, 2",
        ("symbol", "reason_code"),
    ),
    "cdb_risk_violations_total": (
        "SELECT reason, layer::text, count(*) FROM decisions WHERE layer IS NOT NULL GROUP BY 1, 2",
        ("violation_type", "layer"),
    ),
    "cdb_stop_loss_triggered_total": (
        "SELECT symbol, count(*) FROM orders WHERE cause = 'stop_loss' GROUP BY 1",
        ("symbol",),
    ),
    "cdb_orders_received_total": ("SELECT symbol, count(*) FROM orders GROUP BY 1", ("symbol",)),
    "cdb_trades_executed_total": ("SELECT symbol, side, count(*) FROM fills GROUP BY 1, 2", ("symbol", "side")),
    "cdb_risk_decision_duration_seconds_count": ("SELECT count(*) FROM decisions", ()),
    "cdb_order_execution_duration_seconds_count": (
        "SELECT 'paper', count(*) FROM orders WHERE state <> 'placed'",
        ("exchange",),
    ),
}
"""Rows of labels and a count, and what the labels are called."""

_HISTOGRAMS: Final = {
    "cdb_trade_pnl_usd": ("SELECT symbol, realised_pnl FROM fills WHERE realised_pnl IS NOT NULL", ("symbol",)),
    "cdb_slippage_bps": ("SELECT symbol, slippage_bps FROM fills", ("symbol",)),
    "cdb_approved_order_size": ("SELECT symbol, quantity FROM orders WHERE cause = 'signal'", ("symbol",)),
    "cdb_signal_strength": ("SELECT symbol, strategy, strength FROM signals", ("symbol", "strategy")),
}
"""Rows of labels and a value, and what the labels are called."""

_CHECKS: Final = "SELECT side, layer, count(*) FROM decisions JOIN signals USING (signal_id) GROUP BY 1, 2"
_LAYERS: Final = 6
_HELD: Final = "SELECT symbol, quantity, quantity * price FROM positions JOIN marks USING (symbol)"
_ACCOUNT: Final = """
SELECT cash, realised_pnl, coalesce((SELECT sum(realised_pnl) FROM fills), 0),
    (SELECT equity FROM equity ORDER BY equity_seq DESC LIMIT 1),
    coalesce((SELECT active FROM breaker ORDER BY breaker_seq DESC LIMIT 1), false) FROM account
"""
_CONTRACT: Final = load_contract()
_TOLERANCE: Final = 1e-9


def key(name: str, labels: dict[str, str]) -> tuple[str, Labels]:
    """Return what the series is known by: its one owner shows it."""
    metric = next(metric for metric in _CONTRACT.metrics if name.startswith(metric.prometheus))
    return key_of(name, {**labels, "instance": INSTANCES[f"cdb_{metric.owner}"]})


def truth(bot: Bot) -> Values:
    """Return what the ledger says each series is; one that is not there is 0."""
    found = dict(_counted(bot))
    for name, (statement, labels) in _HISTOGRAMS.items():
        found |= _histogram(name, labels, bot.query(statement))
    return found | _checks(bot) | _gauges(bot)


def differences(shown: Values, expected: Values) -> dict[str, tuple[float | None, float]]:
    """Return each series of the metrics in *expected* that is not shown as it should be: what it is and should be.

    A series that nothing has happened to may be shown as 0, and nothing else; all others must be shown.
    """
    names = {name for name, _ in expected}
    wrong = {}
    for series in sorted({*expected, *(series for series in shown if series[0] in names)}):
        is_now, should_be = shown.get(series), expected.get(series, 0.0)
        near = is_now is not None and abs(is_now - should_be) <= _TOLERANCE * max(1.0, abs(should_be))
        if not near:
            wrong[f"{series[0]}{dict(series[1])}"] = is_now, should_be
    return wrong


def _counted(bot: Bot) -> Iterator[tuple[Any, float]]:
    for name, (statement, labels) in _COUNTS.items():
        for *values, count in bot.query(statement):
            yield key(name, dict(zip(labels, values, strict=True))), float(count)


def _histogram(name: str, labels: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Values:
    bounds = next(metric.buckets for metric in _CONTRACT.metrics if metric.prometheus == name)
    groups: dict[tuple[str, ...], list[Decimal]] = {}
    for *own, value in rows:
        groups.setdefault(tuple(own), []).append(value)
    found: Values = {}
    for own_values, values in groups.items():
        own_labels = dict(zip(labels, own_values, strict=True))
        counts = [0] * (len(bounds) + 1)
        for value in values:
            counts[bisect_left(bounds, float(value))] += 1
        for bound, count in zip((*bounds, float("inf")), accumulate(counts), strict=True):
            found[key(f"{name}_bucket", {**own_labels, "le": str(bound)})] = count
        found[key(f"{name}_count", own_labels)] = len(values)
        found[key(f"{name}_sum", own_labels)] = float(sum(values))
    return found


def _checks(bot: Bot) -> Values:
    """Each decision asked the layers up to the first that objected; a SELL meets the first only."""
    found: Values = {}
    for side, failed, count in bot.query(_CHECKS):
        for layer in range(1, 1 + (1 if side == "SELL" else failed or _LAYERS)):
            result = "failed" if layer == failed else "passed"
            series = key("cdb_risk_layer_checks_total", {"layer": str(layer), "result": result})
            found[series] = found.get(series, 0) + count
    return found


def _gauges(bot: Bot) -> Values:
    ((cash, realised, of_fills, reference, breaker),) = bot.query(_ACCOUNT)
    assert realised == of_fills
    held = bot.query(_HELD)
    equity = cash + sum(value for *_, value in held)
    found = {
        key("cdb_cumulative_pnl_usd", {}): realised,
        key("cdb_circuit_breaker_active", {}): int(breaker),
        key("cdb_daily_drawdown_pct", {}): 100 * max(Decimal(0), (reference - equity) / reference),
        key("cdb_total_exposure_pct", {}): 100 * sum(value for *_, value in held) / equity,
    }
    for symbol, quantity, value in held:
        found[key("cdb_open_positions", {"symbol": symbol})] = int(quantity > 0)
        found[key("cdb_position_size", {"symbol": symbol})] = quantity
        found[key("cdb_position_exposure_pct", {"symbol": symbol})] = 100 * value / equity
    return {series: float(value) for series, value in found.items()}
