"""`cdb check`: what is committed asks only for what exists."""

import json
import re
from contextlib import ExitStack
from typing import Annotated

import typer
from rich.console import Console

from cdb.check import view
from cdb.check.run import UNREADABLE, Depth, run
from cdb.kit.errors import REFUSED
from cdb.kit.failures import exit_codes, fail
from cdb.kit.options import JsonOption
from cdb.kit.paths import ROOT
from cdb.kit.prometheus import Prometheus
from cdb.running.stack import running_stack


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    group = typer.Typer(help="Check what is committed against what exists.", no_args_is_help=True)
    group.command()(dashboards)
    group.callback()(_group)
    app.add_typer(group, name="check")


def _group() -> None:
    """Check what is committed against what exists."""


def dashboards(
    depth: Annotated[
        Depth,
        typer.Option(help="static: files only. contract: also what Prometheus has. live: also what each panel shows."),
    ] = Depth.STATIC,
    url: Annotated[
        str | None, typer.Option("--prometheus", help="Another Prometheus than the running stack's, as a URL.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every query of every dashboard, alert, recording rule and runbook.

    static: each metric, label and label value is in the metric contract, in a recording rule or in foreign.yaml; there
    is no rate of a gauge, no limit in another unit, no join that cannot match; alerts and panels have all they need.

    contract: also, the running Prometheus shows these metrics and labels, in these types.

    live: also, each panel's query returns data there, and each rule is loaded and evaluates.

    All that is wrong is named, with the nearest right name. Nothing is changed.

    Exit code: 0 nothing is wrong, 1 something is, 3 Prometheus does not answer.

    Example: cdb check dashboards --depth live --json
    """
    with exit_codes(), ExitStack() as cleanup:
        server = None
        if depth is not Depth.STATIC:
            server = cleanup.enter_context(Prometheus(_address(url)))
        try:
            report = run(ROOT, depth, server)
        except UNREADABLE as error:
            fail(str(error))
    if as_json:
        typer.echo(json.dumps(view.as_json(report)))
    else:
        view.show(report, Console(highlight=False))
    if not report.clean:
        raise typer.Exit(REFUSED)


def _address(url: str | None) -> str:
    if url is None:
        return running_stack().url("prometheus")
    if not re.fullmatch(r"https?://[^\s/]+\S*", url):
        raise typer.BadParameter(f"{url!r} is no address such as http://localhost:19090", param_hint="--prometheus")
    return url
