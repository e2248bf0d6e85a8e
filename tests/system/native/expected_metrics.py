"""What every metric must say by the ledger and the tape, and what Prometheus and the collector say.

A figure's key is the sample's name with the contract's labels. Services add floats and the ledger adds decimals, so
sums may differ in the last digits of a float; counts may not differ at all.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from services.risk.rules import LAYERS
from telemetry.contract import load_contract
from tests.support.bot import Bot

Key: TypeAlias = tuple[str, frozenset[tuple[str, str]]]
Figures: TypeAlias = dict[Key, float]

RELATIVE: Final = 1e-9
SMALLEST: Final = 1e-6  # where a sum of gains and losses is about nothing; a millionth of a dollar
_NOT_THE_CONTRACTS: Final = ("job", "instance")

_DECIDED: Final = "FROM decisions JOIN signals USING (signal_id)"
_COUNTED: Final = {
    "cdb_signals_generated_total": (
        ("symbol", "direction", "strategy"),
        "SELECT symbol, side, strategy, count(*) FROM signals GROUP BY 1, 2, 3",
    ),
    "cdb_signals_evaluated_total": (("symbol",), f"SELECT symbol, count(*) {_DECIDED} GROUP BY 1"),
    "cdb_orders_approved_total": (
        ("symbol",),
        f"SELECT symbol, count(*) {_DECIDED} WHERE verdict = 'approved' GROUP BY 1",
    ),
    "cdb_orders_rejected_total": (
        ("symbol", "reason_code"),
        f"SELECT symbol, reason, count(*) {_DECIDED} WHERE verdict = 'rejected' GROUP BY 1, 2",
    ),
    "cdb_risk_violations_total": (
        ("violation_type", "layer"),
        "SELECT reason, layer, count(*) FROM decisions WHERE layer IS NOT NULL GROUP BY 1, 2",
    ),
    "cdb_risk_layer_checks_total": (
        ("layer", "result"),
        f"""SELECT asked, CASE WHEN asked = layer THEN 'failed' ELSE 'passed' END, count(*) {_DECIDED},
            generate_series(1, CASE side WHEN 'SELL' THEN 1 ELSE coalesce(layer, {len(LAYERS)}) END) AS asked
            GROUP BY 1, 2""",
    ),
    "cdb_risk_decision_duration_seconds_count": ((), "SELECT count(*) FROM decisions"),
    "cdb_stop_loss_triggered_total": (
        ("symbol",),
        "SELECT symbol, count(*) FROM orders WHERE cause = 'stop_loss' GROUP BY 1",
    ),
    "cdb_orders_received_total": (("symbol",), "SELECT symbol, count(*) FROM orders GROUP BY 1"),
    "cdb_trades_executed_total": (("symbol", "side"), "SELECT symbol, side, count(*) FROM fills GROUP BY 1, 2"),
}
_OBSERVED: Final = {
    "cdb_signal_strength": (("symbol", "strategy"), "SELECT symbol, strategy, strength FROM signals"),
    "cdb_approved_order_size": (
        ("symbol",),
        "SELECT symbol, quantity FROM decisions JOIN signals USING (signal_id) WHERE verdict = 'approved'",
    ),
    "cdb_trade_pnl_usd": (("symbol",), "SELECT symbol, realised_pnl FROM fills WHERE realised_pnl IS NOT NULL"),
    "cdb_slippage_bps": (("symbol",), "SELECT symbol, slippage_bps FROM fills"),
}
_GAUGES: Final = """
WITH held AS (SELECT symbol, sum(quantity) * price AS worth FROM positions JOIN marks USING (symbol)
    GROUP BY symbol, price HAVING sum(quantity) > 0),
equity AS (SELECT cash + (SELECT coalesce(sum(worth), 0) FROM held) AS now,
    (SELECT equity FROM equity ORDER BY equity_seq DESC LIMIT 1) AS reference FROM account)
SELECT 'cdb_daily_drawdown_pct', NULL, 100 * greatest(0, (reference - now) / reference) FROM equity
UNION ALL SELECT 'cdb_total_exposure_pct', NULL, 100 * (SELECT coalesce(sum(worth), 0) FROM held) / now FROM equity
UNION ALL SELECT 'cdb_position_exposure_pct', symbol, 100 * worth / now FROM held, equity
UNION ALL SELECT 'cdb_open_positions', symbol, (sum(quantity) > 0)::int FROM positions GROUP BY symbol
UNION ALL SELECT 'cdb_position_size', symbol, sum(quantity) FROM positions GROUP BY symbol
UNION ALL SELECT 'cdb_cumulative_pnl_usd', NULL, coalesce(sum(realised_pnl), 0) FROM fills
UNION ALL SELECT 'cdb_circuit_breaker_active', NULL,
    coalesce((SELECT active::int FROM breaker ORDER BY breaker_seq DESC LIMIT 1), 0)
"""
_BY_TAPE: Final = (
    "cdb_market_data_received_total",
    "cdb_market_data_events_received_total",
    "cdb_indicators_calculated_total",
    "cdb_market_data_refused_total",
    "cdb_market_data_dropped_total",
    "cdb_market_data_trimmed_total",
)
_COMPARED: Final = frozenset(
    {
        *_COUNTED,
        *_BY_TAPE,
        *re.findall(r"'(cdb_\w+)'", _GAUGES),
        *(f"{name}_{part}" for name in _OBSERVED for part in ("bucket", "count", "sum")),
    }
)
"""Each is recorded by one service, so a label set that is there twice would be counted twice."""


@dataclass(frozen=True)
class Tape:
    """A file to replay: its trades and newest price by symbol, and its rows that are refused by reason."""

    file: Path
    trades: Mapping[str, int]
    refused: Mapping[str, int]
    newest: Mapping[str, Decimal]


def by_ledger(bot: Bot, tape: Tape) -> Figures:
    """Every figure that the ledger or the tape knows; what is not among them must be 0."""
    found = _by_tape(tape)
    for name, (labels, statement) in _COUNTED.items():
        for *texts, figure in bot.query(statement):
            found[key(name, zip(labels, map(str, texts), strict=True))] = float(figure)
    for name, symbol, figure in bot.query(_GAUGES):
        found[key(name, [("symbol", symbol)] if symbol else [])] = float(figure)
    for name, (labels, statement) in _OBSERVED.items():
        observed: dict[tuple[Any, ...], list[Decimal]] = {}
        for *texts, figure in bot.query(statement):
            observed.setdefault(tuple(texts), []).append(figure)
        for of, figures in observed.items():
            found |= _histogram(name, dict(zip(labels, of, strict=True)), figures)
    return found


def _by_tape(tape: Tape) -> Figures:
    found: Figures = {}
    for symbol, count in tape.trades.items():
        of_symbol = {"symbol": symbol, "source": "replay"}
        found[key("cdb_market_data_received_total", of_symbol.items())] = count
        found[key("cdb_market_data_events_received_total", of_symbol.items())] = count
        for indicator in ("momentum", "volume"):
            labels = {"symbol": symbol, "indicator_type": indicator}
            found[key("cdb_indicators_calculated_total", labels.items())] = count
    for reason, count in tape.refused.items():
        found[key("cdb_market_data_refused_total", {"reason": reason}.items())] = count
    return found


def _histogram(name: str, labels: Mapping[str, str], figures: list[Decimal]) -> Figures:
    bounds = next(metric.buckets for metric in load_contract().metrics if metric.prometheus == name)
    assert bounds, f"{name} has no buckets"
    return {
        key(f"{name}_count", labels.items()): len(figures),
        key(f"{name}_sum", labels.items()): float(sum(figures)),
        **{
            key(f"{name}_bucket", {**labels, "le": str(bound)}.items()): sum(
                float(figure) <= bound for figure in figures
            )
            for bound in (*bounds, math.inf)
        },
    }


def in_prometheus(bot: Bot) -> Figures:
    """What Prometheus has of the contract's metrics now."""
    rows = bot.prometheus("query", query='{__name__=~"cdb_.+"}')["result"]
    return _unique((row["metric"]["__name__"], row["metric"], float(row["value"][1])) for row in rows)


def at_the_collector(bot: Bot) -> Figures:
    """What the collector exposes of the contract's metrics now."""
    _, text = bot.ask("exposition", "/metrics")
    samples = [sample for family in text_string_to_metric_families(text or "") for sample in family.samples]
    return _unique((sample.name, sample.labels, sample.value) for sample in samples if sample.name.startswith("cdb_"))


def _unique(samples: Iterable[tuple[str, Mapping[str, str], float]]) -> Figures:
    found: Figures = {}
    for name, labels, value in samples:
        kept = {label: text for label, text in labels.items() if label not in {"__name__", *_NOT_THE_CONTRACTS}}
        sample = key(name, kept.items())
        if name in _COMPARED:
            assert sample not in found, f"two series say {_text(sample)}"
            found[sample] = value
    return found


def key(name: str, labels: Iterable[tuple[str, str]]) -> Key:
    """The key of a sample; a bound is the same however it is written."""
    return name, frozenset((label, str(float(value)) if label == "le" else value) for label, value in labels)


def differences(expected: Figures, shown: Figures) -> list[str]:
    """One line for each figure that is shown otherwise than *expected*, or not at all."""
    lines = []
    for sample in sorted({*expected, *shown}, key=_text):
        right, seen = expected.get(sample, 0.0), shown.get(sample)
        if seen is None or not math.isclose(right, seen, rel_tol=RELATIVE, abs_tol=SMALLEST):
            lines.append(
                f"{_text(sample)}: the ledger says {right!r}, shown is {'nothing' if seen is None else seen!r}"
            )
    return lines


def values(figures: Figures, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The figures of *name* that are not 0, by the values of *labels*, the others summed up."""
    found: dict[tuple[str, ...], float] = {}
    for (metric, of), value in figures.items():
        if metric == name and value:
            texts = tuple(dict(of)[label] for label in labels)
            found[texts] = found.get(texts, 0.0) + value
    return found


def _text(sample: Key) -> str:
    name, labels = sample
    return f"{name}{{{', '.join(f'{label}={value}' for label, value in sorted(labels))}}}"


View: TypeAlias = Callable[[Bot], Figures]
VIEWS: Final[dict[str, View]] = {"prometheus": in_prometheus, "collector": at_the_collector}
