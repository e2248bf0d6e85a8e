"""Settings of the local alert receiver."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from services.settings import Port, Settings


class KeepSettings(Settings):
    """How many notifications it stores."""

    keep: Annotated[int, Field(ge=1, le=1_000_000)] = Field(10_000, validation_alias="CDB_ALERT_RECEIVER_KEEP")


class ReceiverSettings(KeepSettings):
    """Where it listens, where it stores notifications and how many, and the addresses of those who send them."""

    http_host: str = Field(default="127.0.0.1", validation_alias="CDB_HTTP_HOST")
    port: Port = Field(default=9094, validation_alias="CDB_ALERT_RECEIVER_PORT")
    data: Path = Field(validation_alias="CDB_ALERT_RECEIVER_DATA")
    prometheus: str = Field(default="", validation_alias="CDB_ALERT_RECEIVER_PROMETHEUS")
    alertmanager: str = Field(default="", validation_alias="CDB_ALERT_RECEIVER_ALERTMANAGER")

    log_format: Literal["auto", "json", "console"] = Field(default="auto", validation_alias="CDB_LOG_FORMAT")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", validation_alias="CDB_LOG_LEVEL")
