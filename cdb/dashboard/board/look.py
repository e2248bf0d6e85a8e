"""How one field of a panel is written and coloured: defaults, what overrides change, thresholds, mappings."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from cdb.dashboard.board.colours import PLAIN, colour
from cdb.dashboard.board.units import formatted
from cdb.dashboard.model.model import Defaults, Mapping, Matcher, Panel, Thresholds

_TRAILING: Final = re.compile(r"(?<=\d)\.0+(?!\d)|(?<=\.\d)0+(?!\d)|(?<=\.\d\d)0+(?!\d)")
_OF_DEFAULTS: Final = {"unit", "min", "max", "decimals", "displayName", "noValue", "thresholds", "mappings", "color"}


@dataclass(frozen=True)
class Look:
    """The settings of one field."""

    settings: Defaults

    @property
    def name(self) -> str:
        """Return what the field is called instead of its own name, if anything."""
        return self.settings.display_name

    @property
    def low(self) -> float:
        """Return where a gauge begins."""
        return self.settings.min if self.settings.min is not None else 0.0

    @property
    def high(self) -> float:
        """Return where a gauge ends."""
        return self.settings.max if self.settings.max is not None else 100.0

    @property
    def limits(self) -> list[tuple[float, str]]:
        """Return the thresholds that have a value, rising, each with the colour from there on."""
        span = self.high - self.low
        relative = self.settings.thresholds.mode == "percentage"
        steps = [(step.value, colour(step.color)) for step in self.settings.thresholds.steps if step.value is not None]
        return [(self.low + value / 100 * span if relative else value, code) for value, code in steps]

    def text(self, value: float | None) -> str:
        """Return *value* as it is read: the word that a mapping has for it, or the figure with its unit."""
        mapped = self._mapped(value)
        if mapped and mapped.get("text"):
            return str(mapped["text"])
        return self.figure(value)

    def figure(self, value: float | None) -> str:
        """Return *value* with its unit."""
        decimals = self.settings.decimals
        return formatted(value, self.settings.unit, None if decimals is None else int(decimals))

    def short(self, value: float) -> str:
        """Return *value* with its unit and no decimals that say nothing: for axes and limits."""
        return _TRAILING.sub("", self.figure(value))

    def colour(self, value: float | None, *, otherwise: str = PLAIN) -> str:
        """Return the colour of *value* as #rrggbb: of its mapping, its threshold, or *otherwise*."""
        mapped = self._mapped(value)
        if mapped and mapped.get("color"):
            return colour(str(mapped["color"]))
        if fixed := self.fixed:
            return fixed
        if value is None or math.isnan(value) or not self.settings.thresholds.steps:
            return otherwise
        reached = [code for least, code in self.limits if value >= least]
        base = next((colour(step.color) for step in self.settings.thresholds.steps if step.value is None), otherwise)
        return reached[-1] if reached else base

    @property
    def fixed(self) -> str | None:
        """Return the colour that the field has whatever its value."""
        mode, code = self.settings.color.get("mode"), self.settings.color.get("fixedColor")
        return colour(str(code)) if mode == "fixed" and code else None

    def _mapped(self, value: float | None) -> dict[str, Any] | None:
        return next((found for mapping in self.settings.mappings for found in _results(mapping, value)), None)


def look_of(panel: Panel, name: str, ref_id: str = "") -> Look:
    """Return the settings of the field called *name* that answers the query *ref_id* of *panel*."""
    settings = panel.field_config.defaults
    for override in panel.field_config.overrides:
        if not _matches(override.matcher, name, ref_id):
            continue
        changed: dict[str, Any] = {}
        for setting in override.properties:
            if setting.id in _OF_DEFAULTS:
                changed[setting.id] = setting.value
            elif setting.id.startswith("custom."):
                custom = {**settings.custom, **changed.get("custom", {})}
                changed["custom"] = {**custom, setting.id.removeprefix("custom."): setting.value}
        settings = _changed(settings, changed)
    return Look(settings)


def _changed(settings: Defaults, changed: dict[str, Any]) -> Defaults:
    read = msgspec.convert(changed, Defaults)
    names = {"displayName": "display_name", "noValue": "no_value"}
    fields = [names.get(key, key) for key in changed]
    return msgspec.structs.replace(settings, **{field: getattr(read, field) for field in fields})


def _matches(matcher: Matcher, name: str, ref_id: str) -> bool:
    match matcher.id:
        case "byName":
            return bool(matcher.options == name)
        case "byRegexp":
            return re.search(str(matcher.options).strip("/"), name) is not None
        case "byFrameRefID":
            return bool(matcher.options == ref_id)
        case _:
            return False


def _results(mapping: Mapping, value: float | None) -> Iterator[dict[str, Any]]:
    """Yield what *mapping* shows instead of *value*."""
    match mapping.type:
        case "value" if value is not None and not math.isnan(value):
            for text, result in mapping.options.items():
                if _is_number(text) and float(text) == value:
                    yield result
        case "range" if value is not None:
            low, high = mapping.options.get("from"), mapping.options.get("to")
            if (low is None or value >= low) and (high is None or value <= high):
                yield mapping.options["result"]
        case "special":
            missing = value is None or math.isnan(value)
            kinds = {"null": value is None, "nan": value is not None and missing, "null+nan": missing}
            if kinds.get(str(mapping.options.get("match")), False):
                yield mapping.options["result"]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def without_thresholds(look: Look) -> Look:
    """Return *look* for a series that has its own colour instead of its values'."""
    return replace(look, settings=msgspec.structs.replace(look.settings, thresholds=Thresholds()))
