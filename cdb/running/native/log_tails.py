"""The last lines of a part's log, of its present start only: logs go on over many starts."""

from contextlib import suppress

from cdb.running.native.layout import Layout


def begin(layout: Layout, part: str) -> None:
    """Take notice that *part* is about to start: what its log has so far is of before."""
    with suppress(FileNotFoundError):
        layout.log_began(part).write_text(str(layout.log(part).stat().st_size), encoding="utf-8")


def tail(layout: Layout, part: str, lines: int) -> list[str]:
    """The last *lines* since the start of *part*, [] if it has said nothing."""
    try:
        said = layout.log(part).read_bytes()
    except FileNotFoundError:
        return []
    began = _began(layout, part)
    if began > len(said):  # the log was rotated meanwhile
        began = 0
    return said[began:].decode("utf-8", "replace").splitlines()[-lines:]


def _began(layout: Layout, part: str) -> int:
    try:
        return int(layout.log_began(part).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return 0
