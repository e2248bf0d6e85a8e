"""How a field of a panel is written and coloured: its settings, thresholds and value mappings."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cdb.dashboard.model.colours import PLAIN, colour
from cdb.dashboard.model.dashboards import Custom, Defaults, Matcher, Panel, Thresholds
from cdb.dashboard.model.units import formatted
from services.decoding import prepared

_TRAILING: Final = re.compile(r"(?<=\d)\.0+(?!\d)|(?<=\.\d)0+(?!\d)|(?<=\.\d\d)0+(?!\d)")


@dataclass(frozen=True)
class Look:
    """The settings of one field."""

    settings: Defaults

    @property
    def low(self) -> float:
        """Lower end of a gauge."""
        return self.settings.min if self.settings.min is not None else 0.0

    @property
    def high(self) -> float:
        """Upper end of a gauge."""
        return self.settings.max if self.settings.max is not None else 100.0

    @property
    def limits(self) -> list[tuple[float, str]]:
        """Thresholds above the base, each with its colour; percentages become values of the gauge's range."""
        relative, span = self.settings.thresholds.mode == "percentage", self.high - self.low
        steps = [(step.value, colour(step.color)) for step in self.settings.thresholds.steps[1:]]
        return [(self.low + at / 100 * span if relative else at, code) for at, code in steps if at is not None]

    @property
    def lines(self) -> list[tuple[float, str]]:
        """Those limits that a chart draws as lines."""
        return self.limits if self.settings.custom.thresholds_style.mode not in {"", "off"} else []

    def text(self, value: float | None) -> str:
        """Word that a mapping has for *value*, or the panel if there is none; else the figure with its unit."""
        if self.settings.no_value and (value is None or math.isnan(value)):
            return self.settings.no_value
        return str(self._mapped(value).get("text") or formatted(value, self.settings.unit, self.settings.decimals))

    def short(self, value: float) -> str:
        """Figure with its unit, without trailing zeros: for axes and limits."""
        return _TRAILING.sub("", formatted(value, self.settings.unit, self.settings.decimals))

    def colour(self, value: float | None) -> str:
        """Colour as #rrggbb of the value's mapping, the field's own, or of the threshold that *value* has reached."""
        if mapped := self._mapped(value).get("color"):
            return colour(str(mapped))
        steps = self.settings.thresholds.steps
        if self.fixed or value is None or math.isnan(value) or not steps:
            return self.fixed or PLAIN
        reached = [code for least, code in self.limits if value >= least]
        return reached[-1] if reached else colour(steps[0].color)

    @property
    def fixed(self) -> str | None:
        """Colour that the field has whatever its value."""
        color = self.settings.color
        return colour(color.fixed_color) if color.mode == "fixed" and color.fixed_color else None

    def _mapped(self, value: float | None) -> Mapping[str, Any]:
        key = "" if value is None else f"{value:g}"
        return next((found.options[key] for found in self.settings.mappings if key in found.options), {})


def look_of(panel: Panel, name: str, *, ref_id: str = "", config: Mapping[str, Any] | None = None) -> Look:
    """Lay over the panel's settings those that a query gives (*config*), and over both the overrides for *name*."""
    settings = _configured(panel.field_config.defaults, config or {})
    for override in panel.field_config.overrides:
        if matches(override.matcher, name, ref_id):
            changed = {setting.id: setting.value for setting in override.properties}
            custom = {key.removeprefix("custom."): changed.pop(key) for key in [*changed] if key.startswith("custom.")}
            read = msgspec.convert({**changed, "custom": custom}, prepared(Defaults))
            own = {field: getattr(read, field) for field in changed if hasattr(read, field)}
            settings = msgspec.structs.replace(settings, **own, custom=_laid_over(settings.custom, read.custom, custom))
    return Look(settings)


def _configured(defaults: Defaults, config: Mapping[str, Any]) -> Defaults:
    """Lay *config* over *defaults* as Grafana does: new thresholds keep only the base of the old, if both are absolute.

    A minimum above the maximum changes places with it.
    """
    settings = msgspec.structs.replace(defaults, **config)
    if "thresholds" in config and defaults.thresholds.mode == "absolute":
        base = tuple(step for step in defaults.thresholds.steps if step.value is None)
        settings = msgspec.structs.replace(settings, thresholds=Thresholds(steps=base + settings.thresholds.steps))
    if settings.min is not None and settings.max is not None and settings.min > settings.max:
        settings = msgspec.structs.replace(settings, min=settings.max, max=settings.min)
    return settings


def _laid_over(settings: Custom, read: Custom, given: Iterable[str]) -> Custom:
    """Replace in *settings* what is *given*, by the names of the JSON, by that of *read*."""
    fields = [field.name for field in msgspec.structs.fields(Custom) if field.encode_name in given]
    return msgspec.structs.replace(settings, **{name: getattr(read, name) for name in fields})


def matches(matcher: Matcher, name: str, ref_id: str) -> bool:
    """Tell whether *matcher* is for the field *name* that answers the query *ref_id*."""
    return bool(matcher.options == {"byName": name, "byFrameRefID": ref_id}.get(matcher.id, ...))
