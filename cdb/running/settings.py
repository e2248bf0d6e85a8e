"""Settings of the servers that commands reach, read from names and values."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings

from cdb.running.errors import StackError
from cdb.running.native.ports import HOST
from services.settings import Port, ServiceSettings, explain

S = TypeVar("S", bound=BaseSettings)


class BusSettings(BaseSettings):
    """How to reach the bus."""

    model_config = ServiceSettings.model_config

    redis_host: str = Field(HOST, alias="REDIS_HOST")
    redis_port: Port = Field(16379, alias="REDIS_PORT")
    redis_password: SecretStr = Field(alias="REDIS_PASSWORD", min_length=1)


def read_settings(kind: type[S], environment: Mapping[str, object]) -> S:
    """Read *kind* from *environment*; raises StackError naming each wrong variable and what is allowed."""
    try:
        return kind.model_validate(environment)
    except ValidationError as error:
        raise StackError("; ".join(explain(kind, dict(problem)) for problem in error.errors())) from error
