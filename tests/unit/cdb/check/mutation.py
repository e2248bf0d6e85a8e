"""What a mistake in a dashboard, an alert or a rule is, and how to make one in a panel."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.copies import RISK, Change, Json, OfPanel


@dataclass(frozen=True)
class Mutation:
    """One mistake: the finding is in *file*, at a place with *place*, with *fault* and the right name *nearest*."""

    name: str
    change: Change
    file: str
    place: str
    fault: str
    nearest: str = ""


def steps(*values: float | None) -> Json:
    """Thresholds as Grafana has them."""
    return {"mode": "absolute", "steps": [{"color": "green", "value": value} for value in values]}


def target(file: str, title: str, **settings: Any) -> OfPanel:
    """Set something of a panel's first query."""
    return OfPanel(file, title, lambda panel: panel["targets"][0].update(settings))


def of(key: str, change: Callable[[Any], object], title: str, file: str = RISK) -> OfPanel:
    """Change what a panel has at *key*."""
    return OfPanel(file, title, lambda panel: change(panel[key]))


def panel_of(title: str) -> str:
    """How the checker names a panel."""
    return f"panel {title!r}"


def set_unit(panel: Json, unit: str) -> None:
    """Show in *unit* the columns of a table that are in percent."""
    for override in panel["fieldConfig"]["overrides"]:
        for setting in override["properties"]:
            if setting["id"] == "unit" and setting["value"] == "percent":
                setting["value"] = unit
