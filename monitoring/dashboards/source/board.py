"""What all dashboards have in common, and their JSON."""

import json
from typing import Final

from monitoring.dashboards.source import links
from monitoring.dashboards.source.panels import PROMETHEUS, AnyPanel
from monitoring.dashboards.source.sdk import JSONEncoder, dashboard, models

TAG: Final = "claire-de-binare"


def board(title: str, uid: str, *, refresh: str, description: str, panels: list[AnyPanel]) -> dashboard.Dashboard:
    """Build a dashboard. Its panels fill the 24 columns row by row and are numbered from 1."""
    made = dashboard.Dashboard(title).uid(uid).description(description).tags([TAG]).refresh(refresh)
    made.time("now-1h", "now").timezone("browser").tooltip(models.DashboardCursorSync.CROSSHAIR)
    made.link(links.other_dashboards(TAG))
    for number, panel in enumerate(panels, start=1):
        made.with_panel(panel.id(number))
    return made


def symbol_variable() -> dashboard.QueryVariable:
    """Variable `$symbol`: a choice of any number of symbols; all at first."""
    query = "label_values(cdb_signals_generated_total, symbol)"
    return (
        dashboard.QueryVariable("symbol")
        .label("Symbol")
        .description("The symbols shown")
        .datasource(PROMETHEUS)
        .query({"query": query, "refId": "symbol"})
        .definition(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def as_json(built: models.Dashboard) -> str:
    """JSON of the dashboard, as Grafana reads it from a file."""
    return json.dumps(built, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
