"""`cdb doctor`: the go-live checklist, executed."""

from contextlib import closing
from datetime import timedelta
from typing import Annotated

import typer

from cdb.doctor import view
from cdb.doctor.findings import Verdict
from cdb.doctor.run import examine
from cdb.kit.errors import REFUSED
from cdb.kit.failures import exit_codes
from cdb.kit.options import JsonOption, duration
from cdb.kit.output import console as standard_output
from cdb.kit.output import print_json
from cdb.running.stack import running_stack


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(doctor)


def doctor(
    wait: Annotated[
        str,
        typer.Option(metavar="TIME", help="After a start: repeat what fails for up to this long, such as 90s or 2m."),
    ] = "0s",
    as_json: JsonOption = False,
) -> None:
    """Go through the go-live checklist: how each item stands, what was found, and what to do.

    It looks at the running stack: the one that `make up` has started, or with CDB_STACK=compose the one in containers.
    It sends one notification of severity info, called DoctorTest, through Alertmanager to the local receiver, which
    takes ten seconds, and changes nothing else.

    Exit code: 0 nothing fails (a warning is yours to judge), 1 something does, 3 no stack runs.

    Example: cdb doctor --wait 120 --json
    """
    wait_s = duration("--wait", wait, least=timedelta(), most=timedelta(hours=1), plain="s").total_seconds()
    console = standard_output()
    with exit_codes():
        stack = running_stack().require_running()
    found = []
    with closing(stack):
        for check, finding in examine(stack, wait_s=wait_s):
            found.append((check, finding))
            if not as_json:
                view.show(check, finding, console)
    if as_json:
        print_json(view.as_json(stack.way, found))
    else:
        view.summary((finding for _, finding in found), console)
    if any(finding.verdict is Verdict.FAIL for _, finding in found):
        raise typer.Exit(REFUSED)
