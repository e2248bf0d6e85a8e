"""Settings from the environment, refused at start with the variable, its value and what is allowed.

What a rule, a strategy, a source or the venue lets the operator choose is declared once, in a Settings class beside it;
a service's settings.py nests those that it needs. All of them are read from one flat environment. An empty value means
the default. A class that knows which of its settings cannot work together refuses them with `refuse_together`.
"""

import os
import re
import sys
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, TypeGuard, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from services import durations
from services.topology import Service


def length_of_time(
    *, plain: str = "s", least: timedelta = durations.SHORTEST, most: timedelta = durations.LONGEST
) -> BeforeValidator:
    """Let a field of type timedelta be written as services/durations.py says; *plain* is a bare number's unit."""

    def read_length(value: object) -> object:
        if not isinstance(value, str):
            return value
        return durations.parse(value.strip(), least=least, most=most, plain=plain)

    return BeforeValidator(read_length)


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    return durations.parse(value.strip(), most=timedelta(days=1), plain="s").total_seconds()


Fraction = Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]
PositiveSeconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False), BeforeValidator(_seconds)]
BearerToken = Annotated[
    SecretStr,
    AfterValidator(
        lambda secret: _spelt(secret, r"[A-Za-z0-9._~+/-]+=*", "only letters, digits and . _ ~ + / - are allowed")
    ),
]
"""What an HTTP header and gRPC's metadata can carry (RFC 6750)."""
Password = Annotated[
    SecretStr,
    AfterValidator(
        lambda secret: _spelt(secret, r"[!-~]([ -~]*[!-~])?", "only printable ASCII characters are allowed")
    ),
]
"""What every program that logs in somewhere sends as it stands."""


def _spelt(secret: SecretStr, pattern: str, allowed: str) -> SecretStr:
    if secret.get_secret_value() and not re.fullmatch(pattern, secret.get_secret_value()):
        raise ValueError(allowed)
    return secret


def split(value: object) -> object:
    """Separate at commas what is given as one text."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("each may stand there once")
    return names


def written_as(pattern: str, allowed: str) -> AfterValidator:
    """Let a text match *pattern* as a whole; *allowed* says in words what does."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(allowed)
        return text

    return AfterValidator(check)


Symbol = Annotated[str, written_as("[A-Z0-9]{2,20}", "each must be 2 to 20 capital letters or digits, such as BTCUSDT")]
Symbols = Annotated[
    tuple[Symbol, ...], BeforeValidator(split), AfterValidator(_unique), Field(min_length=1, max_length=200)
]
Plugin = Annotated[
    str,
    written_as(
        "[A-Za-z0-9_]{1,40}|[A-Za-z0-9_.]+:[A-Za-z0-9_]+",
        "a name of letters, digits and _ is allowed, or package.module:Class",
    ),
]
"""A module of ours by its name, or somebody else's class as package.module:Class."""
Plugins = Annotated[
    tuple[Plugin, ...], BeforeValidator(split), AfterValidator(_unique), Field(min_length=1, max_length=20)
]


def _directory(path: str) -> str:
    if path and not (Path(path).is_absolute() and Path(path).is_dir()):
        raise ValueError("there must be a directory there")
    return path


PluginPath = Annotated[str, AfterValidator(_directory)]
OFF: Final = "off"
OtlpEndpoint = Annotated[
    str,
    written_as(rf"(?:https?://\S+|{OFF}|)", "it must begin with http:// or https://"),
    AfterValidator(lambda text: "" if text == OFF else text),
]

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOTUSDT", "LINKUSDT", "LTCUSDT")


class Settings(BaseModel):
    """A group of settings. Each field is read from the variable of its validation_alias; a group in it shares them."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _share_with_nested(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        nested = {name for name, field in cls.model_fields.items() if is_group(field.annotation)}
        return {**dict.fromkeys(nested, values), **without_empty(values)}

    @classmethod
    def variables(cls) -> dict[str, FieldInfo]:
        """Each variable with its field, those of nested groups too."""
        found: dict[str, FieldInfo] = {}
        for field in cls.model_fields.values():
            if is_group(field.annotation):
                found |= field.annotation.variables()
            elif field.validation_alias is not None:
                found[str(field.validation_alias)] = field
        return found

    def refuse_together(self, one: str, other: str, why: str) -> NoReturn:
        """Refuse the values of the fields *one* and *other*, each "field" or "group.field": *why* they cannot work."""
        raise ValueError(f"{self._shown(one)} and {self._shown(other)} cannot work together: {why}")

    def _shown(self, path: str) -> str:
        holder: Settings = self
        *groups, name = path.split(".")
        for group in groups:
            holder = getattr(holder, group)
        value = getattr(holder, name)
        text = durations.written(value) if isinstance(value, timedelta) else f"{value}"
        return f"{type(holder).model_fields[name].validation_alias}={text.removesuffix('.0')}"


def without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is empty: as if it were not set, so that the default holds."""
    return {name: value for name, value in values.items() if not (isinstance(value, str) and not value.strip())}


def is_group(annotation: Any) -> TypeGuard[type[Settings]]:
    """Whether a field of this type nests other settings."""
    return isinstance(annotation, type) and issubclass(annotation, Settings)


class BusAddress(Settings):
    """Where the bus is. A host that begins with / is the path of Redis' Unix socket."""

    redis_host: str = Field(default="127.0.0.1", validation_alias="REDIS_HOST")
    redis_port: Port = Field(default=16379, validation_alias="REDIS_PORT")


class BusSettings(BusAddress):
    """How to reach the bus."""

    redis_password: Password = Field(validation_alias="REDIS_PASSWORD", min_length=1)


class ExportSettings(Settings):
    """How metrics and spans are recorded and leave a service."""

    recording: Literal["fast", "sdk"] = Field(
        default="fast", validation_alias="CDB_TELEMETRY_RECORDING"
    )  # see telemetry
    otlp_endpoint: OtlpEndpoint = Field(
        default="", validation_alias="CDB_OTLP_ENDPOINT", description=f"http://host:port, or {OFF}"
    )
    otlp_token: BearerToken = Field(default=SecretStr(""), validation_alias="CDB_OTLP_TOKEN")
    export_interval_s: PositiveSeconds = Field(default=15.0, validation_alias="CDB_METRIC_EXPORT_INTERVAL_S")
    tracing: bool = Field(default=True, validation_alias="CDB_TRACING")


LIVE_SOURCES: Final = frozenset({"binance", "mexc"})


class TradedSettings(Settings):
    """What is traded."""

    symbols: Symbols = Field(default=DEFAULT_SYMBOLS, validation_alias="CDB_SYMBOLS")
    source: Plugin = Field(default="simulated", validation_alias="CDB_SOURCE")

    @property
    def is_live(self) -> bool:
        """Whether the prices are those of a real market."""
        return self.source in LIVE_SOURCES


class PluginSettings(Settings):
    """Where classes of somebody else's are, besides where Python finds them."""

    plugin_path: PluginPath = Field(
        default="", validation_alias="CDB_PLUGIN_PATH", description="the absolute path of a directory"
    )


class ServiceSettings(BusSettings, TradedSettings, ExportSettings):
    """What every service reads. Each says its own port: `port: Port = port_of(topology.RISK)`."""

    port: Port
    http_host: str = Field(default="127.0.0.1", validation_alias="CDB_HTTP_HOST")
    clock: Literal["wall", "event"] = Field(default="wall", validation_alias="CDB_CLOCK")
    lockstep: bool = Field(default=False, validation_alias="CDB_LOCKSTEP")
    test_endpoints: bool = Field(default=False, validation_alias="CDB_TEST_ENDPOINTS")

    log_format: Literal["auto", "json", "console"] = Field(default="auto", validation_alias="CDB_LOG_FORMAT")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", validation_alias="CDB_LOG_LEVEL")


class LedgerPlace(Settings):
    """Where the ledger is. A host that begins with / is the directory of PostgreSQL's Unix socket."""

    postgres_host: str = Field(default="127.0.0.1", validation_alias="POSTGRES_HOST")
    postgres_port: Port = Field(default=15432, validation_alias="POSTGRES_PORT")
    postgres_db: str = Field(default="claire_de_binaire", validation_alias="POSTGRES_DB", min_length=1)


class LedgerSettings(LedgerPlace):
    """How to reach the ledger."""

    postgres_user: str = Field(default="claire", validation_alias="POSTGRES_USER", min_length=1)
    postgres_password: Password = Field(validation_alias="POSTGRES_PASSWORD", min_length=1)


READER: Final = "reader"
"""The account on PostgreSQL and on Redis that may read all, and change nothing."""


class ReaderSettings(BusAddress, LedgerPlace):
    """How to read the bus and the ledger."""

    reader_password: Password = Field(validation_alias="CDB_READER_PASSWORD", min_length=1)


class OperatorSettings(Settings):
    """What lets an operator act; without it nobody can."""

    operator_token: BearerToken = Field(default=SecretStr(""), validation_alias="CDB_OPERATOR_TOKEN")


class MigrateSettings(LedgerSettings):
    """What a migration of the ledger needs; without a password its account stays out."""

    monitoring_password: Password = Field(default=SecretStr(""), validation_alias="CDB_MONITORING_PASSWORD")
    reader_password: Password = Field(default=SecretStr(""), validation_alias="CDB_READER_PASSWORD")


def port_of(service: Service) -> Any:
    """The field of a service's port: the documented one unless its variable says otherwise."""
    return Field(service.port, validation_alias=service.port_variable)


S = TypeVar("S", bound=Settings)

SECRETS_DIR: Final = "CDB_SECRETS_DIR"


class BadSecretsDir(Exception):
    """CDB_SECRETS_DIR names no directory that can be read; the text says which."""


def load(kind: type[S]) -> S:
    """Read *kind* from the environment, or end the process with one line per wrong variable.

    Where CDB_SECRETS_DIR names a directory, as in containers, what the environment lacks is looked for in the files of
    its subdirectories, each called as its variable is.
    """
    try:
        return read(kind, {**settings_in_files(os.environ), **os.environ})
    except BadSecretsDir as error:
        sys.stderr.write(f"{error}\n")
    except BadSettings as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
    raise SystemExit(2)


class BadSettings(Exception):
    """Values that are refused, one sentence each: variable, value (unless it is secret) and what is allowed."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def read(kind: type[S], environment: Mapping[str, Any]) -> S:
    """Read *kind* from *environment*; raises BadSettings with every wrong value."""
    known = {name: environment[name] for name in kind.variables() if name in environment}
    try:
        return kind.model_validate(known)
    except ValidationError as error:
        raise BadSettings(tuple(_explain(kind, dict(problem), environment) for problem in error.errors())) from error


def settings_in_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Settings in the files that CDB_SECRETS_DIR holds, by variable; raises BadSecretsDir."""
    place = environ.get(SECRETS_DIR, "")
    if not place:
        return {}
    try:
        folders = sorted(folder for folder in Path(place).iterdir() if folder.is_dir())
    except OSError as error:
        raise BadSecretsDir(
            f"{SECRETS_DIR}={place!r} is no directory that can be read: it holds those of secrets"
        ) from error
    files = [file for folder in folders for file in folder.iterdir() if file.is_file()]
    return {file.name: file.read_text(encoding="utf-8").strip() for file in files}


def _explain(kind: type[Settings], problem: dict[str, Any], environment: Mapping[str, Any]) -> str:
    fields = kind.variables()
    name = next((part for part in problem["loc"] if part in fields), None)
    allowed = str(problem["msg"]).removeprefix("Value error, ")
    if name is None:
        return allowed  # of several together, which it names
    if problem["type"] == "missing":
        return f"{name} is not set: it has no default ('make env' writes secrets into .env)"
    held = "" if fields[name].annotation is SecretStr else f"={str(environment.get(name, ''))[:80]!r}"
    hint = f" ({fields[name].description})" if fields[name].description else ""
    return f"{name}{held} is refused: {allowed}{hint}"
