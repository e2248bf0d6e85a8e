"""`cdb dead-letters`: messages that a service could not process."""

import base64
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from cdb.dead_letters.letters import DeadLetters, Letter, NotResendable, Resent
from cdb.kit.errors import REFUSED, USAGE
from cdb.kit.failures import complain, exit_codes, fail
from cdb.kit.figures import moment
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption
from cdb.kit.output import console, plain_table, print_json
from cdb.kit.printable import cut, printable
from cdb.running.stack import running_stack
from services.bus.client import connect
from services.messages import is_stream_id

group = typer.Typer(help="List, show and resend messages that a service could not process.", no_args_is_help=True)
_LONGEST_DETAIL = 60
_LONGEST_DUMP = 2_048
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="ID of the dead letter, from `cdb dead-letters list`.")]


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.add_typer(group, name="dead-letters", rich_help_panel=TRADING)


@group.command("list")
def list_letters(
    count: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Show at most the newest N.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the most recent dead letters in chronological order.

    Exit code: 0 shown, even if there are none, 3 Redis could not be reached.

    Example: cdb dead-letters list --count 20
    """
    with _dead_letters() as letters:
        total = letters.count()
        found = letters.newest(count)
    if as_json:
        print_json({"total": total, "letters": [_summary(letter) for letter in found]})
        return
    if not found:
        typer.echo("There are no dead letters.")
        return
    console().print(_table(found))
    if total > len(found):
        typer.echo(f"{total - len(found):,} older dead letters are not shown.")


@group.command()
def show(letter_id: IdArgument, as_json: JsonOption = False) -> None:
    """Show one dead letter. JSON is pretty-printed, binary data is shown as hex.

    Exit code: 0 shown, 1 there is no such dead letter, 3 Redis could not be reached.

    Example: cdb dead-letters show 1795422575750-0
    """
    with _dead_letters() as letters:
        letter = _found(letters, letter_id)
    if as_json:
        print_json({**_summary(letter), "traceparent": letter.traceparent, **_data(letter)})
        return
    table = plain_table()
    for name, value in {**_summary(letter), "traceparent": letter.traceparent}.items():
        table.add_row(name.replace("_", " "), Text(printable(str(value))))
    console().print(table)
    console().print(Text(readable(letter.data)), soft_wrap=True)


@group.command()
def resend(
    letter_ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="IDs of dead letters.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Resend all dead letters.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Publish the messages to their streams again and delete the dead letters.

    Every reader of the stream gets the message again. A service that has already processed the message ignores it, so
    no order is placed twice. If the message has several dead letters, one for each service that failed, all are
    deleted. A message that fails again becomes a new dead letter.

    Exit code: 0 all resent, 1 at least one was not found or could not be resent, 2 neither IDs nor --all given, 3 Redis
    could not be reached.

    Example: cdb dead-letters resend 1795422575750-0
    """
    if bool(letter_ids) == every:
        fail("give the IDs of dead letters, or --all", code=USAGE)
    sent: list[Resent] = []
    refused: list[tuple[str, str]] = []
    with _dead_letters() as letters:
        chosen = list(letters.all()) if every else [_found(letters, letter_id) for letter_id in letter_ids or ()]
        for letter in chosen:
            if any(letter.id in done.settled for done in sent):
                continue
            try:
                sent.append(letters.resend(letter))
            except NotResendable as problem:
                refused.append((letter.id, str(problem)))
    _report_resent(sent, refused, as_json=as_json)
    if refused:
        raise typer.Exit(REFUSED)


def readable(data: bytes) -> str:
    """Show *data* on a terminal: JSON indented, other text escaped, anything else as a hex dump."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _hex_dump(data)
    try:
        text = msgspec.json.format(text, indent=2)
    except (msgspec.MsgspecError, RecursionError):
        return printable(text)
    return printable(text, keep_lines=True)


@contextmanager
def _dead_letters() -> Iterator[DeadLetters]:
    with exit_codes():
        settings = running_stack().bus_settings()
        password = settings.redis_password.get_secret_value()
        with closing(connect(host=settings.redis_host, port=settings.redis_port, password=password)) as client:
            yield DeadLetters(client)


def _found(letters: DeadLetters, letter_id: str) -> Letter:
    if not is_stream_id(letter_id):
        fail(f"{letter_id!r:.80} is not an ID: it must look like 1700000000000-0 (see `cdb dead-letters list`)")
    letter = letters.find(letter_id)
    if letter is None:
        fail(f"there is no dead letter {letter_id}")
    return letter


def _summary(letter: Letter) -> dict[str, Any]:
    summary: dict[str, Any] = {"id": letter.id, "when": letter.when}
    if letter.content is None:
        return {**summary, "stream": None, "reason": "unreadable", "size": len(letter.raw), "complete": False}
    names = ("stream", "entry_id", "group", "reason", "detail", "size", "complete")
    return {**summary, **{name: getattr(letter.content, name) for name in names}}


def _data(letter: Letter) -> dict[str, str]:
    try:
        return {"data": letter.data.decode(), "encoding": "text"}
    except UnicodeDecodeError:
        return {"data": base64.b64encode(letter.data).decode(), "encoding": "base64"}


def _table(letters: list[Letter]) -> Table:
    table = plain_table()
    table.show_header = True
    for name, width in (("id", 15), ("when (UTC)", 19), ("stream", 11), ("group", 13), ("reason", 11)):
        table.add_column(name, no_wrap=True, min_width=width)
    table.add_column("size", no_wrap=True, justify="right", min_width=6)
    table.add_column("detail", no_wrap=True, overflow="ellipsis")  # what gives way on a narrow terminal
    for letter in letters:
        summary = _summary(letter)
        *cells, detail = [str(summary.get(name) or "") for name in ("stream", "group", "reason", "detail")]
        shown = [Text(cut(printable(cell), _LONGEST_DETAIL)) for cell in (*cells, f"{summary['size']:,}", detail)]
        table.add_row(letter.id, moment(letter.when), *shown)
    return table


def _report_resent(sent: list[Resent], refused: list[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        print_json({"resent": sent, "refused": [{"id": letter_id, "why": why} for letter_id, why in refused]})
        return
    for done in sent:
        readers = f"read by {', '.join(done.groups)}" if done.groups else "no service reads this stream yet"
        others = f"; also deleted: {', '.join(done.settled[1:])}" if len(done.settled) > 1 else ""
        typer.echo(f"{done.letter_id} was resent to {done.stream} as {done.entry_id}, {printable(readers)}{others}")
    for _, why in refused:
        complain(why)
    if not sent and not refused:
        typer.echo("There are no dead letters.")


def _hex_dump(data: bytes) -> str:
    shown = data[:_LONGEST_DUMP]
    lines = [f"{at:06x}  {shown[at : at + 16].hex(' ')}" for at in range(0, len(shown), 16)]
    if len(data) > len(shown):
        lines.append(f"and {len(data) - len(shown):,} more bytes; --json shows all of them")
    return "\n".join(lines)
