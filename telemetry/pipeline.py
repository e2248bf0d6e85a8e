"""Build and shut down the OpenTelemetry providers of one process. Nothing here delays trading."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic
from typing import Any, Final

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricReader, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from telemetry import foreign
from telemetry.readers import ExportingReader, Exposition, LocalReader
from telemetry.recorder import Recorder
from telemetry.span_encoding import SpanEncoder
from telemetry.spans import BoundedSpans
from telemetry.stock_page import StockPage
from telemetry.tracing import SCOPE, SpanProvider

_PROVIDERS_SECONDS: Final = 1.5
_EXPORTERS_SECONDS: Final = 0.4
_CHANNEL: Final = (("grpc.enable_http_proxy", 0),)  # the proxy of a shell does not know the collector


def _set() -> Event:
    event = Event()
    event.set()
    return event


@dataclass(frozen=True, kw_only=True)
class TelemetrySettings:
    """Where telemetry goes, and under which name. Without an endpoint nothing is sent; /metrics still works."""

    otlp_endpoint: str | None = None  # such as http://127.0.0.1:4317
    otlp_token: str | None = field(default=None, repr=False)
    instance_id: str | None = None  # must survive restarts, such as cdb_core:8001; default: service name
    namespace: str = "cdb"
    version: str = "0"
    export_interval_seconds: float = 15.0  # below the scrape interval, exemplars are lost
    export_timeout_seconds: float = 5.0
    span_export_timeout_seconds: float = 30.0  # longer: spans must survive a collector's restart
    span_queue_size: int = 4096
    tracing: bool = True  # False: no spans, but logs still have trace ids
    reports: Event = field(default_factory=_set)  # metrics are sent while it is set: one process a service

    def __post_init__(self) -> None:
        if self.otlp_endpoint is not None and not self.otlp_endpoint.startswith(("http://", "https://")):
            raise ValueError(f"otlp_endpoint {self.otlp_endpoint!r} must begin with http:// or https://")
        for name in (
            "export_interval_seconds",
            "export_timeout_seconds",
            "span_export_timeout_seconds",
            "span_queue_size",
        ):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)!r} must be more than 0")


class Telemetry:
    """Running telemetry of one process: its /metrics page, tracer provider and exporters."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        service: str | None,
        configured: Mapping[str, Sequence[str]] | None = None,
        expected: Mapping[str, Collection[str]] | None = None,
        settings: TelemetrySettings,
    ) -> None:
        foreign.forget()  # what was set since the import
        resource = _resource(service, settings)
        self._recorder = recorder
        self._stock = recorder.recording == "sdk"
        reader: LocalReader | StockPage
        self._page: Exposition | StockPage
        if self._stock:
            reader = self._page = StockPage()
        else:
            reader = LocalReader(recorder)
            self._page = Exposition(reader, recorder)
        self._exporters: list[OTLPMetricExporter | OTLPSpanExporter] = []
        readers: list[MetricReader] = [reader]
        self.tracer_provider: Final = SpanProvider(resource, on=settings.tracing, stock=self._stock)
        if settings.otlp_endpoint:
            readers.append(self._export_metrics(settings))
            if settings.tracing:
                self._export_spans(settings)
        self._meter_provider = MeterProvider(readers, resource=resource, views=recorder.views(), shutdown_on_exit=False)
        recorder.start(
            self._meter_provider.get_meter(SCOPE),
            service=service,
            configured=configured,
            expected=expected,
            exemplars=settings.otlp_endpoint is not None,
        )
        self.exposition()  # an observable's start time is its first collection
        for exporting in readers[1:]:
            Thread(target=self._export_first, args=(exporting, settings), name="first-export", daemon=True).start()

    def exposition(self) -> bytes:
        """Collect now and return the /metrics page (text format 0.0.4)."""
        return self._page.text()

    def shutdown(self) -> None:
        """Flush for at most 2 s, then stop, even if the collector cannot be reached."""
        if not _done([self._meter_provider.shutdown, self.tracer_provider.shutdown], _PROVIDERS_SECONDS):
            _done([exporter.shutdown for exporter in self._exporters], _EXPORTERS_SECONDS)

    def _export_metrics(self, settings: TelemetrySettings) -> ExportingReader:
        exporter = _MetricExporter(self._failed("metrics"), **_connection(settings, settings.export_timeout_seconds))
        self._exporters.append(exporter)
        return ExportingReader(self._recorder, exporter, settings.export_interval_seconds, reports=settings.reports)

    def _export_spans(self, settings: TelemetrySettings) -> None:
        kind = _StockSpanExporter if self._stock else _SpanExporter
        exporter = kind(self._failed("traces"), **_connection(settings, settings.span_export_timeout_seconds))
        self._exporters.append(exporter)
        lost = self._recorder.counter("cdb_telemetry_spans_lost_total")
        spans = BoundedSpans(
            exporter, queue_size=settings.span_queue_size, lost=lambda reason, count: lost.bind((reason,)).inc(count)
        )
        self.tracer_provider.add_span_processor(spans)

    def _failed(self, signal: str) -> Callable[[], None]:
        counter = self._recorder.counter("cdb_telemetry_export_failures_total")
        return lambda: counter.bind((signal,)).inc()

    def _export_first(self, reader: MetricReader, settings: TelemetrySettings) -> None:
        """Send what is 0 as soon as it is this process that reports."""
        settings.reports.wait()
        reader.collect()


class _MetricExporter(OTLPMetricExporter):
    """Counts batches that did not arrive."""

    def __init__(self, failed: Callable[[], None], **connection: Any) -> None:
        super().__init__(**connection)
        self._failed = failed

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        result = super().export(metrics_data, timeout_millis, **kwargs)
        if result is not MetricExportResult.SUCCESS:
            self._failed()
        return result


class _StockSpanExporter(OTLPSpanExporter):
    """Counts batches that did not arrive."""

    def __init__(self, failed: Callable[[], None], **connection: Any) -> None:
        self._failed = failed
        super().__init__(**connection)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._failed()
        return result


class _SpanExporter(_StockSpanExporter):
    """Sends what our encoder writes."""

    def __init__(self, failed: Callable[[], None], **connection: Any) -> None:
        self._encoder = SpanEncoder()
        super().__init__(failed, **connection)

    def _initialize_channel_and_stub(self) -> None:
        super()._initialize_channel_and_stub()  # type: ignore[no-untyped-call]
        self._client = _Bytes(self._channel)  # type: ignore[assignment]

    def _translate_data(self, data: Sequence[ReadableSpan]) -> bytes:  # type: ignore[override]
        return self._encoder.encode(data)


class _Bytes:
    """The collector's trace service, for requests that are encoded already."""

    def __init__(self, channel: Any) -> None:
        self.Export = channel.unary_unary(  # the name of the stub that it stands for
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            response_deserializer=ExportTraceServiceResponse.FromString,
        )


def _connection(settings: TelemetrySettings, timeout_seconds: float) -> dict[str, Any]:
    headers = (("authorization", f"Bearer {settings.otlp_token}"),) if settings.otlp_token else None
    return {
        "endpoint": settings.otlp_endpoint,
        "headers": headers,
        "timeout": timeout_seconds,
        "channel_options": _CHANNEL,
    }


def _resource(service: str | None, settings: TelemetrySettings) -> Resource:
    name = service or "cdb"
    return Resource.create(
        {
            "service.namespace": settings.namespace,
            "service.name": name,
            "service.instance.id": settings.instance_id or name,
            "service.version": settings.version,
        }
    )


def _done(actions: Sequence[Callable[[], Any]], seconds: float) -> bool:
    """Run *actions* in parallel for at most *seconds*; tell whether all have ended."""
    deadline = monotonic() + seconds
    threads = []
    for action in actions:
        thread = Thread(target=action, name="telemetry-shutdown", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # called by atexit: from Python 3.12 on, no thread starts any more
            action()  # exports have timeouts of their own
        else:
            threads.append(thread)
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    return not any(thread.is_alive() for thread in threads)
