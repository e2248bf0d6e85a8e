"""The collector's second file: which metrics pass, and their names in Prometheus."""

import json
from decimal import Decimal
from typing import Final

from telemetry.contract import Contract, Metric

_HEAD: Final = """\
# Generated from telemetry/contract.yaml by `make generate`; do not edit. Merged with config.yaml:
#
#     otelcol --config otel-collector/config.yaml --config otel-collector/renaming.yaml
#
# filter/contract comes first. It drops every metric that is not in the contract, and every point whose type, unit
# (milliseconds are not seconds), labels or buckets differ from the contract. (OTTL cannot compare lists of bounds, so
# they are compared as JSON.) transform/contract then sets the contract's help text and the name for Prometheus.
#
# error_mode: propagate. A condition fails only for a point with a NaN among its bounds. `ignore` would treat that as no
# match and let the point pass, so the whole request is refused. Nothing is batched before, so this affects only its
# sender, which gets an error that it can count.

processors:
"""
_TYPES: Final = {
    "counter": (
        "metric.type == METRIC_DATA_TYPE_SUM and metric.is_monotonic == true",
        "metric.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE",
    ),
    "gauge": ("metric.type == METRIC_DATA_TYPE_GAUGE",),
    "histogram": (
        "metric.type == METRIC_DATA_TYPE_HISTOGRAM",
        "metric.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE",
    ),
}


def renaming(contract: Contract) -> str:
    """Write the collector's configuration of the processors filter/contract and transform/contract."""
    names = "\n        or ".join(f"metric.name == {_quoted(metric.otel)}" for metric in contract.metrics)
    return "".join(
        (
            _HEAD,
            "  filter/contract:\n    error_mode: propagate\n    metric_conditions:\n",
            f"      - >-\n        not (\n        {names}\n        )\n",
            *map(_filtered, contract.metrics),
            "\n  transform/contract:\n    error_mode: propagate\n    metric_statements:\n",
            *map(_renamed, contract.metrics),
        )
    )


def _filtered(metric: Metric) -> str:
    """Condition that is true for a point of this metric that differs from the contract."""
    required = [
        *_TYPES[metric.type],
        f"metric.unit == {_quoted(metric.unit)}",
        f"Len(datapoint.attributes) == {len(metric.labels)}",
    ]
    required += [f"datapoint.attributes[{_quoted(label)}] != nil" for label in metric.labels]
    if metric.buckets:
        bounds = ",".join(map(_number, metric.buckets))
        required.append(f"String(datapoint.explicit_bounds) == {_quoted(f'[{bounds}]')}")
    lines = "".join(f"        {'and ' if number else ''}{part}\n" for number, part in enumerate(required))
    return f"      - >-\n        metric.name == {_quoted(metric.otel)} and not (\n{lines}        )\n"


def _renamed(metric: Metric) -> str:
    # Folded blocks, since a help text may have what means something in YAML.
    return (
        f"      - conditions:\n          - metric.name == {_quoted(metric.otel)}\n"
        f"        statements:\n          - >-\n            set(metric.description, {_quoted(metric.brief)})\n"
        f"          - set(metric.name, {_quoted(metric.prometheus)})\n"
    )


def _quoted(text: str) -> str:
    """OTTL string: escaped as in Go, and `$` doubled, since the collector expands variables."""
    return json.dumps(text, ensure_ascii=False).replace("$", "$$")


def _number(number: float) -> str:
    """Write *number* as the collector's JSON does: like Python, but with an exponent less often."""
    text = repr(float(number))
    if number and not 1e-6 <= abs(number) < 1e21:
        return text
    digits = format(Decimal(text), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
