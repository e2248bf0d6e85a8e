"""Figures as tables for a terminal."""

from collections.abc import Iterator

from rich.table import Table

from cdb.kit.output import plain_table
from cdb.kit.printable import printable
from cdb.performance.figures import FIGURES_OF_A_GROUP, group_rows
from services.performance.trades import TradeFigures


def lines_table(title: str, lines: Iterator[tuple[str, str]]) -> Table:
    """A table of figures with their names, for a terminal."""
    table = plain_table(title=title)
    table.add_column()
    table.add_column(justify="right")
    for name, value in lines:
        table.add_row(name, value)
    return table


def groups_table(title: str, groups: dict[str, TradeFigures]) -> Table:
    """A table of groups, for a terminal."""
    table = plain_table(title)
    for name in FIGURES_OF_A_GROUP:
        table.add_column(name, justify="right")
    for name, *cells in group_rows(groups):
        table.add_row(printable(name), *cells)
    return table
