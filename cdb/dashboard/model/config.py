"""Limits that a panel takes from a query: Grafana's transformation `configFromData` ("Config from query results").

Grafana 13 reads the first series of the query `configRefId` instead of drawing it. It looks the series' name up in
`mappings` and makes its newest value a setting of every other series (of those that match `applyTo`): `min`, `max`, or
with `threshold1` the only threshold above the panel's base. Such a setting replaces the panel's; overrides replace it.
If the query has no answer, the panel's own settings stay. If only this query has one, it is drawn like any series.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.dashboards import Panel, Step, Thresholds, TransformationOptions
from cdb.dashboard.model.look import matches

CONFIG: Final = "configFromData"
THRESHOLD: Final = "threshold1"
HANDLERS: Final = (THRESHOLD, "max", "min")
"""Of Grafana's handler keys, those that are supported."""


def configured(panel: Panel, series: Sequence[Series]) -> tuple[Series, ...]:
    """Take out of *series* those that are settings, and give them to the others."""
    for step in panel.transformations:
        source = next((one for one in series if one.ref_id == step.options.config_ref_id), None)
        if step.id == CONFIG and source is not None:
            given, to = _settings(source, step.options), step.options.apply_to
            series = [
                replace(one, config={**one.config, **given}) if not to or matches(to, one.name, one.ref_id) else one
                for one in series
                if one is not source or len(series) == 1
            ]
    return tuple(series)


def _settings(source: Series, options: TransformationOptions) -> Mapping[str, Any]:
    mapping = next((one for one in options.mappings if one.field_name == source.name), None)
    key, value = mapping.handler_key if mapping else source.name.lower(), source.last
    if key not in HANDLERS or math.isnan(value):
        return {}
    if key != THRESHOLD:
        return {key: value}
    colour = mapping.handler_arguments.get("threshold", {}).get("color", "red") if mapping else "red"
    return {"thresholds": Thresholds(steps=(Step(color=colour, value=value),))}
