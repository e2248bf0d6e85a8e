"""`cdb dashboard`: Grafana's dashboards in the terminal."""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from cdb.dashboard.board import live
from cdb.dashboard.board.frame import Frame, printed
from cdb.dashboard.board.picture import svg
from cdb.dashboard.model.ask import Snapshot, Window, ask, since_first
from cdb.dashboard.model.dashboards import Dashboard, DashboardError, load_dashboards
from cdb.dashboard.model.values import as_values
from cdb.dashboard.model.variables import choices
from cdb.kit.failures import AWAY, exit_codes, fail
from cdb.kit.paths import ROOT
from cdb.kit.prometheus import Prometheus, PrometheusAway, QueryRefused
from cdb.running.addresses import prometheus_url
from cdb.stack.command import JsonOption

_PREFIX: Final = "cdb-"
_SPAN: Final = re.compile(r"(\d+)\s*(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_S: Final = 14 * 86_400
_USUAL_S: Final = 900.0
_REFRESH_S: Final = 10.0


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(dashboard)


def dashboard(
    name: Annotated[str | None, typer.Argument(help="Which one, as its uid with or without cdb-; none: list.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one frame and end.")] = False,
    since: Annotated[
        str | None, typer.Option(help="How far back charts go: 30s, 15m, 6h, 2d. Without it: 15m, or all there is.")
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="Only this symbol; may be repeated. Without it: all.")
    ] = None,
    width: Annotated[int | None, typer.Option(min=40, max=500, help="Columns; as the terminal without it.")] = None,
    file: Annotated[Path | None, typer.Option("--svg", help="Save one frame as a picture in this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a dashboard of Grafana's, from the same JSON, in the terminal.

    Asks the running stack's Prometheus, anew at the dashboard's own rate. Keys: q or Ctrl-C leaves; arrows, page up
    and page down scroll where the terminal is too low. A panel that fails says why in its place.

    Exit code: 0 shown, 1 NAME or another argument is wrong, 3 Prometheus does not answer.

    Example: cdb dashboard trading-overview --since 1h
    """
    boards = _boards()
    if name is None:
        _list(boards, as_json=as_json)
        return
    if as_json and file:
        raise typer.BadParameter("a frame is either --json or an --svg picture")
    board = _called(name, boards)
    range_s = None if since is None else _seconds(since)
    console = Console(width=width)
    with _prometheus() as prometheus:
        choice = _choice(board, symbol or [], prometheus)

        def now() -> Snapshot:
            end = time.time()
            window = Window(end, range_s or since_first(prometheus, end, _USUAL_S), choice)
            return ask(board, window, prometheus)

        if as_json:
            typer.echo(json.dumps(as_values(now())))
        elif file is not None:
            file.write_text(svg(Frame(now()), width=console.width), encoding="utf-8")
            typer.echo(f"wrote {file}")
        elif once or not console.is_terminal:
            _print(Frame(now()), console)
        else:
            live.watch(console, lambda: Frame(now()), refresh_s=_refresh_s(board))


def _print(frame: Frame, console: Console) -> None:
    console.print(frame.head(console.width))
    console.print(printed(frame.lines(console)), end="")


def _refresh_s(board: Dashboard) -> float:
    found = _SPAN.fullmatch(board.refresh)
    return float(int(found[1]) * _SECONDS[found[2]]) if found else _REFRESH_S


def _boards() -> list[Dashboard]:
    try:
        return list(load_dashboards(ROOT).values())
    except DashboardError as error:
        fail(str(error))


def _list(boards: list[Dashboard], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"name": _short(board), "uid": board.uid, "title": board.title} for board in boards]))
        return
    table = Table("name", "title", "every", box=None, pad_edge=False)
    for board in boards:
        table.add_row(_short(board), board.title, board.refresh)
    Console().print(table)
    typer.echo(f"\nLook at one: cdb dashboard {_short(boards[0])}" if boards else "there is no dashboard", err=True)


def _called(name: str, boards: list[Dashboard]) -> Dashboard:
    known = {_short(board): board for board in boards}
    wanted = name.removeprefix(_PREFIX)
    if wanted not in known:
        near = get_close_matches(wanted, known, n=1, cutoff=0.4)
        guess = f"; did you mean {near[0]}?" if near else ""
        fail(f"no dashboard is called {name!r:.60}: there are {', '.join(known)}{guess}")
    return known[wanted]


def _short(board: Dashboard) -> str:
    return board.uid.removeprefix(_PREFIX)


def _seconds(text: str) -> float:
    found = _SPAN.fullmatch(text.strip())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 30 <= seconds <= _LONGEST_S:
        fail(f"--since {text!r:.40}: a time from 30s to 14d is allowed, as in 15m, 6h or 2d")
    return float(seconds)


def _choice(board: Dashboard, symbols: list[str], prometheus: Prometheus) -> dict[str, tuple[str, ...]]:
    """Return the chosen values of the variables, each of which Prometheus must know."""
    if not symbols:
        return {}
    if not any(variable.name == "symbol" for variable in board.variables):
        fail(f"--symbol: {_short(board)} has no variable of that name")
    known = choices(board, lambda selector, label: prometheus.label_values(label, selector)).get("symbol", ())
    if unknown := [name for name in symbols if name not in known]:
        fail(f"--symbol: {', '.join(unknown)} has no series: there are {', '.join(known) or 'none'}")
    return {"symbol": tuple(symbols)}


@contextmanager
def _prometheus() -> Iterator[Prometheus]:
    """Yield the client of the operator's Prometheus; end the command with one line if it does not answer."""
    with exit_codes(), Prometheus(prometheus_url(ROOT, os.environ)) as prometheus:
        try:
            prometheus.query("vector(1)")
            yield prometheus
        except PrometheusAway as error:
            fail(f"{error}. Is the stack running? `make up` starts it, `make status` shows it", code=AWAY)
        except QueryRefused as error:
            fail(f"Prometheus refuses: {error}")
