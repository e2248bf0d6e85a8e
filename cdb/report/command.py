"""`cdb report`: what the account has earned and risked."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cdb.account.ledger import opened
from cdb.account.options import ReplayOption, SinceOption, read_since
from cdb.kit.errors import REFUSED, USAGE
from cdb.kit.failures import exit_codes, fail
from cdb.kit.files import STANDARD_OUTPUT, check_place, write_file
from cdb.kit.help import TRADING
from cdb.kit.options import JsonOption
from cdb.kit.output import print_exactly, print_json
from cdb.performance.spreadsheet import csv_text
from cdb.report.report import Choice, Report, report_of
from cdb.report.tax import COLUMNS
from cdb.report.view import html as html_page
from cdb.report.view import show


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(rich_help_panel=TRADING)(report)


def report(
    since: SinceOption = None,
    strategy: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this strategy traded.")] = None,
    symbol: Annotated[str | None, typer.Option(metavar="PAIR", help="Only this symbol, such as BTCUSDT.")] = None,
    replay: ReplayOption = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with charts; - for standard output.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write every fill, with results by average cost and by FIFO; - as above."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Report what the account has earned and risked, on the terminal, as a page or for a spreadsheet.

    With --since: trades closed, fills made and equity marked since. Figures of equity exist for the whole account only,
    so they are left out with --strategy or --symbol. docs/figures.md defines each figure, docs/account.md the columns
    of the spreadsheet. What does not exist yet is a dash.

    Exit code: 0 reported, 1 the ledger sells more than was bought or a file could not be written, 2 invalid option,
    3 the ledger could not be read.

    Example: cdb report --since 30d --html report.html --csv fills.csv
    """
    wanted: list[tuple[str, Path, Callable[[Report], str]]] = []
    with exit_codes():
        begin = read_since(since)
        for option, file, content in (("--html", html, html_page), ("--csv", csv, _spreadsheet)):
            if file is not None:
                check_place(option, file)
                wanted.append((option, file, content))
        printed = [content for _, file, content in wanted if file == STANDARD_OUTPUT]
        if len(printed) + as_json > 1:
            fail("--json, --html - and --csv - print to standard output: choose one", code=USAGE)
        with opened(replay) as ledger:
            found = report_of(ledger, begin, Choice(strategy, symbol))
    wrong = [write_file(option, file, content(found)) for option, file, content in wanted if file != STANDARD_OUTPUT]
    if as_json:
        print_json(found.as_json())
    elif printed:
        print_exactly(printed[0](found))
    else:
        show(found)
    if any(wrong):
        fail("; ".join(filter(None, wrong)), code=REFUSED)


def _spreadsheet(found: Report) -> str:
    return csv_text(COLUMNS, found.rows)
