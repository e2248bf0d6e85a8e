"""Options that every command has which reads files of trades: `cdb replay` and `cdb backtest`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from cdb.kit.errors import USAGE
from cdb.kit.failures import complain, fail
from cdb.replay.saved import Replays, operators_replays
from cdb.replay.tape import STANDARD_INPUT
from services.ws.tape import values
from services.ws.tape.rows import Reading
from services.ws.tape.values import BadValue, TimeUnit

SettingsOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting for this run only. Repeatable.")
]
KeepOption = Annotated[
    bool,
    typer.Option(
        "--keep",
        help="Save the ledger under a new name made from the file's name. Without --keep or --into it is deleted.",
    ),
]
SymbolOption = Annotated[
    str | None, typer.Option(metavar="PAIR", help="Symbol of a file that has no column for it, such as BTCUSDT.")
]
TimeUnitOption = Annotated[
    TimeUnit | None,
    typer.Option(metavar="UNIT", help="Unit of times: s, ms, us or ns. By default the number of digits says it."),
]
IntoOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Save the ledger under this name. If the ledger exists, append to it."),
]
MaxInvalidOption = Annotated[
    float, typer.Option(metavar="PERCENT", min=0, max=100, help="Fail if so many of the rows are no valid trades.")
]
_SETTING: Final = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")


def as_settings(texts: Sequence[str] | None) -> dict[str, str]:
    """What --set says; ends the command unless each is NAME=VALUE."""
    found = {}
    for text in texts or ():
        match = _SETTING.fullmatch(text)
        if match is None:
            fail(f"--set {text!r:.80} must be NAME=VALUE, such as MOMENTUM_THRESHOLD_PCT=0.0002", code=USAGE)
        found[match[1]] = match[2]
    return found


def as_reading(symbol: str | None, time_unit: TimeUnit | None) -> Reading:
    """What --symbol and --time-unit say of a file; ends the command if that is no symbol."""
    try:
        return Reading(symbol=values.symbol(symbol) if symbol else "", time_unit=time_unit)
    except BadValue as bad:
        fail(f"--{bad.detail}", code=USAGE)


def shown_name(file: Path) -> str:
    """What messages call *file*."""
    return "standard input" if file == STANDARD_INPUT else str(file)


def name_to_save(replays: Replays, file: Path, *, keep: bool, into: str | None) -> str | None:
    """Under which name --keep and --into save the ledger; None if they do not."""
    return into or (replays.new_name(Path(file.name.removesuffix(".gz")).stem) if keep else None)


def swept_replays() -> Replays:
    """Find the operator's replays, and clean up after commands that were killed."""
    replays = operators_replays()
    for name in replays.sweep():
        complain(f"a command was killed while it used replay {name}: what it left running or unsaved is removed")
    return replays
