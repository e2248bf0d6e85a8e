"""Settings of the local alert receiver."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from services.settings import Port, ServiceSettings


class ReceiverSettings(BaseSettings):
    """Where it listens, where it stores notifications, and how many."""

    model_config = ServiceSettings.model_config

    http_host: str = Field("127.0.0.1", alias="CDB_HTTP_HOST")
    port: Port = Field(9094, alias="CDB_ALERT_RECEIVER_PORT")
    data: Path = Field(alias="CDB_ALERT_RECEIVER_DATA")
    keep: Annotated[int, Field(ge=1, le=1_000_000)] = Field(10_000, alias="CDB_ALERT_RECEIVER_KEEP")

    log_format: Literal["auto", "json", "console"] = Field("auto", alias="CDB_LOG_FORMAT")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="CDB_LOG_LEVEL")
