"""What the console is told of the stack that it shows."""

from cdb.running.native import grafana
from cdb.running.native.config import StackConfig
from cdb.running.native.ports import HOST
from services.topology import CONSOLE


def environment(config: StackConfig) -> dict[str, str]:
    """Where it stores notifications, where its servers are, and that it stands in for Grafana where there is none."""
    ports = config.ports
    stands_in = not grafana.installed()
    return {
        "CDB_CONSOLE_DATA": str(config.layout.data_of(CONSOLE.name)),
        "CDB_CONSOLE_LOGS": str(config.layout.logs),
        "CDB_CONSOLE_ALERTMANAGER": f"http://{HOST}:{ports.alertmanager}",
        "CDB_CONSOLE_JAEGER": f"http://{HOST}:{ports.jaeger}",
        "CDB_CONSOLE_PROMETHEUS": f"http://{HOST}:{ports.prometheus}",
        "CDB_CONSOLE_RISK": f"http://{HOST}:{ports.cdb_risk}",
        **({"CDB_CONSOLE_GRAFANA_PORT": str(ports.grafana)} if stands_in else {}),
    }
