"""What the operator may set for cdb_ws; each source says beside it what may be set of its own."""

from services import topology
from services.settings import PluginSettings, Port, ServiceSettings, port_of


class WsSettings(ServiceSettings, PluginSettings):
    """Where it listens, and where sources of others are."""

    port: Port = port_of(topology.WS)
