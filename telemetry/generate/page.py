"""The reference page docs/metrics.md: every metric, for people."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from telemetry.contract import Contract, Metric
from telemetry.generate.stock_names import stock_names

_HEAD: Final = """\
<!-- Generated from telemetry/contract.yaml by `make generate`; do not edit. -->

# Metrics

All metrics of the bot. Dashboards and alerts query {frozen} of them, whose names, types, labels and buckets never
change. The other {extensions} are marked as extensions. All come from `telemetry/contract.yaml`; the
[README](../README.md#how-to-add-a-metric) says how to add one.

- Prometheus and `/metrics` of each service show these names. Code creates each metric under its OpenTelemetry name.
- Units are in [UCUM](https://ucum.org) notation: `1` is a plain number, a word in braces is what is counted. With the
  unit `%`, 5.0 is five percent.
- What win rate, Sharpe ratio and the like are is defined in [figures](figures.md).
- Prometheus adds `job` and `instance`: the service that a series comes from.
- A service shows its known label sets as 0 from its start, so that `rate()` and `increase()` miss nothing; what is
  absent without a value is not shown before. A value that is not listed here becomes `other`. An open label, such as
  `symbol`, has the configured values or, without any, the first 32 seen.
- In the [reference mode](reference-mode.md) a service's own `/metrics` has the names that OpenTelemetry derives; where
  they differ, they are named here. Prometheus has the contract's all the same.
- Query a histogram `cdb_x` as `cdb_x_bucket` (label `le`), `cdb_x_sum` and `cdb_x_count`.
- Paste an example query into Prometheus: <http://localhost:19090/graph>.

## Contents
"""


def metrics_page(contract: Contract) -> str:
    """Write the page in Markdown: an introduction, a table for each owner, a section for each metric."""
    extensions = sum(metric.extension for metric in contract.metrics)
    lines = [_HEAD.format(frozen=len(contract.metrics) - extensions, extensions=extensions)]
    owned = {owner: [metric for metric in contract.metrics if metric.owner == owner] for owner in contract.owners}
    derived = stock_names(contract)
    for owner, metrics in owned.items():
        if metrics:
            lines += _table(owner, metrics)
    for owner, metrics in owned.items():
        if metrics:
            lines += [f"## Metrics of {_service(owner)}", ""]
        for metric in metrics:
            lines += _section(metric, contract, derived[metric.prometheus])
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(owner: str, metrics: Iterable[Metric]) -> list[str]:
    rows = (
        f"| [{metric.prometheus}](#{metric.prometheus}) | {metric.type} | `{metric.unit}` "
        f"| {_text(metric.brief)}{' (extension)' if metric.extension else ''} |"
        for metric in metrics
    )
    heading = f"### [{_service(owner)}](#metrics-of-{_service(owner).replace(' ', '-')})"
    return [heading, "", "| name | type | unit | meaning |", "| --- | --- | --- | --- |", *rows, ""]


def _section(metric: Metric, contract: Contract, derived: str) -> list[str]:
    mark = "**Extension.** " if metric.extension else ""
    lines = [
        f"### {metric.prometheus}",
        "",
        f"{mark}{_text(metric.brief)}.",
        "",
        f"- Type: {metric.type}",
        f"- Unit: `{metric.unit}`",
        f"- OpenTelemetry name: `{metric.otel}`"
        + (f"; in the reference mode's `/metrics`: `{derived}`" if derived != metric.prometheus else ""),
        f"- Recorded by {_recorders(metric)}: {_text(metric.when[0].lower() + metric.when[1:])}",
        *_labels(metric, contract),
    ]
    if metric.absent:
        lines.append("- Absent while there is no value")
    if metric.buckets:
        lines.append(f"- Buckets: {_codes(f'{bound:.15g}' for bound in metric.buckets)}, `+Inf`")
    return [*lines, "", "```promql", metric.query, "```", ""]


def _labels(metric: Metric, contract: Contract) -> list[str]:
    if not metric.labels:
        return ["- Labels: none"]
    names = tuple(other.prometheus for other in contract.metrics)
    lines = ["- Labels:"]
    for label in metric.labels:
        values = metric.values[label]
        shown = "the name of a metric" if values == names else _codes(values) or "open: what is configured"
        lines.append(f"  - `{label}`: {shown}")
    if metric.combinations:
        lines += ["- Label sets:", *(f"  - {_combination(each)}" for each in metric.combinations)]
    return lines


def _combination(combination: Mapping[str, str]) -> str:
    labels = ", ".join(f'{label}="{value}"' for label, value in combination.items() if label != "service")
    return f"`{{{labels}}}`" + (f" in {combination['service']}" if "service" in combination else "")


def _service(owner: str) -> str:
    return "every service" if owner == "all" else f"cdb_{owner}"


def _recorders(metric: Metric) -> str:
    named = dict.fromkeys(combination.get("service", "") for combination in metric.combinations)
    return ", ".join(named) if metric.owner == "all" and named and all(named) else _service(metric.owner)


def _codes(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _text(text: str) -> str:
    """Escape the characters that mean something in Markdown."""
    return re.sub(r"([\\`*<|\[\]])", r"\\\1", text)
