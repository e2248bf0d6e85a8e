"""The stack's own OpenTelemetry Collector."""

from cdb.stack.config import StackConfig
from cdb.stack.ports import HOST
from cdb.stack.tools import otelcol

FILES = ("config.yaml", "renaming.yaml")


def command(config: StackConfig) -> tuple[str, ...]:
    """Return the collector's command line; ports and token come from its environment."""
    folder = config.root / "otel-collector"
    return (otelcol(), *(word for name in FILES for word in ("--config", str(folder / name))))


def environment(_config: StackConfig) -> dict[str, str]:
    """Return what the collector reads besides the stack's settings."""
    return {"CDB_COLLECTOR_HOST": HOST, "GOMEMLIMIT": "350MiB"}


def provides(config: StackConfig) -> dict[str, str]:
    """Tell the services where to send."""
    return {"CDB_OTLP_ENDPOINT": f"http://{HOST}:{config.ports.otlp_grpc}"}
