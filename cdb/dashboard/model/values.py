"""What a dashboard shows, for a script."""

from datetime import UTC, datetime
from typing import Any

from cdb.dashboard.model.ask import Snapshot
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import Answer
from cdb.dashboard.model.tables import table_of


def as_values(shown: Snapshot) -> dict[str, Any]:
    """Each panel with its figures; as JSON, a figure that is no number is null."""
    return {
        "uid": shown.dashboard.uid,
        "title": shown.dashboard.title,
        "time": datetime.fromtimestamp(shown.window.end, UTC).isoformat(),
        "range_seconds": shown.window.range_s,
        "panels": [_panel(panel, shown.answers[id(panel)]) for panel in shown.dashboard.shown],
    }


def _panel(panel: Panel, answer: Answer) -> dict[str, Any]:
    unit = panel.field_config.defaults.unit
    shown: dict[str, Any] = {"title": panel.title, "type": panel.type, "unit": unit, "error": answer.error or None}
    if panel.type == "table":
        table = table_of(panel, answer)
        return {**shown, "rows": [{name: row.get(name) for name in table.columns} for row in table.rows]}
    values = [
        {"name": one.name, "labels": dict(one.series.labels), "value": one.value, "text": one.text}
        for one in answer.fields
    ]
    return {**shown, "values": values}
