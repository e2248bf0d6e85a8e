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
from cdb.kit.help import MONITORING
from cdb.kit.options import JsonOption, duration
from cdb.kit.output import console as standard_output
from cdb.kit.output import print_json
from cdb.running.stack import running_stack


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(rich_help_panel=MONITORING)(doctor)


def doctor(
    wait: Annotated[
        str,
        typer.Option(metavar="TIME", help="Retry failed checks up to this long, such as 90s; useful after a start."),
    ] = "0s",
    as_json: JsonOption = False,
) -> None:
    """Run the go-live checklist. For each item, show the result, what was found and how to fix it.

    The command checks the running native stack or, with CDB_STACK=compose, the Docker stack. It sends one test alert
    (severity info, name TestNotification plus a random suffix) through Alertmanager to the console, which takes about
    ten seconds. It changes nothing else.

    Exit code: 0 no failures (warnings do not count), 1 at least one failure, 2 invalid option, 3 the stack is not
    running.

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
