"""What a replay shows on a terminal: how far it is, and its result."""

from collections.abc import Iterator
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cdb.kit.figures import money
from cdb.kit.output import console, plain_table
from cdb.replay.summary import Summary
from services.risk.rules import Reason

_MOST_LISTED: Final = 10


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f} rows/s")


def progress_bar(*, quiet: bool) -> Progress:
    """Draw rows, rows per second and the time left on a terminal; elsewhere nothing."""
    terminal = Console(stderr=True)
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate()]
    columns += [TimeRemainingColumn(elapsed_when_finished=True)]
    return Progress(*columns, console=terminal, disable=quiet or not terminal.is_terminal)


def show(summary: Summary) -> None:
    table = plain_table(title="Replay")
    table.add_column()
    table.add_column(justify="right")
    counts = {
        "trades read": summary.trades_read,
        "invalid trades": summary.refused,
        **decided(summary),
        "fills": summary.fills,
        "of these, stop losses": summary.stop_losses,
    }
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    table.add_row("realised pnl", money(summary.realised_pnl))
    table.add_row("unrealised pnl", money(summary.unrealised_pnl))
    table.add_row("equity", money(summary.equity))
    screen = console()
    screen.print(table)
    for line in details(summary):
        screen.print(line, markup=False, soft_wrap=True)
    if summary.ledger:
        screen.print(f"The ledger is saved. Check it: cdb audit --replay {summary.ledger}")


def decided(summary: Summary) -> dict[str, int]:
    """What became of the signals. A sale of nothing breaks no limit, so it stands apart from the rejections."""
    limits = {reason: count for reason, count in summary.rejected.items() if reason != Reason.NO_POSITION}
    return {
        "signals": summary.signals,
        "approved": summary.approved,
        **{f"rejected: {reason}": count for reason, count in limits.items()},
        "nothing to sell": summary.rejected.get(Reason.NO_POSITION, 0),
    }


def details(summary: Summary) -> Iterator[str]:
    """Yield what needs a sentence: rows that were left out, messages that nobody could handle, why nothing happened."""
    for refusal in summary.refusals[:_MOST_LISTED]:
        yield f"invalid trade at {refusal['where']}: {refusal['reason']}, {refusal['detail']}"
    if summary.refused > _MOST_LISTED:
        yield f"and {summary.refused - _MOST_LISTED:,} more invalid trades"
    for message in summary.unhandled[:_MOST_LISTED]:
        yield f"not handled: {message}"
    if summary.dead_letters > _MOST_LISTED:
        yield f"and {summary.dead_letters - _MOST_LISTED:,} more messages that could not be handled"
    if summary.why_no_signal:
        yield summary.why_no_signal
