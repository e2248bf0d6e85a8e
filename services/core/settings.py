"""What the operator may set for cdb_core; each strategy says beside it what may be set of its own."""

from pydantic import Field

from services import topology
from services.settings import Plugins, PluginSettings, Port, ServiceSettings, port_of


class CoreSettings(ServiceSettings, PluginSettings):
    """Where it listens, which strategies it runs, and where those of others are."""

    port: Port = port_of(topology.CORE)
    strategies: Plugins = Field(
        default=("momentum_v1",), validation_alias="CDB_STRATEGIES", description="names, or package.module:Class"
    )
