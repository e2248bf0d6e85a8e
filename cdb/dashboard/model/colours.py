"""Grafana's colours on a dark ground, as #rrggbb, and those for a light one."""

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

ON_LIGHT: Final[Mapping[str, str]] = {
    "#73BF69": "#2B7A22",
    "#FADE2A": "#806000",
    "#FF9830": "#A85300",
    "#F2495C": "#C4162A",
    "#5794F2": "#1F60C4",
    "#B877D9": "#8F3BB8",
    "#37872D": "#14532D",
    "#56C8D8": "#00727F",
    "#FFB357": "#7A3E00",
    "#8AB8FF": "#3F7DD6",
    "#E0B400": "#5F5200",
    "#FF7383": "#D6456B",
    PLAIN: "#1E2126",
    FAINT: "#5C636E",
}
"""Each of the colours as it is on a light ground."""


def colour(name: str) -> str:
    """Look up Grafana's colour *name*; one that is not known is plain."""
    return COLOURS.get(name, PLAIN)
