"""The stack's own OpenTelemetry Collector."""

from cdb.running.native.config import StackConfig
from cdb.running.native.ports import HOST
from cdb.running.native.tools import COLLECTOR
from cdb.running.server_settings import CollectorSettings, for_server

FILES = ("config.yaml", "renaming.yaml")
FEATURE_GATES = "--feature-gates=+processor.tailsamplingprocessor.recordpolicy"


def command(config: StackConfig) -> tuple[str, ...]:
    """Command line; ports and token are in the environment."""
    folder = config.root / "otel-collector"
    return (str(COLLECTOR.path), *(word for name in FILES for word in ("--config", str(folder / name))), FEATURE_GATES)


def environment(config: StackConfig) -> dict[str, str]:
    """Environment of the collector besides the stack's."""
    return {
        "CDB_COLLECTOR_HOST": HOST,
        "CDB_JAEGER_HOST": HOST,
        "CDB_TRACE_QUEUE_DIR": str(config.layout.data_of("otel_collector")),
        "GOMEMLIMIT": "350MiB",
        **for_server(CollectorSettings, config.environment),
    }


def provides(config: StackConfig) -> dict[str, str]:
    """Where services send metrics and spans."""
    return {"CDB_OTLP_ENDPOINT": f"http://{HOST}:{config.ports.otlp_grpc}"}
