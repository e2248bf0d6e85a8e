"""Show a stack: progress while it starts, and tables of what runs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cdb.kit.figures import seconds
from cdb.running.native.config import StackConfig
from cdb.running.native.readiness import PartStatus
from cdb.running.native.stack import Progress
from cdb.stack.building import BUILDING

_SAY_EVERY_S: Final = 30.0


@contextmanager
def progress(console: Console) -> Iterator[Progress]:
    """Show how parts come up: a table that fills on a terminal, else a line for what is new."""
    watch = _Watch()
    if not console.is_terminal:
        yield lambda parts: _print_news(console, watch, parts)
        return
    with Live(console=console, refresh_per_second=8) as live:
        yield lambda parts: live.update(watch.table(parts))


class _Watch:
    """Remember when each part became ready, and when it was last said how far its program is."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self.ready_after: dict[str, float] = {}
        self._said_at: dict[str, float] = {}

    def elapsed(self) -> float:
        return time.monotonic() - self._begin

    def update(self, parts: tuple[PartStatus, ...]) -> list[PartStatus]:
        """Note the parts that became ready since the last look, and give them."""
        news = [part for part in parts if part.ready and part.name not in self.ready_after]
        self.ready_after.update((part.name, self.elapsed()) for part in news)
        return news

    def still_built(self, parts: tuple[PartStatus, ...]) -> list[PartStatus]:
        """Give the parts that are being built and of which nothing was said for a while."""
        due = [
            part
            for part in parts
            if part.state == BUILDING and self.elapsed() >= self._said_at.get(part.name, -_SAY_EVERY_S) + _SAY_EVERY_S
        ]
        self._said_at.update((part.name, self.elapsed()) for part in due)
        return due

    def table(self, parts: tuple[PartStatus, ...]) -> Table:
        self.update(parts)
        table = Table(box=None, pad_edge=False, show_header=False)
        for part in parts:
            elapsed = self.ready_after[part.name] if part.ready else self.elapsed()
            table.add_row(
                part.name, _mark(part), f"{elapsed:5.1f} s", Text("" if part.ready else part.health.detail, "dim")
            )
        return table


def _mark(part: PartStatus) -> Text:
    if part.ready:
        return Text("ready", "green")
    return Text("building", "cyan") if part.state == BUILDING else Text("waiting", "yellow")


def _print_news(console: Console, watch: _Watch, parts: tuple[PartStatus, ...]) -> None:
    for part in watch.update(parts):
        console.print(f"{part.name:<18} ready {watch.elapsed():6.1f} s", highlight=False, markup=False)
    for part in watch.still_built(parts):
        console.print(f"{part.name:<18} {part.health.detail}", highlight=False, markup=False)


def addresses(config: StackConfig) -> Table:
    """Make a table of what answers where."""
    table = Table("part", "address", title="Claire de Binare is running", title_justify="left")
    for part in config.parts:
        if part.address:
            later = "; not built yet" if part.unbuilt() else ""
            table.add_row(part.name, part.address.format(port=config.ports.of(part.ports[0])) + later)
    return table


def health(parts: tuple[PartStatus, ...]) -> Table:
    """Make a table of the parts with their health."""
    table = Table("part", "pid", "health", "state", "uptime", "problem")
    for part in parts:
        mark = _health(part)
        pid, since = (str(part.pid), seconds(part.uptime)) if part.pid else ("", "")
        table.add_row(part.name, pid, mark, part.state, since, Text("" if part.ready else part.health.detail))
    return table


def _health(part: PartStatus) -> Text:
    if not part.ready:
        return Text("unhealthy", "red")
    return Text(part.health.detail or "healthy", "green")
