"""The stack's own OpenTelemetry Collector."""

from cdb.running.native.config import StackConfig
from cdb.running.native.ports import HOST
from cdb.running.native.tools import otelcol

FILES = ("config.yaml", "renaming.yaml")
FEATURE_GATES = "--feature-gates=+processor.tailsamplingprocessor.recordpolicy"


def command(config: StackConfig) -> tuple[str, ...]:
    """Return the collector's command line; ports and token come from its environment."""
    folder = config.root / "otel-collector"
    return (otelcol(), *(word for name in FILES for word in ("--config", str(folder / name))), FEATURE_GATES)


def environment(config: StackConfig) -> dict[str, str]:
    """Return what the collector reads besides the stack's settings."""
    return {
        "CDB_COLLECTOR_HOST": HOST,
        "CDB_JAEGER_HOST": HOST,
        "CDB_TRACE_QUEUE_DIR": str(config.layout.data_of("otel_collector")),
        "GOMEMLIMIT": "350MiB",
    }


def provides(config: StackConfig) -> dict[str, str]:
    """Tell the services where to send."""
    return {"CDB_OTLP_ENDPOINT": f"http://{HOST}:{config.ports.otlp_grpc}"}
