"""What a panel shows: its series, each with the settings that it has in this panel."""

from collections.abc import Sequence
from dataclasses import dataclass

from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.config import configured
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.look import Look, look_of


@dataclass(frozen=True)
class Field:
    """One series and how it looks."""

    series: Series
    look: Look

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


@dataclass(frozen=True)
class Answer:
    """What a panel shows, or in *error* why it shows nothing."""

    fields: tuple[Field, ...] = ()
    error: str = ""

    @property
    def empty(self) -> bool:
        """Tell whether there is no figure to show."""
        return all(field.value != field.value for field in self.fields)


def answered(panel: Panel, series: Sequence[Series]) -> Answer:
    """Give *series*, the answers to all queries of *panel*, the panel's settings."""
    return Answer(
        tuple(
            Field(one, look_of(panel, one.name, ref_id=one.ref_id, config=one.config))
            for one in configured(panel, series)
        )
    )
