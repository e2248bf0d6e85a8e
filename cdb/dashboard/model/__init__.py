"""The committed dashboards: Grafana's JSON as typed values, and its variables filled in."""

from cdb.dashboard.model.model import Dashboard, Panel, Query, Thresholds, Variable, load_dashboard, load_dashboards
from cdb.dashboard.model.variables import Choice, Interval, choices, substitute

__all__ = [
    "Choice",
    "Dashboard",
    "Interval",
    "Panel",
    "Query",
    "Thresholds",
    "Variable",
    "choices",
    "load_dashboard",
    "load_dashboards",
    "substitute",
]
