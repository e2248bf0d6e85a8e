"""Save a frame as a picture."""

import io
import re
from typing import Final

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from cdb.dashboard.board.frame import Frame, printed

_FONTS: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_BACKGROUND: Final = (17, 18, 23)
_TEXT: Final = (216, 217, 218)
_THEME: Final = TerminalTheme(_BACKGROUND, _TEXT, [_TEXT] * 8)  # all the rest has a colour of its own


def svg(frame: Frame, *, width: int) -> str:
    """Draw *frame*, *width* cells wide, as SVG that loads nothing from elsewhere."""
    console = Console(
        record=True,
        width=width,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    console.print(frame.head(width))
    console.print(printed(frame.lines(console)), end="")
    name = frame.shown.dashboard.uid
    drawn = console.export_svg(title=f"cdb dashboard {name.removeprefix('cdb-')}", theme=_THEME, unique_id=name)
    return _FONTS.sub("", drawn)
