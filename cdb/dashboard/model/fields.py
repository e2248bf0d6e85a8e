"""What a panel shows: its series, each with the settings that it has in this panel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.colours import COLOURS, SERIES
from cdb.dashboard.model.config import configured
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.look import Look, look_of

NO_DATA: Final = "No data"


@dataclass(frozen=True)
class Field:
    """One series and how it looks."""

    series: Series
    look: Look
    place: int = 0
    """Among the panel's series."""
    free_colour: str = SERIES[0]
    """Colour that no other series of the panel has, as long as there are enough."""
    alone_by_threshold: bool = False
    """Whether only this series of the panel has the colours of thresholds."""

    @property
    def name(self) -> str:
        """Name as the legend has it."""
        return self.series.name

    @property
    def value(self) -> float:
        """Newest value, NaN without one: the calculation lastNotNull."""
        return self.series.last

    @property
    def text(self) -> str:
        """Newest value as it is read."""
        return self.look.text(self.value)

    @property
    def colour(self) -> str:
        """Colour of the newest value."""
        return self.look.colour(self.value)

    @property
    def own_colour(self) -> str:
        """Colour of the series whatever its value."""
        return self.look.fixed or self.free_colour

    def curve_colour(self, value: float) -> str:
        """Colour of *value* in a chart: its threshold's if the panel says so and no other curve has such colours."""
        return self.look.colour(value) if self.alone_by_threshold else self.own_colour


@dataclass(frozen=True)
class Answer:
    """What a panel shows, or in *error* why it shows nothing."""

    fields: tuple[Field, ...] = ()
    error: str = ""

    @property
    def empty(self) -> bool:
        """Tell whether there is no figure to show."""
        return all(math.isnan(field.value) for field in self.fields)


def said(panel: Panel, answer: Answer) -> str:
    """What stands in place of the picture: why there is none, or nothing if there is one."""
    return answer.error or (panel.field_config.defaults.no_value or NO_DATA if answer.empty else "")


def answered(panel: Panel, series: Sequence[Series]) -> Answer:
    """Give *series*, the answers to all queries of *panel*, the panel's settings."""
    shown = configured(panel, series)
    looks = [look_of(panel, one.name, ref_id=one.ref_id, config=one.config) for one in shown]
    by_threshold = [place for place, look in enumerate(looks) if look.settings.color.mode == "thresholds"]
    free = _free_colours(looks)
    return Answer(
        tuple(
            Field(one, look, place, free[place % len(free)], by_threshold == [place])
            for place, (one, look) in enumerate(zip(shown, looks, strict=True))
        )
    )


def _free_colours(looks: Sequence[Look]) -> list[str]:
    """Colours that no series is given by its look. Blue, which does not judge, comes first where areas are filled."""
    free = [code for code in SERIES if code not in {look.fixed for look in looks}] or [*SERIES]
    filled = any(look.settings.custom.fill_opacity for look in looks)
    return sorted(free, key=lambda code: code != COLOURS["blue"]) if filled else free
