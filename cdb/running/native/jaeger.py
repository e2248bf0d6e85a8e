"""The stack's own Jaeger: it keeps the traces that the collector has chosen."""

from cdb.running.native.config import StackConfig
from cdb.running.native.ports import HOST
from cdb.running.native.tools import jaeger


def command(config: StackConfig) -> tuple[str, ...]:
    """Return the server's command line; ports and place of its data come from its environment."""
    return (jaeger(), "--config", str(config.root / "monitoring" / "jaeger" / "config.yaml"))


def environment(config: StackConfig) -> dict[str, str]:
    """Return what Jaeger reads besides the stack's settings."""
    return {"CDB_JAEGER_HOST": HOST, "CDB_JAEGER_DATA": str(config.layout.data_of("jaeger")), "GOMEMLIMIT": "500MiB"}
