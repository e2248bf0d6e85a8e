"""`cdb doctor`: the go-live checklist, executed."""

import json
import os
from contextlib import closing
from typing import Annotated

import typer

from cdb.doctor import view
from cdb.doctor.findings import Verdict
from cdb.doctor.run import examine
from cdb.doctor.ways import examined
from cdb.kit.failures import REFUSED, exit_codes
from cdb.kit.paths import ROOT
from cdb.running.native.config import state_dir
from cdb.stack import view as stack_view
from cdb.stack.command import JsonOption


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(doctor)


def doctor(
    wait: Annotated[
        float, typer.Option(min=0, max=3600, help="Repeat what fails for up to so many seconds: after a start.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Go through the go-live checklist: for each item how it stands, what was found, and what to do.

    Everything is asked of the stack that runs: the one that `make up` has started, with CDB_STACK=compose the one in
    containers. One notification of severity info, called DoctorTest, is sent through
    Alertmanager to the local receiver, which takes ten seconds; nothing else is changed.

    Exit code: 0 nothing fails (a warning is yours to judge), 1 something does, 3 no stack runs.

    Example: cdb doctor --wait 120 --json
    """
    console = stack_view.console()
    with exit_codes():
        site = examined(ROOT, os.environ, state_dir(ROOT, os.environ))
    found = []
    with closing(site):
        for check, finding in examine(site, wait_s=wait):
            found.append((check, finding))
            if not as_json:
                view.show(check, finding, console)
    if as_json:
        typer.echo(json.dumps(view.as_json(site.way, found)))
    else:
        view.summary((finding for _, finding in found), console)
    if any(finding.verdict is Verdict.FAIL for _, finding in found):
        raise typer.Exit(REFUSED)
