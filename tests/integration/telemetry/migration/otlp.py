"""A real OTLP receiver that notes who sent what."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc


@dataclass
class Received:
    """What has arrived so far; the newest metrics by instance and name."""

    endpoint: str = ""
    tokens: set[str] = field(default_factory=set)
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)


@contextmanager
def receiver() -> Iterator[Received]:
    """Receive metrics over gRPC on a free port."""
    log = Received()

    class Metrics(metrics_grpc.MetricsServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  gRPC's name
            log.tokens.update(value for key, value in context.invocation_metadata() if key == "authorization")
            for sent in request.resource_metrics:
                named = {item.key: item.value.string_value for item in sent.resource.attributes}
                newest = log.metrics.setdefault(named["service.instance.id"], {})
                newest.update({metric.name: metric for scope in sent.scope_metrics for metric in scope.metrics})
            return metrics_pb.ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    metrics_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)  # type: ignore[no-untyped-call]
    log.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield log
    finally:
        server.stop(None).wait()
