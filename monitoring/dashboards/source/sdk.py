"""What is used of grafana-foundation-sdk.

It warns at import that Grafana's newer schema is preferred. The classic one is what every Grafana reads from a file, so
the warning says nothing here; in the tests it would be an error.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import bargauge, common, dashboard, gauge, piechart, stat, table, timeseries
    from grafana_foundation_sdk.builders.prometheus import Dataquery
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models import common as kinds
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models.piechart import PieChartLegendValues, PieChartType
    from grafana_foundation_sdk.models.prometheus import PromQueryFormat

__all__ = [
    "Dataquery",
    "JSONEncoder",
    "PieChartLegendValues",
    "PieChartType",
    "PromQueryFormat",
    "bargauge",
    "common",
    "dashboard",
    "gauge",
    "kinds",
    "models",
    "piechart",
    "register_default_plugins",
    "stat",
    "table",
    "timeseries",
]
