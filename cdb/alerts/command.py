"""`cdb alerts`: which alerts fire, and which notifications were sent."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import typer
from rich.table import Table
from rich.text import Text

from cdb.alerts import trial
from cdb.alerts.alerts import Alerts, Firing, Received, as_json, inhibitors, look, past, subject
from cdb.kit.errors import AWAY, USAGE
from cdb.kit.failures import exit_codes, fail
from cdb.kit.figures import moment, seconds
from cdb.kit.help import MONITORING
from cdb.kit.http_client import HttpClient
from cdb.kit.options import JsonOption
from cdb.kit.output import console, plain_table, print_json
from cdb.kit.printable import cut, printable
from cdb.running.stack import running_stack
from services import durations
from services.clock import WallClock, to_datetime

_STYLES: Final = {"critical": "bold red", "warning": "yellow", "info": "blue"}
_LONGEST: Final = 90
_WITHIN_S: Final = 45.0
_RECEIVERS: Final = {
    "webhook": ("console", ""),
    "slack": ("Slack", "set CDB_SLACK_WEBHOOK_URL; for critical and warning"),
    "email": ("e-mail", "set CDB_SMTP_SMARTHOST; for critical"),
}
_LONGEST_BACK: Final = timedelta(days=3650)


group = typer.Typer()


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(group, name="alerts", rich_help_panel=MONITORING)


@group.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only notifications since this time: a duration (15m, 2h, 7d) or a timestamp (2026-11-23T10:00:00Z).",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Show at most the newest N notifications.")
    ] = 20,
    as_json_: JsonOption = False,
) -> None:
    """Show alerts that fire or are suppressed, and those sent before (newest first).

    Alertmanager says what fires now; the others come from the console. Each alert is listed once. A firing
    alert does not change the exit code.

    Exit code: 0 shown, 2 invalid option, 3 Alertmanager or the console did not answer.

    Example: cdb alerts --since 2h
    """
    if context.invoked_subcommand is not None:
        return
    now = to_datetime(WallClock().now_ns())
    begin = _begin(since, now) if since is not None else None
    with _servers() as (alertmanager, receiver):
        found = look(alertmanager, receiver, limit=limit, since=begin)
    if as_json_:
        print_json(as_json(found))
    else:
        _show(found, now)
    if found.problems:
        fail(f"{'; '.join(found.problems)}; `cdb status` shows what runs", code=AWAY)


@group.command("test")
def send_test(
    severity: Annotated[
        Literal["critical", "warning", "info"],
        typer.Option(help="Severity of the test alert. E-mail is sent for critical ones, Slack for warnings too."),
    ] = "critical",
    as_json_: JsonOption = False,
) -> None:
    """Send a test notification to the console and, if they are set up, to Slack and by e-mail.

    The test alert ends by itself after a minute. Says for each receiver whether the notification was delivered, which
    takes about 10 s.

    Exit code: 0 all delivered, 1 at least one was not, 3 Alertmanager or the console did not answer.

    Example: cdb alerts test --severity warning
    """
    now = to_datetime(WallClock().now_ns())
    with _servers() as (alertmanager, receiver):
        made = trial.follow(alertmanager, receiver, severity=severity, now=now, within_s=_WITHIN_S)
    if as_json_:
        print_json({"alertname": made.alertname, "outcomes": made.outcomes})
    else:
        console().print(_outcome_table(made.outcomes))
    if any(outcome != "delivered" for outcome in made.outcomes.values()):
        fail(f"{made.alertname} was not delivered everywhere: the log of Alertmanager says why")


@contextmanager
def _servers() -> Iterator[tuple[HttpClient, HttpClient]]:
    with exit_codes():
        stack = running_stack()
        with (
            HttpClient(stack.url("alertmanager"), name="Alertmanager") as alertmanager,
            HttpClient(stack.url("cdb_console"), name="the console") as receiver,
        ):
            yield alertmanager, receiver


def _outcome_table(outcomes: Mapping[str, trial.Outcome]) -> Table:
    table = plain_table("receiver", "notification")
    for name, (title, how) in _RECEIVERS.items():
        outcome = outcomes.get(name, f"off ({how})")
        table.add_row(title, Text(outcome, {"delivered": "green", "failed": "red", "not seen": "red"}.get(outcome, "")))
    return table


def _begin(since: str, now: datetime) -> datetime:
    with suppress(durations.BadDuration):
        return now - durations.parse(since, most=_LONGEST_BACK)
    begin: datetime | None = None
    with suppress(ValueError):
        begin = datetime.fromisoformat(since)
    if begin is None or begin.tzinfo is None:
        allowed = "a duration up to 3650d (90s, 15m, 7d) or a timestamp with a time zone (2026-11-23T10:00:00Z)"
        fail(f"--since {since!r:.80} is invalid: give {allowed}", code=USAGE)
    return begin


def _show(found: Alerts, now: datetime) -> None:
    screen = console()
    if found.firing:
        screen.print(_firing_table(found.firing, now))
    elif found.firing is not None:
        typer.echo("No alert is firing.")
    if found.received:
        if told := past(found):
            screen.print(_past_table(told, known=found.firing is not None))
        if found.total > len(found.received):
            typer.echo(
                f"The console has stored {found.total:,} notifications; --limit and --since select what is shown."
            )
    elif found.received is not None:
        typer.echo("No notification was received." if not found.total else "No notification since that time.")


def _firing_table(firing: list[Firing], now: datetime) -> Table:
    titles = ("severity", "alert", "about", "since (UTC)", "for", "notified", "summary")
    table = plain_table(*titles, title="Firing now")
    for alert in firing:
        blockers = inhibitors(alert, firing)
        silenced = "no, silenced" if alert.status.silenced_by else "yes"
        notified = f"no, inhibited by {', '.join(blockers)}" if blockers else silenced
        lasted = seconds(max(0.0, (now - alert.starts_at).total_seconds()))
        when = (moment(alert.starts_at), lasted, printable(notified))
        table.add_row(*_about(alert.labels), *when, _summary(alert.annotations))
    return table


def _past_table(told: list[Received], *, known: bool) -> Table:
    """List each alert once; *known* is whether Alertmanager has said which ones fire now."""
    titles = ("received (UTC)", "", "severity", "alert", "about", "lasted", "summary")
    table = plain_table(*titles, title="Received by the console" + (", not firing now" if known else ""))
    for sent in told:
        state = "resolved" if sent.ended_at else "not firing" if known else sent.status
        mark = Text(state, "green" if sent.ended_at else "yellow" if known else "red")
        lasted = seconds((sent.ended_at - sent.starts_at).total_seconds()) if sent.ended_at else ""
        table.add_row(moment(sent.received_at), mark, *_about(sent.labels), lasted, _summary(sent.annotations))
    return table


def _about(labels: dict[str, str]) -> tuple[Text, Text, Text]:
    severity = labels.get("severity", "")
    shown = [Text(cut(printable(text), 40)) for text in (severity, labels.get("alertname", ""), subject(labels))]
    shown[0].stylize(_STYLES.get(severity, ""))
    return shown[0], shown[1], shown[2]


def _summary(annotations: dict[str, str]) -> Text:
    return Text(cut(printable(annotations.get("summary", "")), _LONGEST))
