"""Python modules made from the contract: typed instruments, and this process's metrics as attributes."""

from typing import Final

from telemetry.contract import Contract, Metric

_HEAD: Final = "Generated from contract.yaml by `python -m telemetry.generate`; do not edit."
_WIDTH: Final = 120
_HELPERS: Final = (
    "record_signal",
    "record_risk_decision",
    "record_violation",
    "record_trade",
    "update_drawdown",
    "update_exposure",
    "update_pnl",
    "update_positions",
    "set_circuit_breaker",
    "set_health_status",
    "measure_signal_processing",
    "measure_risk_decision",
    "measure_order_execution",
)


def instruments_source(contract: Contract) -> str:
    """Write the module with the typed instruments."""
    lines = [
        f'"""Typed instruments, one for each metric.\n\n{_HEAD}\n"""',
        "",
        "from typing import TYPE_CHECKING",
        "",
        "from telemetry.families import MISSING, H, Labelled, LabelValue",
        "from telemetry.recorder import Recorder",
        "",
        "",
    ]
    for labels in dict.fromkeys(metric.labels for metric in contract.metrics if metric.labels):
        lines += [*_face(labels), "", ""]
    lines += ["class Instruments:", '    """All metrics of the contract, by name."""', ""]
    lines += ["    def __init__(self, recorder: Recorder) -> None:"]
    for metric in contract.metrics:
        lines += _made(metric)
    return "\n".join(lines) + "\n"


def metrics_source(contract: Contract) -> str:
    """Write the module that has the process's own metrics as attributes."""
    names = sorted((*_HELPERS, *(metric.attribute for metric in contract.metrics)))
    lines = [
        f'"""This process\'s metrics, as the handbook calls them: `from telemetry import metrics`.\n\n{_HEAD}\n"""',
        "",
        "from telemetry.setup import CONTENT_TYPE, METRICS, get_metrics",
        "",
        "__all__ = [",
        *(f'    "{name}",' for name in ("CONTENT_TYPE", "METRICS", *sorted(("get_metrics", *names)))),
        "]",
        "",
        *(f"{name} = METRICS.{name}" for name in names),
    ]
    return "\n".join(lines) + "\n"


def _face(labels: tuple[str, ...]) -> list[str]:
    typed = ", ".join(f"{label}: LabelValue" for label in labels)
    defaults = ", ".join(f"{label}=MISSING" for label in labels)
    names = ", ".join(labels)
    key = names if len(labels) > 1 else f"({names},)"
    quoted = ", ".join(f'"{label}"' for label in labels) + ("," if len(labels) == 1 else "")
    return [
        f"class {_face_name(labels)}(Labelled[H]):",
        f'    """A metric by {", ".join(label.replace("_", " ") for label in labels)}."""',
        "",
        f"    label_names = ({quoted})",
        "",
        "    if TYPE_CHECKING:",
        "",
        f"        def labels(self, *, {typed}) -> H:",
        '            """Handle of this label set. Raises LabelError if a label is wrong or missing."""',
        "",
        "    else:",
        "",
        f"        def labels(self, *, {defaults}, **wrong):",
        "            if wrong:",
        "                raise self._refuse(wrong)",
        "            try:",
        f"                return self._bound[{key}]",
        "            except KeyError:",
        f"                return self._bind({names})",
    ]


def _face_name(labels: tuple[str, ...]) -> str:
    return "By" + "".join(word.capitalize() for label in labels for word in label.split("_"))


def _made(metric: Metric) -> list[str]:
    family = f'recorder.{metric.type}("{metric.prometheus}")'
    made = f"{_face_name(metric.labels)}({family})" if metric.labels else f"{family}.only()"
    line = f"        self.{metric.attribute} = {made}"
    if len(line) <= _WIDTH:
        return [line]
    return [f"        self.{metric.attribute} = {_face_name(metric.labels)}(", f"            {family}", "        )"]
