"""Mistakes in how a panel shows its answer: what cannot be drawn, and limits that Grafana would not find."""

from typing import Any, Final

from tests.support.copies import RISK, TRADING, Json, OfPanel, defaults
from tests.unit.cdb.check.mutation import Mutation, panel_of, steps

PANEL: Final = "Daily Drawdown"


def limit(*, ref_id: str = "limit", query: Json | None = None, options: Json | None = None, **mapping: Any) -> OfPanel:
    """Let the panel take its maximum from a query, with a mistake in the query, the options or the mapping."""

    def change(panel: Json) -> None:
        asked = {"expr": "vector(5)", "refId": "limit", "legendFormat": "limit", "instant": True}
        panel["targets"].append({**asked, "datasource": panel["datasource"], **(query or {})})
        given = {"configRefId": ref_id, "mappings": [{"fieldName": "limit", "handlerKey": "max", **mapping}]}
        panel["transformations"] = [{"id": "configFromData", "options": {**given, **(options or {})}}]

    return OfPanel(RISK, PANEL, change)


def wrong(name: str, change: OfPanel, fault: str, nearest: str = "") -> Mutation:
    return Mutation(name, change, RISK, panel_of(PANEL), fault, nearest)


def no_base(panel: Json) -> None:
    """Leave out the base, to which Grafana adds a threshold from a query."""
    limit(handlerKey="threshold1").change(panel)
    panel["fieldConfig"]["defaults"]["thresholds"] = steps(3)


def too_late(panel: Json) -> None:
    """Take the limit after its query has been merged with the others."""
    limit().change(panel)
    panel["transformations"].insert(0, {"id": "merge", "options": {}})


LIMITS: Final = (
    wrong("a limit taken too late", OfPanel(RISK, PANEL, too_late), "it must come before merge and organize"),
    wrong("a query for a table", limit(query={"format": "table"}), "query limit has the format table", "time_series"),
    wrong("a hidden query", limit(query={"hide": True}), "configFromData: there is no query limit"),
    wrong("a query that is not there", limit(ref_id="limits"), "configFromData: there is no query limits", "limit"),
    wrong(
        "another handler key",
        limit(handlerKey="threshold2"),
        "configFromData handler key 'threshold2' is not supported by cdb dashboard; supported: threshold1, max, min",
        "threshold1",
    ),
    wrong(
        "another calculation",
        limit(reducerId="mean"),
        "calculation 'mean' is not supported by cdb dashboard; supported: last",
    ),
    wrong(
        "a field of another name",
        limit(query={"legendFormat": "maximum"}),
        "has no field 'limit': its legend is the name",
        "maximum",
    ),
    wrong("no mapping", limit(options={"mappings": []}), "it has no mappings", "max"),
    wrong(
        "a query for several limits",
        limit(query={"expr": "cdb_position_exposure_pct"}),
        "several series (symbol)",
        "max(...)",
    ),
    wrong("no base", OfPanel(RISK, PANEL, no_base), "threshold1 shows no limit where the panel has no base threshold"),
)

UNSUPPORTED: Final = (
    Mutation(
        "a unit that cannot be drawn",
        defaults(TRADING, "Current PnL", unit="currencyUSDT"),
        TRADING,
        panel_of("Current PnL"),
        "unit 'currencyUSDT' is not supported by cdb dashboard; supported: none, short, percent",
        "currencyUSD",
    ),
    Mutation(
        "a panel type that cannot be drawn",
        OfPanel(TRADING, "Current PnL", lambda panel: panel.update(type="heatmap")),
        TRADING,
        panel_of("Current PnL"),
        "panel type 'heatmap' is not supported by cdb dashboard; supported: stat, gauge, bargauge",
    ),
    Mutation(
        "a transformation that cannot be done",
        OfPanel(TRADING, "Current PnL", lambda panel: panel.update(transformations=[{"id": "organise"}])),
        TRADING,
        panel_of("Current PnL"),
        "transformation 'organise' is not supported by cdb dashboard; supported: merge, organize, configFromData",
        "organize",
    ),
)
