"""Save a frame as a picture."""

import io
import re
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from cdb.board.frame import Frame, printed

_FONTS: Final = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
_THEME: Final = TerminalTheme(
    (17, 18, 23),
    (216, 217, 218),
    [(17, 18, 23), (242, 73, 92), (115, 191, 105), (250, 222, 42), (87, 148, 242), (184, 119, 217), (86, 200, 216)]
    + [(216, 217, 218)],
)


def svg(frame: Frame, *, width: int) -> str:
    """Return *frame*, *width* cells wide, as SVG that loads nothing from elsewhere."""
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
    return console.export_svg(
        title=f"cdb dashboard {frame.dashboard.uid.removeprefix('cdb-')}",
        theme=_THEME,
        code_format=_FONTS.sub("", CONSOLE_SVG_FORMAT),
        unique_id=frame.dashboard.uid,
    )
