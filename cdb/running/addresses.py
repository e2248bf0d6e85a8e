"""Where the operator's servers are, for the commands that look inside them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

from cdb.running.native import Ports, Stack, StackError, envfile
from cdb.running.native.config import state_dir
from cdb.running.native.ports import HOST
from services.settings import BadSecretsDir, BadSettings, BusSettings, LedgerSettings, Settings, read, settings_in_files

_SERVERS = ("POSTGRES_", "REDIS_")
WAYS: Final = ("native", "compose")
"""How a stack can be run: without containers, and in them."""


S = TypeVar("S", bound=Settings)


def way_to_run(environ: Mapping[str, str]) -> str:
    """Return which of WAYS the operator means by CDB_STACK; raise StackError for another."""
    way = environ.get("CDB_STACK") or WAYS[0]
    if way not in WAYS:
        raise StackError(f"CDB_STACK={way!r:.80} is no way to run a stack: {', '.join(WAYS)} is allowed")
    return way


def operators_environment(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the servers' settings: *environ* before the stack as it was started before .env before defaults.

    In a container, secrets are in files (CDB_SECRETS_DIR), which take the place of .env. Raise StackError naming a
    setting that is missing or wrong.
    """
    running = Stack.attach(state_dir(root, environ))
    if running:
        base = {**running.config.environment, **running.config.ports.environment()}
    else:
        base = {**envfile.read(root / ".env"), **_in_files(environ)}
    named = {name: value for name, value in environ.items() if name.startswith(_SERVERS)}
    environment = {**base, **named}
    return {**environment, **Ports.from_environment(environment).environment()}


def _in_files(environ: Mapping[str, str]) -> dict[str, str]:
    try:
        return settings_in_files(environ)
    except BadSecretsDir as error:
        raise StackError(str(error)) from error


def settings(kind: type[S], environment: Mapping[str, str], **overriding: object) -> S:
    """Read *kind* from *environment*, but what *overriding* says by variable; None there says nothing.

    Raise StackError naming each wrong variable and what is allowed.
    """
    said = {name: value for name, value in overriding.items() if value is not None}
    try:
        return read(kind, {**environment, **said})
    except BadSettings as error:
        raise StackError(str(error)) from error


def ledger_settings(
    root: Path,
    environ: Mapping[str, str],
    *,
    database: str | None = None,
    host: str | None = None,
    port: int | None = None,
) -> LedgerSettings:
    """Return how to reach the operator's ledger, or another one on that server or another."""
    if not host:
        _refuse_from_outside(environ, "POSTGRES_HOST")
    environment = operators_environment(root, environ)
    return settings(LedgerSettings, environment, POSTGRES_DB=database, POSTGRES_HOST=host, POSTGRES_PORT=port)


def bus_settings(root: Path, environ: Mapping[str, str]) -> BusSettings:
    """Return how to reach the operator's bus."""
    _refuse_from_outside(environ, "REDIS_HOST")
    return settings(BusSettings, operators_environment(root, environ))


def _refuse_from_outside(environ: Mapping[str, str], host: str) -> None:
    """Raise StackError if a server is meant that only containers reach."""
    if way_to_run(environ) == "compose" and not environ.get(host):
        raise StackError(
            "with CDB_STACK=compose ledger and bus are reached from inside only: docker compose run --rm cdb audit,"
            " and so on"
        )


def stack_ports(root: Path, environ: Mapping[str, str]) -> Ports:
    """Return the ports of the operator's stack: those it runs on, else those that *environ* or .env say.

    Raise StackError naming a wrong one.
    """
    running = Stack.attach(state_dir(root, environ)) if way_to_run(environ) == "native" else None
    if running:
        return running.config.ports
    return Ports.from_environment({**envfile.read(root / ".env"), **environ})


def prometheus_url(root: Path, environ: Mapping[str, str]) -> str:
    """Return the address of the operator's Prometheus: of the stack that runs, else where it would be."""
    return f"http://{HOST}:{stack_ports(root, environ).prometheus}"


def jaeger_url(root: Path, environ: Mapping[str, str]) -> str:
    """Return the address of the operator's Jaeger: of the stack that runs, else where it would be."""
    return f"http://{HOST}:{stack_ports(root, environ).jaeger}"
