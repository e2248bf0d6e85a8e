"""Files that an option names and a command writes."""

from pathlib import Path
from typing import Final

from cdb.kit.errors import USAGE, in_words
from cdb.kit.failures import fail

STANDARD_OUTPUT: Final = Path("-")


def check_place(option: str, file: Path | None) -> None:
    """End the command if no file can be where *option* says; before the work, so that it is not lost."""
    if file is None or file == STANDARD_OUTPUT:
        return
    if not file.absolute().parent.is_dir():
        fail(f"{option} {file}: there is no directory {file.absolute().parent}", code=USAGE)
    if file.is_dir():
        fail(f"{option} {file} is a directory: give the name of a file", code=USAGE)


def write_file(option: str, file: Path, content: str) -> str:
    """Write *content* as it is; give what went wrong, for what else there is to show must not be lost by it."""
    try:
        file.write_text(content, encoding="utf-8", newline="")
    except OSError as error:
        return f"{option}: {in_words(error)}"
    return ""
