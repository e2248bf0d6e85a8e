"""The reference page: every metric, for a person with a browser."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from telemetry.contract import OWNERS, Contract, Metric

_HEAD: Final = """\
<!-- Generated from telemetry/contract.yaml by `make generate`; do not edit. -->

# Metrics

Everything the bot records: {frozen} metrics whose names, types, labels and buckets never change, since dashboards and
alerts query them, and {extensions} extensions, marked as such. All of them come from `telemetry/contract.yaml`; how to
add one is in the [README](../README.md#how-to-add-a-metric).

- The names are those that Prometheus stores and that `/metrics` of each service shows. Code creates the same metric
  under its OpenTelemetry name, with a unit in [UCUM](https://ucum.org) notation; `1` is a plain number, a word in
  braces is what is counted. Percent are percent: 5.0 is five percent.
- Prometheus adds `job` and `instance`, which say where a series is from.
- A label set that a service knows at its start is there as 0 from then on, so that `rate()` and `increase()` miss
  nothing. A value that is not listed here becomes `other`. `symbol` has the configured symbols or, where none are
  configured, the first 32 seen.
- A histogram `cdb_x` is queried as `cdb_x_bucket` (label `le`), `cdb_x_sum` and `cdb_x_count`.
- The example queries can be pasted into Prometheus: <http://localhost:19090/classic/graph>, or with containers
  <http://localhost:19090/graph>.

## Contents
"""


def metrics_page(contract: Contract) -> str:
    """Return the page in Markdown: an introduction, a table for each owner, a section for each metric."""
    extensions = sum(metric.extension for metric in contract.metrics)
    lines = [_HEAD.format(frozen=len(contract.metrics) - extensions, extensions=extensions)]
    owned = {owner: [metric for metric in contract.metrics if metric.owner == owner] for owner in OWNERS}
    for owner, metrics in owned.items():
        if metrics:
            lines += _table(owner, metrics)
    for owner, metrics in owned.items():
        if metrics:
            lines += [f"## Metrics of {_service(owner)}", ""]
        for metric in metrics:
            lines += _section(metric, contract)
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(owner: str, metrics: Iterable[Metric]) -> list[str]:
    rows = (
        f"| [{metric.prometheus}](#{metric.prometheus}) | {metric.type} | `{metric.unit}` "
        f"| {_text(metric.brief)}{' (extension)' if metric.extension else ''} |"
        for metric in metrics
    )
    heading = f"### [{_service(owner)}](#metrics-of-{_service(owner).replace(' ', '-')})"
    return [heading, "", "| name | type | unit | what it says |", "| --- | --- | --- | --- |", *rows, ""]


def _section(metric: Metric, contract: Contract) -> list[str]:
    mark = "**Extension.** " if metric.extension else ""
    lines = [
        f"### {metric.prometheus}",
        "",
        f"{mark}{_text(metric.brief)}.",
        "",
        f"- Type: {metric.type}",
        f"- Unit: `{metric.unit}`",
        f"- OpenTelemetry name: `{metric.otel}`",
        f"- Recorded by {_recorders(metric)}: {_text(metric.when[0].lower() + metric.when[1:])}",
        *_labels(metric, contract),
    ]
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
        shown = "the name of a metric" if values == names else _codes(values) or "a configured symbol"
        lines.append(f"  - `{label}`: {shown}")
    if metric.combinations:
        lines += ["- Of these there are:", *(f"  - {_combination(each)}" for each in metric.combinations)]
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
    """Return *text* with what Markdown would take for itself escaped."""
    return re.sub(r"([\\`*<|\[\]])", r"\\\1", text)
