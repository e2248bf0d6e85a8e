"""`cdb dashboard`: Grafana's dashboards in the terminal."""

import time
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cdb.dashboard.board import live
from cdb.dashboard.board.frame import Frame, printed
from cdb.dashboard.board.picture import svg
from cdb.dashboard.model.ask import Snapshot, Window, ask, since_first
from cdb.dashboard.model.dashboards import Dashboard, load_dashboards
from cdb.dashboard.model.values import as_values
from cdb.dashboard.model.variables import choices
from cdb.kit.failures import complain, exit_codes, fail
from cdb.kit.help import MONITORING
from cdb.kit.options import JsonOption, duration
from cdb.kit.output import console, plain_table, print_json
from cdb.kit.paths import ROOT
from cdb.kit.prometheus import Prometheus
from cdb.running.stack import running_stack
from services import durations

_PREFIX: Final = "cdb-"
_SHORTEST: Final = timedelta(seconds=30)
_LONGEST: Final = timedelta(days=14)
_USUAL_S: Final = 900.0
_REFRESH_S: Final = 10.0


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(rich_help_panel=MONITORING)(dashboard)


def dashboard(
    name: Annotated[
        str | None,
        typer.Argument(help="Dashboard name (the prefix cdb- is optional). If omitted, all dashboards are listed."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print once and exit.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Time range of the charts, 30s to 14d. Default: 15m, or less if Prometheus has no older data.",
        ),
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(metavar="SYMBOL", help="Show only this symbol. Repeatable. Default: all.")
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(metavar="N", min=40, max=500, help="Width in columns. Default: the terminal's width."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Save the dashboard as an SVG image to this file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show one of Grafana's dashboards in the terminal.

    The command reads the dashboard's JSON and queries Prometheus at the dashboard's refresh interval.
    A panel whose query fails shows the error.
    Keys: q or Ctrl-C quits; arrow keys, Page Up and Page Down scroll.

    Exit code: 0 shown, 1 no such dashboard or symbol,
    2 invalid option, 3 Prometheus did not answer.

    Example: cdb dashboard trading-overview --since 1h
    """
    found = load_dashboards(ROOT)
    for path, why in found.refused.items():
        complain(f"{path.name} is not a dashboard and is left out: {why}")
    boards = list(found.read.values())
    if name is None:
        _list(boards, as_json=as_json)
        return
    if as_json and file:
        raise typer.BadParameter("use --json or --svg, not both")
    board = _called(name, boards)
    range_s = duration("--since", since, least=_SHORTEST, most=_LONGEST).total_seconds() if since else None
    terminal = Console(width=width)
    with exit_codes(), running_stack().prometheus as prometheus:
        prometheus.query("vector(1)")  # ends the command here if nothing answers
        choice = _choice(board, symbol or [], prometheus)

        def now() -> Snapshot:
            end = time.time()
            window = Window(end, range_s or since_first(prometheus, end, _USUAL_S), choice)
            return ask(board, window, prometheus)

        if as_json:
            print_json(as_values(now()))
        elif file is not None:
            file.write_text(svg(Frame(now()), width=terminal.width), encoding="utf-8")
            typer.echo(f"wrote {file}")
        elif once or not terminal.is_terminal:
            _print(Frame(now()), terminal)
        else:
            live.watch(terminal, lambda: Frame(now()), refresh_s=_refresh_s(board))


def _print(frame: Frame, terminal: Console) -> None:
    terminal.print(frame.head(terminal.width))
    terminal.print(printed(frame.lines(terminal)), end="")


def _refresh_s(board: Dashboard) -> float:
    try:
        return durations.parse(board.refresh).total_seconds()
    except durations.BadDuration:
        return _REFRESH_S


def _list(boards: list[Dashboard], *, as_json: bool) -> None:
    if as_json:
        print_json([{"name": _short(board), "uid": board.uid, "title": board.title} for board in boards])
        return
    table = plain_table("name", "title", "refresh")
    for board in boards:
        table.add_row(_short(board), board.title, board.refresh)
    console().print(table)
    typer.echo(f"\nShow one: cdb dashboard {_short(boards[0])}" if boards else "There are no dashboards.", err=True)


def _called(name: str, boards: list[Dashboard]) -> Dashboard:
    known = {_short(board): board for board in boards}
    wanted = name.removeprefix(_PREFIX)
    if wanted not in known:
        near = get_close_matches(wanted, known, n=1, cutoff=0.4)
        guess = f"; did you mean {near[0]}?" if near else ""
        fail(f"there is no dashboard {name!r:.60}; available: {', '.join(known)}{guess}")
    return known[wanted]


def _short(board: Dashboard) -> str:
    return board.uid.removeprefix(_PREFIX)


def _choice(board: Dashboard, symbols: list[str], prometheus: Prometheus) -> dict[str, tuple[str, ...]]:
    if not symbols:
        return {}
    if not any(variable.name == "symbol" for variable in board.variables):
        fail(f"--symbol: {_short(board)} cannot be filtered by symbol")
    known = choices(board, lambda selector, label: prometheus.label_values(label, selector)).get("symbol", ())
    if unknown := [name for name in symbols if name not in known]:
        fail(f"--symbol: {', '.join(unknown)} has no data; available: {', '.join(known) or 'none'}")
    return {"symbol": tuple(symbols)}
