"""Lines of text of a fixed width: what every kind of panel is made of."""

import math
import textwrap
from collections.abc import Iterable
from typing import Final, Literal

from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.model.colours import FAINT
from cdb.kit.printable import printable

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def fitted(text: str, width: int, style: str = "", align: Literal["left", "center", "right"] = "left") -> Text:
    """Make *text* exactly *width* cells wide, cut with an ellipsis where it is longer."""
    line = Text(printable(text), style, no_wrap=True)
    line.truncate(width, overflow="ellipsis")
    line.align(align, width)
    return line


def joined(parts: Iterable[Text]) -> Text:
    """Join *parts* without folding them."""
    return Text("", no_wrap=True).join(parts)


def bar(fraction: float, width: int, colour: str) -> Text:
    """Draw a bar *width* cells wide of which *fraction* (0 to 1, else cut) is filled, to the eighth of a cell."""
    share = min(max(fraction, 0.0), 1.0) if math.isfinite(fraction) else 0.0
    eighths = round(share * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    filled = "█" * full + (_EIGHTHS[rest] if rest else "")
    line = Text(filled, colour, no_wrap=True)
    line.append("·" * (width - cell_len(filled)), f"{FAINT} dim")
    return line


def middle(lines: list[Text], width: int, height: int) -> list[Text]:
    """Put *lines* in the middle of *height*."""
    above = max(0, (height - len(lines)) // 2)
    return [Text(" " * width)] * above + lines


def cut(lines: list[Text], height: int) -> list[Text]:
    """Keep at most *height* of *lines*; the last says how many are left out."""
    if len(lines) <= height:
        return lines
    kept = max(0, height - 1)
    return [*lines[:kept], Text(f"… {len(lines) - kept} more", FAINT)]


def centred(text: str, width: int, height: int, style: str) -> list[Text]:
    """Break *text* at words and put it in the middle of *width* by *height*."""
    rows = textwrap.wrap(text, width, break_long_words=False)[:height]
    return middle([fitted(row, width, style, "center") for row in rows], width, height)
