"""A copy of the committed configuration, with one mistake made in it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.paths import ROOT

CONTRACT: Final = "telemetry/contract.yaml"
ALERTS: Final = "monitoring/prometheus/rules/alerts.yml"
NAMES: Final = "monitoring/prometheus/rules/old_names.yml"
OTHER_METRICS: Final = "monitoring/other_metrics.yaml"
TRADING: Final = "monitoring/dashboards/json/cdb-trading-overview.json"
RISK: Final = "monitoring/dashboards/json/cdb-risk-alerts.json"
HEALTH: Final = "monitoring/dashboards/json/cdb-system-health.json"
ACCOUNT: Final = "monitoring/dashboards/json/cdb-account-performance.json"

Change = Callable[[Path], None]
"""Makes a mistake in the copy in the given folder."""
Json = dict[str, Any]


def copy_project(folder: Path) -> Path:
    """Copy all that `cdb check` reads into *folder*; returns *folder*."""
    shutil.copytree(ROOT / "monitoring", folder / "monitoring", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "telemetry").mkdir()
    shutil.copy(ROOT / CONTRACT, folder / CONTRACT)
    return folder


@dataclass(frozen=True)
class Replaced:
    """Replaces *old* by *new*, only the first one if *once*. Fails if there is no *old*."""

    file: str
    old: str
    new: str
    once: bool = True

    def __call__(self, root: Path) -> None:
        file = root / self.file
        text = file.read_text(encoding="utf-8")
        assert self.old in text, f"{self.file} has no {self.old!r} any more"
        file.write_text(text.replace(self.old, self.new, 1 if self.once else -1), encoding="utf-8")


@dataclass(frozen=True)
class OfPanel:
    """Changes the JSON of one panel; fails if *change* has no effect."""

    file: str
    title: str
    change: Callable[[Json], object]

    def __call__(self, root: Path) -> None:
        file = root / self.file
        board = json.loads(file.read_text(encoding="utf-8"))
        panels = [panel for panel in board["panels"] if panel["title"] == self.title]
        assert len(panels) == 1, f"{self.file} has no panel {self.title!r} any more"
        before = json.dumps(panels)
        self.change(panels[0])
        assert json.dumps(panels) != before, f"nothing of {self.title!r} was changed"
        file.write_text(json.dumps(board), encoding="utf-8")


def query(file: str, title: str, old: str, new: str) -> OfPanel:
    """Replace *old* by *new* in the queries of a panel."""

    def change(panel: Json) -> None:
        for target in panel["targets"]:
            target["expr"] = target["expr"].replace(old, new)

    return OfPanel(file, title, change)


def defaults(file: str, title: str, **settings: Any) -> OfPanel:
    """Set entries of a panel's fieldConfig.defaults."""
    return OfPanel(file, title, lambda panel: panel["fieldConfig"]["defaults"].update(settings))


def without(file: str, title: str, *keys: str) -> OfPanel:
    """Remove *keys* from a panel."""
    return OfPanel(file, title, lambda panel: [panel.pop(key) for key in keys])
