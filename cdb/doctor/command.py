"""`cdb doctor`: the go-live checklist, executed."""

import json
import os
from contextlib import closing
from datetime import timedelta
from typing import Annotated

import typer

from cdb.doctor import view
from cdb.doctor.findings import Verdict
from cdb.doctor.run import examine
from cdb.doctor.ways import examined
from cdb.kit.errors import REFUSED
from cdb.kit.failures import exit_codes
from cdb.kit.options import JsonOption, duration
from cdb.kit.output import console as standard_output
from cdb.kit.paths import ROOT
from cdb.running.native.config import state_dir


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command()(doctor)


def doctor(
    wait: Annotated[
        str, typer.Option(help="Repeat what fails for up to this long, for a stack that has just started: 90s, 2m.")
    ] = "0s",
    as_json: JsonOption = False,
) -> None:
    """Go through the go-live checklist: for each item how it stands, what was found, and what to do.

    Everything is asked of the stack that runs: the one that `make up` has started, with CDB_STACK=compose the one in
    containers. One notification of severity info, called DoctorTest, is sent through
    Alertmanager to the local receiver, which takes ten seconds; nothing else is changed.

    Exit code: 0 nothing fails (a warning is yours to judge), 1 something does, 3 no stack runs.

    Example: cdb doctor --wait 120 --json
    """
    wait_s = duration("--wait", wait, least=timedelta(), most=timedelta(hours=1), plain="s").total_seconds()
    console = standard_output()
    with exit_codes():
        site = examined(ROOT, os.environ, state_dir(ROOT, os.environ))
    found = []
    with closing(site):
        for check, finding in examine(site, wait_s=wait_s):
            found.append((check, finding))
            if not as_json:
                view.show(check, finding, console)
    if as_json:
        typer.echo(json.dumps(view.as_json(site.way, found)))
    else:
        view.summary((finding for _, finding in found), console)
    if any(finding.verdict is Verdict.FAIL for _, finding in found):
        raise typer.Exit(REFUSED)
