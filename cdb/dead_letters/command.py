"""`cdb dead-letters`: messages that a service could not process."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.text import Text

from cdb.dead_letters import view
from cdb.dead_letters.content import readable
from cdb.kit.errors import REFUSED, USAGE
from cdb.kit.failures import exit_codes, fail
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption, WhyOption, YesOption, confirm
from cdb.kit.output import console, plain_table, print_json
from cdb.kit.printable import printable
from cdb.running.operators import operator_client
from cdb.running.stack import running_stack
from services.bus.dead_letters import DeadLetters, Fate, Letter, Resent
from services.decoding import prepared
from services.messages import is_stream_id

group = typer.Typer(
    help="List, show, resend and discard messages that a service could not process.", no_args_is_help=True
)
_FATE_S: Final = 2.0
_LOOK_S: Final = 0.1
IdsArgument = Annotated[list[str] | None, typer.Argument(metavar="ID", help="IDs of dead letters.")]
EveryOption = Annotated[bool, typer.Option("--all", help="Take all dead letters.")]
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
        print_json({"total": total, "letters": [view.summary(letter) for letter in found]})
        return
    if not found:
        typer.echo("There are no dead letters.")
        return
    for line in view.lines(found, console().width):
        typer.echo(line)
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
        print_json({**view.summary(letter), "traceparent": letter.traceparent, **view.data(letter)})
        return
    table = plain_table()
    for name, value in {**view.summary(letter), "traceparent": letter.traceparent}.items():
        table.add_row(name.replace("_", " "), Text(printable(str(value))))
    console().print(table)
    console().print(Text(readable(letter.data)), soft_wrap=True)


@group.command()
def resend(
    letter_ids: IdsArgument = None, every: EveryOption = False, why: WhyOption = "", as_json: JsonOption = False
) -> None:
    """Publish the messages to their streams again and delete the dead letters.

    Every reader of the stream gets the message again. A service that has already processed the message ignores it, so
    no order is placed twice. If the message has several dead letters, one for each service that failed, all are
    deleted. A message that fails again becomes a new dead letter. The command waits up to two seconds to report that.

    Exit code: 0 all resent, 1 at least one was not found, could not be resent or failed again, 2 neither IDs nor --all
    given, 3 cdb_risk or Redis could not be reached.

    Example: cdb dead-letters resend 1795422575750-0
    """
    chosen = _chosen(letter_ids, every=every)
    with _dead_letters() as letters:
        if every and not letters.count():
            view.report_resent([], [], as_json=as_json)
            return
        with operator_client(running_stack(), why=why) as client:
            done = client.act("dead-letters", action="resend", **chosen)
        fates = _fates(letters, msgspec.convert(done.sent, prepared(list[Resent])))
    refused = done.details["refused"]
    view.report_resent(fates, [(one["id"], one["why"]) for one in refused], as_json=as_json)
    if refused or any(fate.back for _, fate in fates):
        raise typer.Exit(REFUSED)


@group.command()
def discard(
    letter_ids: IdsArgument = None,
    every: EveryOption = False,
    why: WhyOption = "",
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Delete dead letters for good, with the messages in them.

    Exit code: 0 all deleted, 1 at least one was not found, or you declined, 2 neither IDs nor --all given, 3 cdb_risk
    or Redis could not be reached.

    Example: cdb dead-letters discard 1795422575750-0 --yes
    """
    chosen = _chosen(letter_ids, every=every)
    gone = 0
    with _dead_letters() as letters:
        if not every or letters.count():
            gone = _discard(chosen, why, yes=yes)
    if as_json:
        print_json({"discarded": gone})
    else:
        typer.echo(f"deleted {_counted(gone)}")


def _discard(chosen: dict[str, Any], why: str, *, yes: bool) -> int:
    with operator_client(running_stack(), why=why) as client:
        if not yes:
            found = client.preview("dead-letters", action="discard", **chosen).details
            instead = f"cdb dead-letters discard {' '.join(chosen.get('ids', ['--all']))} --yes"
            streams = ", ".join(f"{count:,} of {name or 'unknown'}" for name, count in found["by_stream"].items())
            confirm(f"Delete {_counted(found['letters'])} for good ({streams})?", instead=instead)
        return int(client.act("dead-letters", action="discard", **chosen).details["discarded"])


@contextmanager
def _dead_letters() -> Iterator[DeadLetters]:
    with exit_codes(), closing(running_stack().bus_client()) as client:
        yield DeadLetters(client)


def _chosen(letter_ids: list[str] | None, *, every: bool) -> dict[str, Any]:
    """What a request says of the letters that it is about."""
    if bool(letter_ids) == every:
        fail("give the IDs of dead letters, or --all", code=USAGE)
    for letter_id in letter_ids or ():
        _check_id(letter_id)
    return {"all": True} if every else {"ids": letter_ids}


def _fates(letters: DeadLetters, sent: list[Resent]) -> list[tuple[Resent, Fate]]:
    """Wait until every reader has handled what was sent, or some time has passed, and say what became of it."""
    deadline = time.monotonic() + _FATE_S
    fates = letters.fates(sent)
    while any(fate.waiting for fate in fates) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
        fates = letters.fates(sent)
    return list(zip(sent, fates, strict=True))


def _counted(letters: int) -> str:
    return f"{letters:,} dead letter{'' if letters == 1 else 's'}"


def _found(letters: DeadLetters, letter_id: str) -> Letter:
    _check_id(letter_id)
    letter = letters.find(letter_id)
    if letter is None:
        fail(f"there is no dead letter {letter_id}")
    return letter


def _check_id(letter_id: str) -> None:
    if not is_stream_id(letter_id):
        fail(f"{letter_id!r:.80} is not an ID: it must look like 1700000000000-0 (see `cdb dead-letters list`)")
