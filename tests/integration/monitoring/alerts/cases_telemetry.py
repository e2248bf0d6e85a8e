"""When the alerts on the telemetry itself fire. All times are from the first scrape."""

from typing import Final

from tests.integration.monitoring.alerts.cases_system import services
from tests.integration.monitoring.alerts.promtool import Case, Firing


def telemetry(summary: str, description: str, severity: str = "warning", **labels: str) -> Firing:
    return Firing(severity=severity, component="telemetry", labels=labels, summary=summary, description=description)


def collector(why: str) -> Firing:
    return telemetry(
        "The OpenTelemetry Collector is down",
        f"The collector {why}. Until it is back, no cdb_* metrics arrive, and no alert on them can start firing.",
        severity="critical",
    )


NO_ANSWER: Final = collector("does not answer Prometheus (up is 0)")
NO_TARGET: Final = collector("is no longer a target of Prometheus (it has no up)")
EXPOSITION: Final = 'up{instance="cdb_otel_collector:9464", job="otel_collector"}'
OWN: Final = 'up{instance="cdb_otel_collector:8888", job="otel_collector"}'
MISSING: Final = telemetry(
    "cdb_core runs, but its metrics do not arrive",
    "cdb_core answers Prometheus (up is 1), but its cdb_health_status is missing: its cdb_* metrics do not get "
    "through the collector.",
    service="cdb_core",
)
AT: Final = 'instance="cdb_core:8001", job="cdb_services"'
AT_COLLECTOR: Final = 'instance="cdb_otel_collector:8888", job="otel_collector", service_instance_id="{}"'
FIRST: Final = AT_COLLECTOR.format("a")
SECOND: Final = AT_COLLECTOR.format("b")


def undelivered(batches: int) -> Firing:
    return telemetry(
        "cdb_core:8001 cannot deliver its traces",
        f"cdb_core:8001 has dropped about {batches} batches of traces within 10 minutes.",
        instance="cdb_core:8001",
        signal="traces",
    )


def not_finite(values: int) -> Firing:
    return telemetry(
        "cdb_core:8001 records impossible values of cdb_signal_strength",
        f"cdb_core:8001 has ignored about {values} values of cdb_signal_strength within 10 minutes: values that "
        "are not finite, or negative increments of a counter.",
        instance="cdb_core:8001",
        metric="cdb_signal_strength",
    )


def overflow(times: int) -> Firing:
    return telemetry(
        "cdb_core:8001 records cdb_signal_errors_total with labels that are not in the contract",
        f"cdb_core:8001 has recorded cdb_signal_errors_total about {times} times within 10 minutes with labels that "
        "are not in the contract; these labels were recorded as other.",
        instance="cdb_core:8001",
        metric="cdb_signal_errors_total",
    )


def filtered(points: int) -> Firing:
    return telemetry(
        "The collector drops points that are not in the contract",
        f"filter/contract has dropped about {points} points within 10 minutes. Their name, type, unit, labels or "
        "buckets differ from the contract.",
        filter="filter/contract",
    )


def refused(signal: str, count: int) -> Firing:
    return telemetry(
        f"The collector refuses {signal}",
        f"The collector has refused about {count} {signal} within 10 minutes, probably because it is short of memory.",
        signal=signal,
    )


def not_handed_on(signal: str, exporter: str, count: int) -> Firing:
    return telemetry(
        f"The collector cannot export {signal}",
        f"The collector's exporter {exporter} has failed to send about {count} {signal} within 10 minutes.",
        signal=signal,
        exporter=exporter,
    )


def jaeger(why: str) -> Firing:
    return telemetry(
        "Jaeger is down",
        f"Jaeger {why}. You cannot look at traces, and new traces wait in the collector's queue.",
    )


def full(percent: str) -> Firing:
    return telemetry(
        "The collector's span queue is filling",
        f"The queue of the collector's exporter otlp_grpc/jaeger is {percent} full. When the queue is full, spans "
        "are lost.",
        exporter="otlp_grpc/jaeger",
    )


def lost(spans: int) -> Firing:
    return telemetry(
        "The collector loses spans",
        f"The queue of the collector's exporter otlp_grpc/jaeger was full: about {spans} spans of kept traces were "
        "lost within 10 minutes.",
        exporter="otlp_grpc/jaeger",
    )


def unjudged(traces: int) -> Firing:
    return telemetry(
        "The collector drops traces before it decides whether to keep them",
        f"The collector's trace buffer was full: within 10 minutes the collector dropped about {traces} traces before "
        "it had decided whether to keep them.",
    )


def over_limit(traces: int) -> Firing:
    return telemetry(
        "There are too many slow, failed or rejected decisions to keep all their traces",
        "The collector keeps only a sample of the traces of slow, failed and rejected decisions (about "
        f"{traces} within 10 minutes): all of them would take too much disk.",
    )


LARGE: Final = telemetry(
    "Jaeger's storage is large",
    "Jaeger's traces take 3.725GiB of the disk; a day of traces should take less than 4 GB.",
)
NO_JAEGER: Final = jaeger("does not answer Prometheus (up is 0)")
NO_JAEGER_TARGET: Final = jaeger("is no longer a target of Prometheus (it has no up)")
JAEGER: Final = 'up{instance="cdb_jaeger:8888", job="jaeger"}'
STORAGE: Final = (
    'jaeger_storage_badger_size_bytes_lsm{kind="badger", name="badger", role="tracestore", '
    'instance="cdb_jaeger:8888", job="jaeger"}'
)


def queue(size: str) -> dict[str, str]:
    """The series of a queue for 1,000 spans."""
    of = f'data_type="traces", exporter="otlp_grpc/jaeger", {FIRST}'
    return {f"otelcol_exporter_queue_size{{{of}}}": size, f"otelcol_exporter_queue_capacity{{{of}}}": "1000x60"}


def rejected(code: str, count: int) -> Firing:
    return telemetry(
        f"The collector rejects requests ({code})",
        f"The collector has answered about {count} requests with {code} within 10 minutes.",
        code=code,
    )


def counted(alert: str, name: str, labels: str, firing: Firing) -> tuple[Case, ...]:
    """The cases of a counter that is not there before it counts: it comes with 5."""
    series = f"{name}{{{labels}}}"
    return (
        Case(
            rule=f"{name} fires for a series that begins above 0, once, and resolves",
            alert=alert,
            series={series: "_x7 5x120"},
            at={"1m30s": [], "1m45s": [firing], "11m": [firing], "13m": [], "30m": []},
        ),
        Case(
            rule=f"{name} is quiet at 0",
            alert=alert,
            series={series: "0x120"},
            at={"15s": [], "20m": []},
        ),
        Case(
            rule=f"{name} that has been 0 for long fires, and is not new after a silence",
            alert=alert,
            series={series: "0x60 5 5x80 stale _x60 5x60"},
            at={"15m": [], "15m30s": [firing], "27m": [], "51m15s": [], "53m": []},
        ),
    )


CASES: Final = (
    Case(
        rule="a collector that is away fires after half a minute and resolves a minute after it is back",
        alert="CollectorDown",
        series={EXPOSITION: "1x3 0x5 1x9", OWN: "1x3 0x5 1x9"},
        at={"1m15s": [], "1m30s": [NO_ANSWER], "3m15s": [NO_ANSWER], "3m45s": []},
    ),
    Case(
        rule="an exposition that is away while the collector's own telemetry is there is enough",
        alert="CollectorDown",
        series={EXPOSITION: "1x3 0x9", OWN: "1x12"},
        at={"1m15s": [], "1m30s": [NO_ANSWER]},
    ),
    Case(
        rule="a collector that is no target is down",
        alert="CollectorDown",
        series={OWN: "1x12"},
        at={"15s": [], "30s": [NO_TARGET]},
    ),
    Case(
        rule="a running service without figures fires after two minutes and resolves when they are back",
        alert="ServiceMetricsMissing",
        series=services(health={"cdb_core": "1x3 stale _x10 1x20"}),
        at={"2m45s": [], "3m": [MISSING], "3m30s": [MISSING], "4m": []},
    ),
    Case(
        rule="a standby has no figures of its own",
        alert="ServiceMetricsMissing",
        series={**services(), 'up{instance="cdb_risk_standby:8102", job="cdb_services"}': "1x60"},
        at={"10m": []},
    ),
    Case(
        rule="a dead service without figures is no fault of telemetry",
        alert="ServiceMetricsMissing",
        series=services(up={"cdb_core": "0x60"}, health={"cdb_core": ""}),
        at={"5m": []},
    ),
    Case(
        rule="batches that were given up fire and resolve; those of a service's start do not",
        alert="TelemetryExportsFailing",
        series={
            f'cdb_telemetry_export_failures_total{{signal="traces", {AT}}}': "0x7 3x80",
            f'cdb_telemetry_export_failures_total{{signal="metrics", {AT}}}': "_x7 3x80",
        },
        at={"1m45s": [], "11m": [undelivered(3)], "13m": []},
    ),
    *counted(
        "TelemetryValuesRefused",
        "cdb_telemetry_values_refused_total",
        f'metric="cdb_signal_strength", {AT}',
        not_finite(5),
    ),
    *counted(
        "TelemetryLabelOverflow",
        "cdb_telemetry_label_overflow_total",
        f'metric="cdb_signal_errors_total", {AT}',
        overflow(5),
    ),
    *counted(
        "CollectorPointsFiltered",
        "otelcol_processor_filter_datapoints_filtered",
        f'filter="filter/contract", {FIRST}',
        filtered(5),
    ),
    *counted(
        "CollectorRefusesData",
        "otelcol_receiver_refused_metric_points",
        f'receiver="otlp", transport="grpc", {FIRST}',
        refused("metric points", 5),
    ),
    *counted(
        "CollectorRefusesData",
        "otelcol_receiver_refused_spans",
        f'receiver="otlp", transport="grpc", {FIRST}',
        refused("spans", 5),
    ),
    *counted(
        "CollectorExportsFailing",
        "otelcol_exporter_send_failed_metric_points",
        f'exporter="prometheus", {FIRST}',
        not_handed_on("metric points", "prometheus", 5),
    ),
    *counted(
        "CollectorExportsFailing",
        "otelcol_exporter_send_failed_spans",
        f'exporter="otlp_grpc/jaeger", {FIRST}',
        not_handed_on("spans", "otlp_grpc/jaeger", 5),
    ),
    *counted(
        "CollectorRejectsRequests",
        "rpc_server_call_duration_count",
        f'rpc_method="Export", rpc_response_status_code="UNAUTHENTICATED", {FIRST}',
        rejected("UNAUTHENTICATED", 5),
    ),
    *counted(
        "CollectorRejectsRequests",
        "http_server_request_duration_count",
        f'http_request_method="POST", http_response_status_code="401", {FIRST}',
        rejected("401", 5),
    ),
    *counted(
        "TracesLost",
        "otelcol_exporter_enqueue_failed_spans",
        f'exporter="otlp_grpc/jaeger", {FIRST}',
        lost(5),
    ),
    *counted(
        "TracesUnjudged",
        "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early",
        FIRST,
        unjudged(5),
    ),
    *counted(
        "TracesOverLimit",
        "otelcol_processor_tail_sampling_count_traces_sampled",
        f'decision="sampled", policy="over_limit", sampled="true", {FIRST}',
        over_limit(5),
    ),
    Case(
        rule="traces that are kept for another reason, or not, are within the limits",
        alert="TracesOverLimit",
        series={
            f"otelcol_processor_tail_sampling_count_traces_sampled{{{labels}, {FIRST}}}": "0+5x40"
            for labels in (
                'decision="sampled", policy="slow", sampled="true"',
                'decision="not_sampled", policy="over_limit", sampled="false"',
            )
        },
        at={"5m": []},
    ),
    Case(
        rule="a Jaeger that is away fires after a minute and resolves when it is back",
        alert="JaegerDown",
        series={JAEGER: "1x3 0x7 1x9"},
        at={"1m45s": [], "2m": [NO_JAEGER], "2m45s": [NO_JAEGER], "3m": []},
    ),
    Case(
        rule="a Jaeger that is no target is the same alert, which goes on",
        alert="JaegerDown",
        series={JAEGER: "1x3 0x1 stale _x20 1x9"},
        at={"1m45s": [], "2m": [NO_JAEGER_TARGET], "6m": [NO_JAEGER_TARGET], "7m": []},
    ),
    Case(
        rule="a queue that is more than half full for a minute fires, and resolves when it is empty",
        alert="TraceQueueFilling",
        series=queue("0x3 501x7 0x9"),
        at={"1m45s": [], "2m": [full("50.1%")], "2m45s": [full("50.1%")], "3m": []},
    ),
    Case(
        rule="a queue that is half full is quiet",
        alert="TraceQueueFilling",
        series=queue("500x40"),
        at={"5m": []},
    ),
    Case(
        rule="traces on more than 4 GB for five minutes fire, and resolve when they take less",
        alert="TraceStorageLarge",
        series={STORAGE: "1e9x3 4000000001x23 4e9x9"},
        at={"5m45s": [], "6m": [LARGE], "6m45s": [LARGE], "7m": []},
    ),
    Case(
        rule="requests that were answered well are quiet",
        alert="CollectorRejectsRequests",
        series={
            f'rpc_server_call_duration_count{{rpc_response_status_code="OK", {FIRST}}}': "0+5x40",
            f'http_server_request_duration_count{{http_response_status_code="200", {FIRST}}}': "0+5x40",
        },
        at={"5m": []},
    ),
    Case(
        rule="what two starts of the collector have refused is one alert",
        alert="CollectorPointsFiltered",
        series={
            f'otelcol_processor_filter_datapoints_filtered{{filter="filter/contract", {FIRST}}}': "5x7 stale",
            f'otelcol_processor_filter_datapoints_filtered{{filter="filter/contract", {SECOND}}}': "_x9 7x20",
        },
        at={"1m": [filtered(5)], "3m": [filtered(7)]},
    ),
)
