"""Where commands print: tables for people, JSON for programs."""

import msgspec
import typer
from rich.console import Console
from rich.table import Table

_encoder = msgspec.json.Encoder(decimal_format="number")


def console(*, to_error: bool = False) -> Console:
    """Open standard output or error: as wide as the terminal, else wide enough that no line of a table is folded."""
    terminal = Console(highlight=False, stderr=to_error)
    return terminal if terminal.is_terminal else Console(width=200, highlight=False, stderr=to_error)


def plain_table(*titles: str, title: str | None = None) -> Table:
    """Make a table without a frame."""
    return Table(*titles, title=title, title_justify="left", box=None, pad_edge=False, show_header=bool(titles))


def print_json(content: object) -> None:
    """Print *content* as one line of JSON; times are ISO 8601, Decimals are numbers with all their digits."""
    typer.echo(_encoder.encode(content).decode())


def print_exactly(content: str) -> None:
    """Print *content* as UTF-8 with its own line ends, whatever the locale."""
    typer.echo(content.encode(), nl=False)
