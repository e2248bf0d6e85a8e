"""Settings of cdb_console."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from monitoring.notifications.settings import NotificationSettings
from services import topology
from services.ledger.connection import LedgerAddress
from services.risk.limits import Limits
from services.settings import READER, OperatorSettings, Password, Port, ReaderSettings, length_of_time, port_of, split

Names = Annotated[tuple[str, ...], BeforeValidator(split)]


class ConsoleSettings(ReaderSettings, OperatorSettings, NotificationSettings):
    """Where it listens and under which names, who may log in, and where it reads.

    *on_loopback*: whoever reaches it is on this machine, though it listens on another address, as in a container.
    """

    http_host: str = Field(default="127.0.0.1", validation_alias="CDB_HTTP_HOST")
    port: Port = port_of(topology.CONSOLE)
    grafana_port: Port | None = Field(default=None, validation_alias="CDB_CONSOLE_GRAFANA_PORT")
    on_loopback: bool = Field(default=False, validation_alias="CDB_CONSOLE_ON_LOOPBACK")
    names: Names = Field(default=(), validation_alias="CDB_CONSOLE_NAMES")
    password: Password = Field(validation_alias="CDB_CONSOLE_PASSWORD", min_length=1)
    session: Annotated[timedelta, length_of_time(least=timedelta(minutes=1), most=timedelta(days=30))] = Field(
        timedelta(hours=12), validation_alias="CDB_CONSOLE_SESSION"
    )

    data: Path = Field(validation_alias="CDB_CONSOLE_DATA")
    logs: Path | None = Field(default=None, validation_alias="CDB_CONSOLE_LOGS")
    prometheus: str = Field(validation_alias="CDB_CONSOLE_PROMETHEUS")
    alertmanager: str = Field(validation_alias="CDB_CONSOLE_ALERTMANAGER")
    jaeger: str = Field(validation_alias="CDB_CONSOLE_JAEGER")
    risk: str = Field(validation_alias="CDB_CONSOLE_RISK")
    limits: Limits
    """Those that cdb_risk has, for the same variables say them."""
    log_format: Literal["auto", "json", "console"] = Field(default="auto", validation_alias="CDB_LOG_FORMAT")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", validation_alias="CDB_LOG_LEVEL")

    @property
    def ledger(self) -> LedgerAddress:
        """The ledger, for reading."""
        return LedgerAddress(self.postgres_host, self.postgres_port, READER, self.postgres_db, self.reader_password)

    @property
    def reads_are_open(self) -> bool:
        """Whether one may read without a login: nobody but users of this machine can reach it."""
        return self.on_loopback or self.http_host in {"127.0.0.1", "::1", "localhost"}
