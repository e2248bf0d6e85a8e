"""`cdb alerts`: what fires, and what was told to whom."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from cdb.alerts.alerts import Alerts, Firing, Received, as_json, inhibitors, look
from cdb.kit.failures import AWAY, exit_codes, fail
from cdb.kit.printable import cut, printable
from cdb.running.stack import running_stack
from cdb.stack import view
from cdb.stack.command import JsonOption
from services.clock import WallClock, to_datetime

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_STYLES: Final = {"critical": "bold red", "warning": "yellow", "info": "blue"}
_LONGEST: Final = 90


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(alerts)


def alerts(
    since: Annotated[
        str | None, typer.Option(help="Only notifications since then: 90s, 15m, 2h, 7d, or 2026-11-23T10:00:00Z.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show at most so many notifications, the newest.")] = 20,
    as_json_: JsonOption = False,
) -> None:
    """Show which alerts fire now, and the notifications that the local receiver has kept, newest first.

    An alert that fires is a state, not a failure. Exit code: 0 shown, 3 Alertmanager or the receiver did not answer.

    Example: cdb alerts --since 2h
    """
    now = to_datetime(WallClock().now_ns())
    begin = _moment(since, now) if since is not None else None
    with exit_codes():
        found = look(running_stack().ports, limit=limit, since=begin)
    if as_json_:
        typer.echo(msgspec.json.encode(as_json(found)).decode())
    else:
        _show(found, now)
    if found.problems:
        fail(f"{'; '.join(found.problems)}: `cdb status` shows what runs", code=AWAY)


def _moment(text: str, now: datetime) -> datetime:
    if span := re.fullmatch(r"([0-9]{1,5})([smhd])", text):
        return now - timedelta(seconds=int(span[1]) * _UNITS[span[2]])
    moment: datetime | None = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
    if moment is None or moment.tzinfo is None:
        raise typer.BadParameter(f"--since {text!r:.80} must be such as 90s, 15m, 2h, 7d or 2026-11-23T10:00:00Z")
    return moment


def _show(found: Alerts, now: datetime) -> None:
    console = view.console()
    if found.firing:
        console.print(_firing_table(found.firing, now))
    elif found.firing is not None:
        typer.echo("Nothing fires.")
    if found.received:
        console.print(_received_table(found.received))
        if found.total > len(found.received):
            typer.echo(f"{found.total:,} notifications are kept; --limit and --since choose among them.")
    elif found.received is not None:
        typer.echo("No notification was received." if not found.total else "No notification since then.")


def _firing_table(firing: list[Firing], now: datetime) -> Table:
    table = Table("severity", "alert", "of", "since (UTC)", "for", "told", "summary", box=None, pad_edge=False)
    table.title, table.title_justify = "Firing now", "left"
    for one in firing:
        held = inhibitors(one, firing)
        told = f"no, follows from {', '.join(held)}" if held else "no, silenced" if one.status.silenced_by else "yes"
        lasted = view.duration(max(0.0, (now - one.starts_at).total_seconds()))
        when = (_stamp(one.starts_at), lasted, printable(told))
        table.add_row(*_who(one.labels), *when, _summary(one.annotations))
    return table


def _received_table(received: list[Received]) -> Table:
    table = Table("received (UTC)", "", "severity", "alert", "of", "lasted", "summary", box=None, pad_edge=False)
    table.title, table.title_justify = "Received by the local receiver", "left"
    for one in received:
        mark = Text(one.status, "red" if one.status == "firing" and one.ended_at is None else "green")
        lasted = view.duration((one.ended_at - one.starts_at).total_seconds()) if one.ended_at else ""
        table.add_row(_stamp(one.received_at), mark, *_who(one.labels), lasted, _summary(one.annotations))
    return table


def _who(labels: dict[str, str]) -> tuple[Text, Text, Text]:
    severity = labels.get("severity", "")
    of = labels.get("service") or labels.get("symbol") or labels.get("component", "")
    shown = [Text(cut(printable(text), 40)) for text in (severity, labels.get("alertname", ""), of)]
    shown[0].stylize(_STYLES.get(severity, ""))
    return shown[0], shown[1], shown[2]


def _summary(annotations: dict[str, str]) -> Text:
    return Text(cut(printable(annotations.get("summary", "")), _LONGEST))


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
