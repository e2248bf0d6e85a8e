"""Grafana's colours for a terminal."""

import re
from typing import Final

_SHADES: Final[dict[str, tuple[str, ...]]] = {
    # super-light, light, as it is, semi-dark, dark
    "green": ("#C8F2C2", "#96D98D", "#73BF69", "#56A64B", "#37872D"),
    "yellow": ("#FFF899", "#FFEE52", "#FADE2A", "#F2CC0C", "#E0B400"),
    "orange": ("#FFCB7D", "#FFB357", "#FF9830", "#FF780A", "#FA6400"),
    "red": ("#FFA6B0", "#FF7383", "#F2495C", "#E02F44", "#C4162A"),
    "blue": ("#C0D8FF", "#8AB8FF", "#5794F2", "#3274D9", "#1F60C4"),
    "purple": ("#DEB6F2", "#CA95E5", "#B877D9", "#A352CC", "#8F3BB8"),
}
_ORDER: Final = ("super-light-", "light-", "", "semi-dark-", "dark-")
_NAMED: Final = {
    **{f"{shade}{hue}": code for hue, codes in _SHADES.items() for shade, code in zip(_ORDER, codes, strict=True)},
    "gray": "#8E8E8E",
    "grey": "#8E8E8E",
    "white": "#FFFFFF",
    "black": "#000000",
}
_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")
PLAIN: Final = "#D8D9DA"
"""Of what has no colour of its own."""
FAINT: Final = "#7B7F85"
"""Of axes, frames and words beside the figures."""
GOOD: Final = _NAMED["green"]
BAD: Final = _NAMED["red"]
SERIES: Final = (
    *("#73BF69", "#FADE2A", "#5794F2", "#FF9830", "#F2495C", "#B877D9"),
    *("#37872D", "#56C8D8", "#FFB357", "#8AB8FF", "#E0B400", "#FF7383"),
)
"""Of series, one after the other, as in Grafana's classic palette."""


def colour(name: str) -> str:
    """Return Grafana's colour *name* as #rrggbb; one that is not known is plain."""
    if _HEX.fullmatch(name):
        return name
    return _NAMED.get(name, PLAIN)


def rgb(code: str) -> tuple[int, int, int]:
    """Return the parts of #rrggbb, 0 to 255 each."""
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)
