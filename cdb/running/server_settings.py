"""What the operator may set for the collector, Jaeger and Prometheus, which know neither our names nor our grammar.

Natively each server gets its settings as it reads them. Compose passes them on as they stand, so there a value must be
one that its server can read.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from cdb.running.errors import StackError
from cdb.running.settings import read_settings
from services import durations
from services.risk.limits import Limits
from services.settings import BearerToken, ExportSettings, Password, Settings, length_of_time

_MILLISECOND: Final = timedelta(milliseconds=1)
_LEAST_SPANS: Final = 100
"""The least that the collector's queue holds, and room for any trace."""

_Length = Annotated[timedelta, length_of_time(least=_MILLISECOND)]
_Count = Annotated[int, Field(le=100_000_000)]


class CollectorSettings(Settings):
    """How long the collector keeps series, and which traces it keeps."""

    expiration: _Length = Field(timedelta(seconds=45), validation_alias="CDB_METRIC_EXPIRATION")
    decision_wait: _Length = Field(timedelta(seconds=10), validation_alias="CDB_TRACE_DECISION_WAIT")
    slow_decision: Annotated[timedelta, length_of_time(plain="ms")] = Field(
        timedelta(milliseconds=50), validation_alias="CDB_SLOW_DECISION_MS"
    )
    span_metrics_interval: _Length = Field(timedelta(seconds=15), validation_alias="CDB_SPAN_METRICS_INTERVAL")
    share_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = Field(
        5.0, validation_alias="CDB_TRACE_SHARE_PERCENT", description="5 means 5 %"
    )
    traces_in_memory: Annotated[_Count, Field(ge=1)] = Field(10_000, validation_alias="CDB_TRACES_IN_MEMORY")
    spans_per_second: Annotated[_Count, Field(ge=1)] = Field(5, validation_alias="CDB_TRACE_SPANS_PER_SECOND")
    spans_at_once: Annotated[_Count, Field(ge=_LEAST_SPANS)] = Field(
        200_000, validation_alias="CDB_TRACE_SPANS_AT_ONCE"
    )
    queue_spans: Annotated[_Count, Field(ge=_LEAST_SPANS)] = Field(200_000, validation_alias="CDB_TRACE_QUEUE_SPANS")


class JaegerSettings(Settings):
    """How long Jaeger keeps traces."""

    retention: Annotated[timedelta, length_of_time(least=timedelta(seconds=1))] = Field(
        timedelta(hours=24), validation_alias="CDB_TRACE_RETENTION"
    )


class PrometheusSettings(Settings):
    """How often Prometheus looks, and how long it remembers."""

    # The alert on a service's health looks back 30 s: with fewer scrapes it would miss what is wrong.
    scrape_interval: Annotated[timedelta, length_of_time(least=_MILLISECOND, most=timedelta(seconds=30))] = Field(
        timedelta(seconds=15), validation_alias="CDB_SCRAPE_INTERVAL"
    )
    retention: Annotated[timedelta, length_of_time(least=timedelta(hours=1))] = Field(
        timedelta(days=14), validation_alias="CDB_PROMETHEUS_RETENTION"
    )


class Secrets(Settings):
    """Every secret that .env must have, in what its servers and clients can carry."""

    postgres_password: Password = Field(validation_alias="POSTGRES_PASSWORD")
    redis_password: Password = Field(validation_alias="REDIS_PASSWORD")
    otlp_token: BearerToken = Field(validation_alias="CDB_OTLP_TOKEN")
    operator_token: BearerToken = Field(validation_alias="CDB_OPERATOR_TOKEN")
    monitoring_password: Password = Field(validation_alias="CDB_MONITORING_PASSWORD")
    reader_password: Password = Field(validation_alias="CDB_READER_PASSWORD")
    console_password: Password = Field(validation_alias="CDB_CONSOLE_PASSWORD")
    grafana_password: Password = Field(validation_alias="GRAFANA_PASSWORD")


class ServerSettings(Settings):
    """All of them, with the settings of services that they must fit."""

    collector: CollectorSettings
    jaeger: JaegerSettings
    prometheus: PrometheusSettings
    export: ExportSettings
    limits: Limits

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        kept = self.collector
        if kept.decision_wait <= timedelta(seconds=self.limits.max_signal_age_s):
            why = "the collector would judge traces whose signal still waits"
            self.refuse_together("collector.decision_wait", "limits.max_signal_age_s", why)
        if kept.decision_wait <= kept.slow_decision:
            why = "the collector would judge traces before a decision can be slow"
            self.refuse_together("collector.decision_wait", "collector.slow_decision", why)
        if kept.expiration <= timedelta(seconds=self.export.export_interval_s):
            why = "metrics would vanish between two exports"
            self.refuse_together("collector.expiration", "export.export_interval_s", why)
        if kept.expiration <= kept.span_metrics_interval:
            why = "the metrics of spans would vanish between two exports"
            self.refuse_together("collector.expiration", "collector.span_metrics_interval", why)
        return self


def for_server(kind: type[Settings], settings: Mapping[str, str]) -> dict[str, str]:
    """Each setting of *kind* as its server reads it, the defaults too. Raises StackError naming what is wrong."""
    values = read_settings(kind, settings)
    return {
        str(field.validation_alias): _written(kind, str(field.validation_alias), getattr(values, name))
        for name, field in kind.model_fields.items()
    }


def refuse_unreadable_in_containers(settings: Mapping[str, str]) -> None:
    """Raise StackError naming what is wrong, or what a server in a container, which gets it as it is, cannot read."""
    read_settings(ServerSettings, settings)
    for kind in (CollectorSettings, JaegerSettings, PrometheusSettings):
        for name, wanted in for_server(kind, settings).items():
            given = settings.get(name, "")
            if given.strip() and not _reads(kind, name).fullmatch(given):
                raise StackError(f"{name}={given!r:.80} must be written {wanted} for the Docker stack")


def _written(kind: type[Settings], name: str, value: object) -> str:
    if not isinstance(value, timedelta):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if name.endswith("_MS"):
        return f"{value / _MILLISECOND:.15g}"
    value -= value % _MILLISECOND  # Prometheus knows no shorter unit
    return durations.written(value) if kind is PrometheusSettings else durations.for_servers(value)


def _reads(kind: type[Settings], name: str) -> re.Pattern[str]:
    field = next(field for field in kind.model_fields.values() if field.validation_alias == name)
    if field.annotation is not timedelta or name.endswith("_MS"):
        return re.compile(r"[0-9]+(\.[0-9]+)?")
    return re.compile(r"[0-9]+(ms|[smhdwy])" if kind is PrometheusSettings else r"([0-9]+(\.[0-9]+)?(us|ms|s|m|h))+")
