"""Links of panels: to runbooks, and to the traces behind a latency."""

import json
from typing import Final
from urllib.parse import quote

from monitoring.dashboards.source.sdk import dashboard, models

RUNBOOKS: Final = "http://localhost:19090/consoles/"
"""Prometheus shows monitoring/runbooks here, on the machine that runs the bot."""
JAEGER: Final = "jaeger"
"""Uid of the data source with the traces."""
_IN_SIGHT: Final = ""  # the SDK's default hides links in a menu


def runbook(alert: str) -> dashboard.DashboardLink:
    """Link to the runbook of *alert*."""
    return _link(f"Runbook: {alert}", f"{RUNBOOKS}{alert}.md")


def slow_traces(service: str = "${__field.labels.service}") -> dashboard.DashboardLink:
    """Link from a series to the traces of *service*, by default of its label `service`, in the time shown."""
    pane = {
        "datasource": JAEGER,
        "queries": [
            {
                "refId": "A",
                "datasource": {"type": "jaeger", "uid": JAEGER},
                "queryType": "search",
                "service": service,
            }
        ],
        "range": {"from": "${__from}", "to": "${__to}"},
    }
    panes = quote(json.dumps({"traces": pane}, separators=(",", ":")), safe="${}.")
    return _link(f"Traces of {service}", f"/explore?schemaVersion=1&panes={panes}")


def other_dashboards(tag: str) -> dashboard.DashboardLink:
    """Links to the other dashboards; they keep the time range."""
    link = dashboard.DashboardLink("Dashboards").type(models.DashboardLinkType.DASHBOARDS).tags([tag])
    return link.placement(_IN_SIGHT).keep_time(True)


def _link(title: str, url: str) -> dashboard.DashboardLink:
    link = dashboard.DashboardLink(title).type(models.DashboardLinkType.LINK).url(url)
    return link.placement(_IN_SIGHT).target_blank(True)
