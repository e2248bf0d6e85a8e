"""Check what a dashboard's panels say: names, places, units, thresholds, links."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cdb.check.alerts import unknown_dashboards, unknown_runbooks
from cdb.check.findings import Fault, nearest
from cdb.check.project import Project
from cdb.check.shapes import Shape
from cdb.check.units import GRAFANA, Bounds, Unit, insane
from cdb.dashboard.model.config import CONFIG, HANDLERS, THRESHOLD
from cdb.dashboard.model.dashboards import Dashboard, DataSource, Panel, Query, TransformationOptions
from cdb.dashboard.model.supported import unsupported

_FIELD: Final = re.compile(r"\$\{__field\.labels\.(\w+)\}")
_LEGEND: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_UNITLESS: Final = {"text", "row", "alertlist", "news"}

Shapes = Sequence[tuple[Query, Shape]]


def of_dashboard(dashboard: Dashboard) -> Iterator[tuple[str, Fault]]:
    """Yield what is wrong with how the panels of *dashboard* are told apart and placed, after the panel's title."""
    for what in ("id", "title"):
        counted = Counter(getattr(panel, what) for panel in dashboard.shown)
        for panel in dashboard.shown:
            if counted[getattr(panel, what)] > 1:
                yield panel.title, Fault(f"another panel has the {what} {getattr(panel, what)!r} too")
    for one, other in itertools.combinations(dashboard.shown, 2):
        if _overlap(one, other):
            yield one.title, Fault(f"lies over the panel {other.title!r}")


def of_panel(panel: Panel, shapes: Shapes, project: Project) -> Iterator[Fault]:
    """Yield what is wrong with *panel*, whose queries return *shapes*."""
    if not panel.title.strip():
        yield Fault("has no title")
    if not panel.description.strip():
        yield Fault("has no description")
    if panel.type not in _UNITLESS and not panel.field_config.defaults.unit:
        yield Fault("has no unit")
    if not panel.targets and panel.type not in _UNITLESS:
        yield Fault("has no query")
    yield from (Fault(str(refused), nearest(refused.name, refused.supported)) for refused in unsupported(panel))
    for options in (step.options for step in panel.transformations if step.id == CONFIG):
        yield from (Fault(f"{CONFIG}: {said}", right) for said, right in _config(panel, options, shapes))
    yield from _data_sources(panel, project)
    yield from _links(panel, shapes, project)
    yield from _legends(shapes)
    yield from _thresholds(panel)
    if panel.type == "table":
        yield from _columns(panel, shapes)
        return
    for query, shape in shapes:
        yield from _unit(query, shape, panel.field_config.defaults.unit)
        yield from _limits(panel, shape)


def _overlap(one: Panel, other: Panel) -> bool:
    a, b = one.grid_pos, other.grid_pos
    return a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h


def _data_sources(panel: Panel, project: Project) -> Iterator[Fault]:
    asked = {(query.datasource or panel.datasource or DataSource()).uid for query in panel.targets}
    for uid in sorted(asked - project.data_sources):
        if uid:
            yield Fault(f"there is no data source {uid}", nearest(uid, project.data_sources))
        else:
            yield Fault("asks without the uid of a data source", ", ".join(sorted(project.data_sources)))


def _config(panel: Panel, options: TransformationOptions, shapes: Shapes) -> Iterator[tuple[str, str]]:
    """Yield why Grafana would not find the settings that a query gives, or would not apply them."""
    found = {query.ref_id: (query, shape) for query, shape in shapes if not query.hide}
    if options.config_ref_id not in found:
        yield f"there is no query {options.config_ref_id}", nearest(options.config_ref_id, found)
        return
    query, shape = found[options.config_ref_id]
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
            yield (
                f"query {query.ref_id} has no field {mapping.field_name!r}: its legend is the name",
                query.legend_format,
            )
        if mapping.handler_key not in HANDLERS:
            key = mapping.handler_key or ""
            yield f"handler key {key!r} is not supported; supported: {', '.join(HANDLERS)}", nearest(key, HANDLERS)
        if mapping.reducer_id != "lastNotNull":
            yield f"calculation {mapping.reducer_id!r} is not supported; supported: lastNotNull", "lastNotNull"
    thresholds = panel.field_config.defaults.thresholds
    based = thresholds.mode == "absolute" and any(step.value is None for step in thresholds.steps)
    if not based and any(mapping.handler_key == THRESHOLD for mapping in options.mappings):
        yield f"{THRESHOLD} shows no limit where the panel has no base threshold in mode absolute", ""


def _links(panel: Panel, shapes: Shapes, project: Project) -> Iterator[Fault]:
    own = panel.field_config.defaults.links
    overridden = [p.value for over in panel.field_config.overrides for p in over.properties if p.id == "links"]
    addresses = [link.url for link in panel.links] + [str(link.get("url", "")) for link in own] + [str(overridden)]
    for address in addresses:
        yield from unknown_dashboards(address, project)
        yield from unknown_runbooks(address, project)
        for label in _FIELD.findall(address):
            if not any(shape.has(label) for _, shape in shapes):
                there = {name for _, shape in shapes for name in shape.labels}
                yield Fault(f"its link asks for the label {label}", nearest(label, there))


def _legends(shapes: Shapes) -> Iterator[Fault]:
    for query, shape in shapes:
        for label in _LEGEND.findall(query.legend_format):
            if not shape.has(label):
                said = f"query {query.ref_id}: its legend asks for the label {label}"
                yield Fault(said, nearest(label, shape.labels))


def _thresholds(panel: Panel) -> Iterator[Fault]:
    """Yield limits that the panel's own unit makes senseless."""
    defaults = panel.field_config.defaults
    unit = GRAFANA.get(defaults.unit)
    steps = [step.value for step in defaults.thresholds.steps if step.value is not None]
    if defaults.thresholds.mode == "absolute":
        for value in steps:
            if why := insane(value, unit, None):
                yield Fault(f"has the threshold {value:g}, but {why}")
    if steps != sorted(steps):
        yield Fault(f"its thresholds do not rise: {', '.join(f'{value:g}' for value in steps)}")
    if defaults.max is not None and unit and unit.same(Unit("ratio", 100)) and defaults.max <= 1:
        yield Fault(f"ends at {defaults.max:g}, but the value is in {unit}")
    if defaults.max is not None and unit and unit.same(Unit("ratio")) and defaults.max > 10:
        yield Fault(f"ends at {defaults.max:g}, but the value is in {unit}")


def _limits(panel: Panel, shape: Shape) -> Iterator[Fault]:
    """Yield thresholds that what the panel asks for never reaches."""
    bounds: Bounds | None = shape.bounds
    thresholds = panel.field_config.defaults.thresholds
    if bounds is None or thresholds.mode != "absolute":
        return
    for step in thresholds.steps:
        if step.value is not None and (why := insane(step.value, None, bounds)):
            yield Fault(f"has the threshold {step.value:g}, but {why}")


def _unit(query: Query, shape: Shape, shown: str) -> Iterator[Fault]:
    wanted = GRAFANA.get(shown)
    if wanted and shape.unit and not wanted.same(shape.unit):
        right = next((name for name, unit in GRAFANA.items() if unit.same(shape.unit)), "")
        yield Fault(f"query {query.ref_id} returns {shape.unit}, shown in {shown}", right)


def _columns(panel: Panel, shapes: Shapes) -> Iterator[Fault]:
    """Yield settings for columns that the table does not have, or in another unit than its column's."""
    renamed = _renamed(panel)
    values = {renamed.get(name, name): one for one in shapes for name in (f"Value #{one[0].ref_id}", "Value")}
    labels = {renamed.get(label, label) for _, shape in shapes for label in (*shape.labels, "Time")}
    for override in panel.field_config.overrides:
        if override.matcher.id != "byName":
            continue
        column = str(override.matcher.options)
        if column not in labels | values.keys() and not any(shape.anything for _, shape in shapes):
            yield Fault(f"has no column {column!r}", nearest(column, labels | values.keys()))
        for setting in override.properties:
            if setting.id == "unit" and column in values:
                query, shape = values[column]
                yield from _unit(query, shape, str(setting.value))


def _renamed(panel: Panel) -> Mapping[str, Any]:
    return {
        name: shown
        for step in panel.transformations
        if step.id == "organize"
        for name, shown in step.options.rename_by_name.items()
    }
