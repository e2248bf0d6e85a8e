"""Settings from the environment, refused at start with the variable, its value and what is allowed."""

import os
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services import durations


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        float(value)
    except ValueError:
        return durations.parse(value, plain="s").total_seconds()
    return value


Fraction = Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]
PositiveSeconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False), BeforeValidator(_seconds)]


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _unique(symbols: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(symbols)) < len(symbols):
        raise ValueError("every symbol may stand there once")
    return symbols


Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,20}$")]
Symbols = Annotated[
    tuple[Symbol, ...], NoDecode, BeforeValidator(_split), AfterValidator(_unique), Field(min_length=1, max_length=200)
]

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOTUSDT", "LINKUSDT", "LTCUSDT")


class ServiceSettings(BaseSettings):
    """What every service reads."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, case_sensitive=True)

    redis_host: str = Field("127.0.0.1", alias="REDIS_HOST")
    redis_port: Port = Field(16379, alias="REDIS_PORT")
    redis_password: SecretStr = Field(alias="REDIS_PASSWORD", min_length=1)

    http_host: str = Field("127.0.0.1", alias="CDB_HTTP_HOST")
    symbols: Symbols = Field(DEFAULT_SYMBOLS, alias="CDB_SYMBOLS")
    source: Literal["simulated", "replay"] = Field("simulated", alias="CDB_SOURCE")
    clock: Literal["wall", "event"] = Field("wall", alias="CDB_CLOCK")
    test_endpoints: bool = Field(False, alias="CDB_TEST_ENDPOINTS")

    log_format: Literal["auto", "json", "console"] = Field("auto", alias="CDB_LOG_FORMAT")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", alias="CDB_LOG_LEVEL")

    otlp_endpoint: str = Field("", alias="CDB_OTLP_ENDPOINT")
    tracing: bool = Field(True, alias="CDB_TRACING")
    otlp_token: SecretStr = Field(SecretStr(""), alias="CDB_OTLP_TOKEN")
    export_interval_s: PositiveSeconds = Field(15.0, alias="CDB_METRIC_EXPORT_INTERVAL_S")


class LedgerSettings(BaseSettings):
    """How to reach the ledger."""

    model_config = ServiceSettings.model_config

    postgres_host: str = Field("127.0.0.1", alias="POSTGRES_HOST")
    postgres_port: Port = Field(15432, alias="POSTGRES_PORT")
    postgres_user: str = Field("claire", alias="POSTGRES_USER", min_length=1)
    postgres_password: SecretStr = Field(alias="POSTGRES_PASSWORD", min_length=1)
    postgres_db: str = Field("claire_de_binaire", alias="POSTGRES_DB", min_length=1)


class MigrateSettings(LedgerSettings):
    """What bringing the ledger up to date needs; without a password for it nobody can monitor the server."""

    monitoring_password: SecretStr = Field(SecretStr(""), alias="CDB_MONITORING_PASSWORD")


S = TypeVar("S", bound=BaseSettings)


SECRETS_DIR: Final = "CDB_SECRETS_DIR"


class BadSecretsDir(Exception):
    """There is no directory of secrets where one is said to be; the text says where."""


def load(kind: type[S]) -> S:
    """Read *kind* from the environment, or end the process with one line per wrong variable.

    Where CDB_SECRETS_DIR names a directory, as in containers, what the environment lacks is looked for in the files of
    its subdirectories, each called as its variable is.
    """
    try:
        return kind(_secrets_dir=secret_folders(os.environ))
    except BadSecretsDir as error:
        sys.stderr.write(f"{error}\n")
    except ValidationError as error:
        for problem in error.errors():
            sys.stderr.write(explain(kind, dict(problem)) + "\n")
    raise SystemExit(2)


def secret_folders(environ: Mapping[str, str]) -> list[Path]:
    """Return the directories whose files may hold settings; none unless CDB_SECRETS_DIR says where they are.

    Raise BadSecretsDir if that cannot be read.
    """
    place = environ.get(SECRETS_DIR, "")
    try:
        return sorted(folder for folder in Path(place).iterdir() if folder.is_dir()) if place else []
    except OSError as error:
        raise BadSecretsDir(
            f"{SECRETS_DIR}={place!r} is no directory that can be read: it holds those of secrets"
        ) from error


def settings_in_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that such files hold, by variable; raise BadSecretsDir."""
    files = [file for folder in secret_folders(environ) for file in folder.iterdir() if file.is_file()]
    return {file.name: file.read_text(encoding="utf-8").strip() for file in files}


def explain(kind: type[BaseSettings], problem: dict[str, Any]) -> str:
    """Say in one line which variable is wrong, what it holds (unless it is secret) and what is allowed."""
    name = str(problem["loc"][0]) if problem["loc"] else "settings"
    field = next((field for field in kind.model_fields.values() if field.alias == name), None)
    if problem["type"] == "missing":
        return f"{name} is not set: it has no default ('make env' writes secrets into .env)"
    secret = field is not None and field.annotation is SecretStr
    held = "" if secret else f"={os.environ.get(name, '')[:80]!r}"
    allowed = problem["msg"].removeprefix("Value error, ")
    hint = f" ({field.description})" if field is not None and field.description else ""
    return f"{name}{held} is refused: {allowed}{hint}"
