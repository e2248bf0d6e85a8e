"""What of Grafana is supported: what the committed dashboards use. All else is refused by name, not drawn wrongly."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from cdb.dashboard.model.config import CONFIG
from cdb.dashboard.model.dashboards import Override, Panel
from cdb.dashboard.model.units import UNITS

KINDS: Final = ("stat", "gauge", "bargauge", "piechart", "table", "timeseries")
_SETTINGS: Final = ("unit", "min", "max", "decimals", "thresholds", "mappings", "color", "links")
_CUSTOM: Final = ("custom.cellOptions", "custom.lineStyle")


class Unsupported(NamedTuple):
    """One thing in a panel that is not supported: what it is, its name, and those that are supported."""

    what: str
    name: str
    supported: Iterable[str]

    def __str__(self) -> str:
        return f"{self.what} {self.name!r} is not supported by cdb dashboard; supported: {', '.join(self.supported)}"


def unsupported(panel: Panel) -> Iterator[Unsupported]:
    """Yield all that `cdb dashboard` cannot draw as Grafana does."""
    for what, used, known in _used(panel):
        for name in dict.fromkeys(used):
            if name and name not in known:
                yield Unsupported(what, name, known)


def _used(panel: Panel) -> Iterator[tuple[str, Iterable[str], Iterable[str]]]:
    defaults, options, overrides = panel.field_config.defaults, panel.options, panel.field_config.overrides
    yield "panel type", [panel.type], KINDS
    yield "unit", [defaults.unit, *_overridden(overrides, "unit")], tuple(UNITS)
    yield "transformation", [step.id for step in panel.transformations], ("merge", "organize", CONFIG)
    yield "value mapping", [mapping.type for mapping in defaults.mappings], ("value",)
    yield "calculation", options.get("reduceOptions", {}).get("calcs", ()), ("lastNotNull",)
    yield "color mode", [options.get("colorMode", "")], ("value", "background")
    yield "graph mode", [options.get("graphMode", "")], ("none",)
    yield "color scheme", [defaults.color.get("mode", "")], ("thresholds", "palette-classic-by-name", "fixed")
    yield "thresholds style", [defaults.custom.get("thresholdsStyle", {}).get("mode", "")], ("off", "line", "dashed")
    yield "cell type", [cell.get("type", "") for cell in _cells(panel)], ("auto", "color-text")
    yield "override for fields", [override.matcher.id for override in overrides], ("byName", "byFrameRefID")
    yield "override", [p.id for override in overrides for p in override.properties], (*_SETTINGS, *_CUSTOM)
    yield "setting", ["displayName"] if defaults.display_name else [], _SETTINGS
    yield "setting", ["noValue"] if defaults.no_value else [], _SETTINGS


def _cells(panel: Panel) -> list[Any]:
    own = panel.field_config.defaults.custom.get("cellOptions", {})
    return [own, *_overridden(panel.field_config.overrides, "custom.cellOptions")]


def _overridden(overrides: Iterable[Override], setting: str) -> list[Any]:
    return [p.value for override in overrides for p in override.properties if p.id == setting]
