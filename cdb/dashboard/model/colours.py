"""Grafana's colours on a dark background, as #rrggbb."""

from collections.abc import Mapping
from typing import Final

COLOURS: Final[Mapping[str, str]] = {
    "green": "#73BF69",
    "yellow": "#FADE2A",
    "orange": "#FF9830",
    "red": "#F2495C",
    "blue": "#5794F2",
    "purple": "#B877D9",
}
"""The colours that are supported, by Grafana's name."""
PLAIN: Final = "#D8D9DA"
"""Of what has no colour of its own."""
FAINT: Final = "#7B7F85"
"""Of axes, frames and words beside the figures."""
BAD: Final = COLOURS["red"]
SERIES: Final = (
    *("#73BF69", "#FADE2A", "#5794F2", "#FF9830", "#F2495C", "#B877D9"),
    *("#37872D", "#56C8D8", "#FFB357", "#8AB8FF", "#E0B400", "#FF7383"),
)
"""Of series, one after the other, as in Grafana's classic palette."""


def colour(name: str) -> str:
    """Look up Grafana's colour *name*; one that is not known is plain."""
    return COLOURS.get(name, PLAIN)
