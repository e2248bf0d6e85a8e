"""The parts of grafana-foundation-sdk that we use.

Its import warns that Grafana's newer schema is preferred. We use the classic schema, which every Grafana reads from a
file, and suppress the warning, which would be an error in the tests.
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
