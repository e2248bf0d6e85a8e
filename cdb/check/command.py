"""`cdb check`: dashboards, alerts, rules and runbooks ask only for what exists."""

import re
from contextlib import nullcontext
from typing import Annotated

import typer

from cdb.check import view
from cdb.check.run import UNREADABLE, Depth, run
from cdb.kit.errors import REFUSED
from cdb.kit.failures import exit_codes, fail
from cdb.kit.options import JsonOption
from cdb.kit.output import console, print_json
from cdb.kit.paths import ROOT
from cdb.kit.prometheus import Prometheus
from cdb.running.stack import running_stack


def register(app: typer.Typer) -> None:
    """Add the group to *app*."""
    # Without a callback, typer makes a group of one command that command.
    group = typer.Typer(
        help="Check dashboards, alerts, rules and runbooks.", no_args_is_help=True, callback=lambda: None
    )
    group.command()(dashboards)
    app.add_typer(group, name="check")


def dashboards(
    depth: Annotated[
        Depth,
        typer.Option(help="static: files only. contract: also the running Prometheus. live: also the data of panels."),
    ] = Depth.STATIC,
    url: Annotated[
        str | None, typer.Option("--prometheus", help="URL of another Prometheus than the running stack's.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every query of every dashboard, alert, recording rule and runbook.

    static: Every metric, label and label value exists in the metric contract,
    a recording rule or other_metrics.yaml. There is no rate of a gauge, no limit in
    a wrong unit and no join that cannot match. Alerts and panels are
    complete, and `cdb dashboard` can draw every panel.

    contract: In addition, the running Prometheus has these metrics and labels,
    with these types.

    live: In addition, the query of every panel returns data there, and every
    rule is loaded and evaluates.

    Each finding names the file, the place and the nearest right name.
    Nothing is changed.

    Exit code: 0 no findings, 1 findings, 3 Prometheus does not answer.

    Example: cdb check dashboards --depth live --json
    """
    static = depth is Depth.STATIC
    with exit_codes(), nullcontext() if static else Prometheus(_address(url)) as server:
        try:
            report = run(ROOT, depth, server)
        except UNREADABLE as error:
            fail(str(error))
    if as_json:
        print_json(view.as_json(report))
    else:
        view.show(report, console())
    if not report.clean:
        raise typer.Exit(REFUSED)


def _address(url: str | None) -> str:
    if url and not re.fullmatch(r"https?://[^\s/]+\S*", url):
        raise typer.BadParameter(f"{url!r} is no address such as http://localhost:19090", param_hint="--prometheus")
    return url or running_stack().url("prometheus")
