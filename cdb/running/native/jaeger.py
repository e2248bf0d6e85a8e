"""The stack's own Jaeger: it stores the traces that the collector has chosen."""

from cdb.running import durations
from cdb.running.native.config import StackConfig
from cdb.running.native.ports import HOST
from cdb.running.native.tools import jaeger


def command(config: StackConfig) -> tuple[str, ...]:
    """Command line; ports and place of the data are in the environment."""
    return (jaeger(), "--config", str(config.root / "monitoring" / "jaeger" / "config.yaml"))


def environment(config: StackConfig) -> dict[str, str]:
    """Environment of Jaeger besides the stack's."""
    return {
        "CDB_JAEGER_HOST": HOST,
        "CDB_JAEGER_DATA": str(config.layout.data_of("jaeger")),
        "GOMEMLIMIT": "500MiB",
        **durations.for_servers(config.environment, *durations.IN_JAEGER),
    }
