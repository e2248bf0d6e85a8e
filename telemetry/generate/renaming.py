"""The collector's second file: what may pass it, and under which name Prometheus gets that."""

import json
from decimal import Decimal
from typing import Final

from telemetry.contract import Contract, Metric

_HEAD: Final = """\
# Generated from telemetry/contract.yaml by `make generate`; do not edit. Merged with config.yaml:
#
#     otelcol --config otel-collector/config.yaml --config otel-collector/renaming.yaml
#
# filter/contract comes first and lets pass only what is in the contract: metrics by their dotted names, and of these
# the points that have the contract's type and unit (milliseconds are not seconds), exactly its labels and its buckets.
# (OTTL has no equality for a list of bounds, so they are compared as JSON.) transform/contract then gives them the
# contract's help text and the names that Prometheus knows.
#
# error_mode: propagate. The only points on which a condition fails are those with a NaN among their bounds. `ignore`
# would take the failure for no match and let such a point pass; so the request is refused instead. That is its sender's
# own request only, since nothing is batched before, and the sender gets an error that it can count.

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
    """Return the collector's configuration file with the processors filter/contract and transform/contract."""
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
    """Return the condition that is true for a point under this metric's name which is not as the contract says."""
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
    """Return an OTTL string: escaped as in Go, and for the collector, to which a dollar sign announces a variable."""
    return json.dumps(text, ensure_ascii=False).replace("$", "$$")


def _number(number: float) -> str:
    """Return *number* as the collector's JSON writes it: like Python, but with an exponent for fewer numbers."""
    text = repr(float(number))
    if number and not 1e-6 <= abs(number) < 1e21:
        return text
    digits = format(Decimal(text), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
