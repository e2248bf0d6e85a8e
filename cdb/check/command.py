"""`cdb check`: dashboards, alerts, rules and runbooks query only what exists."""

import re
from contextlib import nullcontext
from typing import Annotated

import typer

from cdb.check import view
from cdb.check.run import UNREADABLE, Depth, run
from cdb.kit.errors import REFUSED, USAGE
from cdb.kit.failures import exit_codes, fail
from cdb.kit.help import MONITORING
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
    app.add_typer(group, name="check", rich_help_panel=MONITORING)


def dashboards(
    depth: Annotated[
        Depth,
        typer.Option(help="How much to check; see above."),
    ] = Depth.STATIC,
    url: Annotated[
        str | None,
        typer.Option("--prometheus", metavar="URL", help="Prometheus URL (default: the running stack's)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every query of every dashboard, alert, recording rule and runbook.

    --depth sets how much to check:

    - static: files only. Every metric, label and label value must exist in the
      metric contract, a recording rule or monitoring/other_metrics.yaml (metrics
      of other programs). Reports rate() on gauges, thresholds in the wrong unit,
      joins that cannot match, incomplete alerts and panels, and panels that
      `cdb dashboard` cannot draw. Which expressions are PromQL depends on the
      version of Prometheus: the installed promtool decides, if there is one.

    - contract: also checks that the running Prometheus has these metrics, with
      the right labels and types. It decides what is PromQL.

    - live: also checks that every panel query returns data and every rule is
      loaded and evaluated without error. A figure that does not exist yet is
      counted as "not enough data".

    Each finding shows the file, the location and the closest valid name.
    The command changes nothing.

    Exit code: 0 no findings, 1 findings or an unreadable file, 2 invalid option,
    3 Prometheus did not answer.

    Example: cdb check dashboards --depth live --json
    """
    static = depth is Depth.STATIC
    if static and url:
        fail("--prometheus has no effect at --depth static: add --depth contract or --depth live", code=USAGE)
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
        raise typer.BadParameter(f"{url!r} is not a URL such as http://localhost:19090", param_hint="--prometheus")
    return url or running_stack().url("prometheus")
