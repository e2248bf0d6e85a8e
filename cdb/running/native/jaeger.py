"""The stack's own Jaeger: it stores the traces that the collector has chosen."""

from cdb.running.native.config import StackConfig
from cdb.running.native.ports import HOST
from cdb.running.native.tools import JAEGER
from cdb.running.server_settings import JaegerSettings, for_server


def command(config: StackConfig) -> tuple[str, ...]:
    """Command line; ports and place of the data are in the environment."""
    return (str(JAEGER.path), "--config", str(config.root / "monitoring" / "jaeger" / "config.yaml"))


def environment(config: StackConfig) -> dict[str, str]:
    """Environment of Jaeger besides the stack's."""
    return {
        "CDB_JAEGER_HOST": HOST,
        "CDB_JAEGER_DATA": str(config.layout.data_of("jaeger")),
        "GOMEMLIMIT": "500MiB",
        **for_server(JaegerSettings, config.environment),
    }
