"""What of Grafana is supported: what the committed dashboards use. All else is refused by name, not drawn wrongly."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from cdb.dashboard.model.colours import COLOURS
from cdb.dashboard.model.config import CONFIG, HANDLERS
from cdb.dashboard.model.dashboards import Defaults, Panel
from cdb.dashboard.model.look import look_of
from cdb.dashboard.model.units import UNITS

KINDS: Final = ("stat", "gauge", "bargauge", "piechart", "table", "timeseries")
_SETTINGS: Final = ("unit", "min", "max", "decimals", "thresholds", "mappings", "color", "links")
_OVERRIDES: Final = (*_SETTINGS, "custom.cellOptions", "custom.lineStyle")

_Used = Iterator[tuple[str, Iterable[str], Iterable[str]]]


class Unsupported(NamedTuple):
    """One thing in a panel that is not supported: what it is, its name, and those that are supported."""

    what: str
    name: str
    supported: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.what} {self.name!r} is not supported by cdb dashboard; supported: {', '.join(self.supported)}"


def unsupported(panel: Panel) -> tuple[Unsupported, ...]:
    """List all that `cdb dashboard` cannot draw as Grafana does."""
    try:
        used = [(what, name, tuple(known)) for what, names, known in _used(panel) for name in names]
    except msgspec.ValidationError as error:
        return (Unsupported("override", str(error), _OVERRIDES),)
    return tuple(dict.fromkeys(Unsupported(*one) for one in used if one[1] and one[1] not in one[2]))


def _used(panel: Panel) -> _Used:
    options, overrides = panel.options, panel.field_config.overrides
    yield "panel type", [panel.type], KINDS
    yield "transformation", [step.id for step in panel.transformations], ("merge", "organize", CONFIG)
    given = [mapping for step in panel.transformations for mapping in step.options.mappings]
    yield f"{CONFIG} handler key", [mapping.handler_key or "none" for mapping in given], HANDLERS
    calculations = [*options.reduce_options.calcs, *(mapping.reducer_id for mapping in given)]
    yield "calculation", calculations, ("lastNotNull",)
    yield "color mode", [options.color_mode], ("value", "background")
    yield "graph mode", [options.graph_mode], ("none",)
    yield "override for fields", [override.matcher.id for override in overrides], ("byName", "byFrameRefID")
    yield "override", [p.id for override in overrides for p in override.properties], _OVERRIDES
    yield from _in(panel.field_config.defaults)
    for name in (str(override.matcher.options) for override in overrides):
        yield from _in(look_of(panel, name, ref_id=name).settings)


def _in(settings: Defaults) -> _Used:
    mapped = [to for mapping in settings.mappings if mapping.type == "value" for to in mapping.options.values()]
    colors = [step.color for step in settings.thresholds.steps] + [to.get("color", "") for to in mapped]
    yield "unit", [settings.unit], UNITS
    yield "value mapping", [mapping.type for mapping in settings.mappings], ("value",)
    yield "color", [*colors, settings.color.fixed_color], COLOURS
    yield "color scheme", [settings.color.mode], ("thresholds", "palette-classic-by-name", "fixed")
    yield "thresholds style", [settings.custom.thresholds_style.mode], ("off", "line", "dashed")
    yield "cell type", [settings.custom.cell_options.type], ("auto", "color-text")
    yield "setting", ["displayName"] if settings.display_name else [], (*_SETTINGS, "noValue")
