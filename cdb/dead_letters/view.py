"""Dead letters on a terminal and as JSON."""

import base64
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import typer

from cdb.kit.failures import complain
from cdb.kit.figures import moment
from cdb.kit.output import print_json
from cdb.kit.printable import cut, printable
from services.bus.dead_letters import Fate, Letter, Resent

_LONGEST_REASON: Final = 200
_COLUMNS: Final = "{:<17} {:<19} {:<11} {:<13} {}"


def summary(letter: Letter) -> dict[str, Any]:
    """All that is known about *letter* but its message."""
    said: dict[str, Any] = {"id": letter.id, "when": letter.when}
    if letter.content is None:
        return {**said, "stream": None, "reason": "unreadable", "size": len(letter.raw), "complete": False}
    names = ("stream", "entry_id", "group", "reason", "detail", "size", "complete")
    return {**said, **{name: getattr(letter.content, name) for name in names}}


def data(letter: Letter) -> dict[str, str]:
    """The message of *letter*, whatever bytes it is."""
    try:
        return {"data": letter.data.decode(), "encoding": "text"}
    except UnicodeDecodeError:
        return {"data": base64.b64encode(letter.data).decode(), "encoding": "base64"}


def lines(letters: list[Letter], width: int) -> Iterator[str]:
    """Write two lines for each letter: what it is, and below it as much of its detail as fits."""
    yield _COLUMNS.format("id", "when (UTC)", "stream", "group", "reason")
    for letter in letters:
        about = summary(letter)
        cells = (printable(str(about.get(name) or "")) for name in ("stream", "group", "reason"))
        yield cut(_COLUMNS.format(letter.id, moment(letter.when), *cells).rstrip(), width)
        detail = f"    {about['size']:,} bytes: {printable(str(about.get('detail') or 'cannot be read'))}"
        yield cut(detail, width)


def report_resent(fates: list[tuple[Resent, Fate]], refused: list[tuple[str, str]], *, as_json: bool) -> None:
    """Say what was resent, what came of it, and what could not be resent."""
    if as_json:
        resent = [
            {**msgspec.to_builtins(done), "back": [letter.id for letter in fate.back], "waiting": fate.waiting}
            for done, fate in fates
        ]
        print_json({"resent": resent, "refused": [{"id": letter_id, "why": why} for letter_id, why in refused]})
        return
    for done, fate in fates:
        typer.echo(f"{done.letter_id} was resent to {done.stream} as {done.entry_id}, {_readers(done, fate)}")
        for letter in fate.back:
            complain(_came_back(letter, done))
    for _, why in refused:
        complain(why)
    if not fates and not refused:
        typer.echo("There are no dead letters.")


def _readers(done: Resent, fate: Fate) -> str:
    read = [name for name in done.groups if name not in fate.waiting]
    said = [f"read by {', '.join(read)}"] if read else []
    said += [f"not yet processed by {', '.join(fate.waiting)}"] if fate.waiting else []
    others = f"; also deleted: {', '.join(done.settled[1:])}" if len(done.settled) > 1 else ""
    return printable("; ".join(said) or "no service reads this stream yet") + others


def _came_back(letter: Letter, done: Resent) -> str:
    content = letter.content
    why = f"{content.group} could not process it: {content.detail or content.reason}" if content else "it is unreadable"
    return (
        f"{done.letter_id} came back as {letter.id}, {cut(why, _LONGEST_REASON)}; "
        f"`cdb dead-letters discard {letter.id}` deletes it"
    )
