"""What a frame shows, for a script."""

import math
from datetime import UTC, datetime
from typing import Any

from cdb.dashboard.board import table
from cdb.dashboard.board.answers import Answer, reduced
from cdb.dashboard.board.frame import Frame
from cdb.dashboard.board.look import look_of
from cdb.dashboard.model.model import Panel


def as_values(frame: Frame) -> dict[str, Any]:
    """Return each panel with its figures; a figure that is no number is null."""
    return {
        "uid": frame.dashboard.uid,
        "title": frame.dashboard.title,
        "time": datetime.fromtimestamp(frame.window.end, UTC).isoformat(),
        "range_seconds": frame.window.range_s,
        "panels": [_panel(panel, frame.answers.get(panel.id, Answer())) for panel in frame.dashboard.shown],
    }


def _panel(panel: Panel, answer: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "title": panel.title,
        "type": panel.type,
        "unit": panel.field_config.defaults.unit,
        "error": answer.error or None,
    }
    if panel.type == "table":
        rows, names = table.arranged(panel, answer)
        return {**shown, "rows": [{name: _number(row.get(name)) for name in names} for row in rows]}
    values = []
    for series in answer.series:
        look, value = look_of(panel, series.name, series.ref_id), reduced(panel, series)
        name = look.name or series.name
        values.append({"name": name, "labels": dict(series.labels), "value": _number(value), "text": look.text(value)})
    return {**shown, "values": values}


def _number(value: str | float | None) -> str | float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
