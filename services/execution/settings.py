"""What the operator may set for cdb_execution."""

from services import topology
from services.execution.venue import VenueSettings
from services.settings import LedgerSettings, Port, ServiceSettings, port_of


class ExecutionSettings(ServiceSettings, LedgerSettings):
    """Where it listens, and the paper venue."""

    port: Port = port_of(topology.EXECUTION)
    venue: VenueSettings
