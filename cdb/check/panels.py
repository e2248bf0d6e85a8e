"""Check what a dashboard's panels say: names, places, units, thresholds, links."""

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from typing import Final

from cdb.check.alerts import dead_links
from cdb.check.findings import Fault, nearest
from cdb.check.project import Project
from cdb.check.shapes import Shape
from cdb.check.units import GRAFANA, Bounds, Unit, insane
from cdb.dashboard.model.config import CONFIG, HANDLERS, THRESHOLD
from cdb.dashboard.model.dashboards import Dashboard, Panel, Query, TransformationOptions
from cdb.dashboard.model.supported import unsupported

_FIELD: Final = re.compile(r"\$\{__field\.labels\.(\w+)\}")
_LEGEND: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ENDS: Final[dict[Unit | None, Bounds]] = {Unit("ratio", 100): (1, math.inf), Unit("ratio"): (-math.inf, 10)}

Shapes = Sequence[tuple[Query, Shape]]


def of_dashboard(dashboard: Dashboard) -> Iterator[tuple[str, Fault]]:
    """Yield panels that share an id, a title or a place, each as title and fault."""
    for what in ("id", "title"):
        names = [getattr(panel, what) for panel in dashboard.shown]
        for panel, name in zip(dashboard.shown, names, strict=True):
            if names.count(name) > 1:
                yield panel.title, Fault(f"another panel has the {what} {name!r} too")
    for one, other in itertools.combinations(dashboard.shown, 2):
        a, b = one.grid_pos, other.grid_pos
        if a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h:
            yield one.title, Fault(f"lies over the panel {other.title!r}")


def of_panel(panel: Panel, shapes: Shapes, project: Project) -> Iterator[Fault]:
    """Yield the faults of *panel*, whose queries return *shapes*."""
    needed = {"title": panel.title, "description": panel.description, "unit": panel.field_config.defaults.unit}
    for what, given in {**needed, "query": panel.targets}.items():
        if not given:
            yield Fault(f"has no {what}")
    yield from (Fault(str(refused), nearest(refused.name, refused.supported)) for refused in unsupported(panel))
    for options in (step.options for step in panel.transformations if step.id == CONFIG):
        yield from (Fault(f"{CONFIG}: {said}", right) for said, right in _config(panel, options, shapes))
    asked = {query.datasource.uid or panel.datasource.uid for query in panel.targets}
    for uid in sorted(asked - project.data_sources):
        yield Fault(f"there is no data source {uid or 'without a uid'}", nearest(uid, project.data_sources))
    yield from _links(panel, shapes, project)
    for query, shape in shapes:
        for label in _LEGEND.findall(query.legend_format):
            yield from _no_label(f"query {query.ref_id}: its legend asks", label, shape)
    yield from _limits(panel, shapes)
    if not panel.field_config.defaults.no_value:
        for query in (query for query, shape in shapes if shape.absent):
            said = f"query {query.ref_id} returns nothing before its metric has a value, and the panel does not say so"
            yield Fault(said, 'noValue "not enough data"')
    if panel.type == "table":
        yield from _columns(panel, shapes)
    else:
        yield from (fault for one in shapes for fault in _unit(*one, panel.field_config.defaults.unit))


def _no_label(who: str, label: str, *shapes: Shape) -> Iterator[Fault]:
    if not any(shape.has(label) for shape in shapes):
        yield Fault(f"{who} for the label {label}", nearest(label, {name for shape in shapes for name in shape.labels}))


def _config(panel: Panel, options: TransformationOptions, shapes: Shapes) -> Iterator[tuple[str, str]]:
    """Yield why Grafana would not find, or not apply, the settings that a query gives."""
    found = {query.ref_id: (query, shape) for query, shape in shapes if not query.hide}
    if options.config_ref_id not in found:
        yield f"there is no query {options.config_ref_id}", nearest(options.config_ref_id, found)
        return
    query, shape = found[options.config_ref_id]
    if panel.transformations[0].id != CONFIG:
        yield "it must come before merge and organize", ""
    if query.format == "table":
        yield f"query {query.ref_id} has the format table", "time_series"
    if several := [name for name, values in shape.labels.items() if values is None or len(values) > 1]:
        yield (
            f"query {query.ref_id} may return several series ({', '.join(several)}); only the first is read",
            "max(...)",
        )
    if not options.mappings:
        yield "it has no mappings, so nothing is set", ", ".join(HANDLERS)
    for mapping in options.mappings:
        if mapping.field_name != query.legend_format:
            said = f"query {query.ref_id} has no field {mapping.field_name!r}: its legend is the name"
            yield said, query.legend_format
    thresholds = panel.field_config.defaults.thresholds
    based = thresholds.mode == "absolute" and any(step.value is None for step in thresholds.steps)
    if not based and any(mapping.handler_key == THRESHOLD for mapping in options.mappings):
        yield f"{THRESHOLD} shows no limit where the panel has no base threshold in mode absolute", ""


def _links(panel: Panel, shapes: Shapes, project: Project) -> Iterator[Fault]:
    own = panel.field_config.defaults.links
    overridden = [p.value for over in panel.field_config.overrides for p in over.properties if p.id == "links"]
    for address in [*(link.url for link in (*panel.links, *own)), str(overridden)]:
        yield from dead_links(address, project)
        for label in _FIELD.findall(address):
            yield from _no_label("its link asks", label, *(shape for _, shape in shapes))


def _limits(panel: Panel, shapes: Shapes) -> Iterator[Fault]:
    """Yield thresholds and ends that the value never reaches, or that are in another unit."""
    defaults, thresholds = panel.field_config.defaults, panel.field_config.defaults.thresholds
    unit = GRAFANA.get(defaults.unit)
    steps = [step.value for step in thresholds.steps if step.value is not None]
    bounds = [shape.bounds for _, shape in shapes if shape.bounds and panel.type != "table"]
    for value in steps if thresholds.mode == "absolute" else ():
        for why in dict.fromkeys((insane(value, unit, None), *(insane(value, None, one) for one in bounds))):
            if why:
                yield Fault(f"has the threshold {value:g}, but {why}")
    if steps != sorted(steps):
        yield Fault(f"its thresholds do not rise: {', '.join(f'{value:g}' for value in steps)}")
    low, high = _ENDS.get(unit, (-math.inf, math.inf))
    if defaults.max is not None and not low < defaults.max <= high:
        yield Fault(f"ends at {defaults.max:g}, but the value is in {unit}")


def _unit(query: Query, shape: Shape, shown: str) -> Iterator[Fault]:
    wanted = GRAFANA.get(shown)
    if wanted and shape.unit and not wanted.same(shape.unit):
        right = next((name for name, unit in GRAFANA.items() if unit.same(shape.unit)), "")
        yield Fault(f"query {query.ref_id} returns {shape.unit}, shown in {shown}", right)


def _columns(panel: Panel, shapes: Shapes) -> Iterator[Fault]:
    """Yield settings for columns that do not exist, and wrong units of columns."""
    renamed = {old: new for step in panel.transformations for old, new in step.options.rename_by_name.items()}
    values = {renamed.get(name, name): one for one in shapes for name in (f"Value #{one[0].ref_id}", "Value")}
    known = {renamed.get(label, label) for _, shape in shapes for label in (*shape.labels, "Time")} | values.keys()
    for override in panel.field_config.overrides:
        column = str(override.matcher.options)
        if override.matcher.id != "byName":
            continue
        if column not in known and not any(shape.anything for _, shape in shapes):
            yield Fault(f"has no column {column!r}", nearest(column, known))
        for setting in override.properties:
            if setting.id == "unit" and column in values:
                yield from _unit(*values[column], str(setting.value))
