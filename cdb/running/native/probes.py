"""Ask a part whether it can do its work. Every probe answers within about two seconds."""

import json
from collections.abc import Callable
from contextlib import closing
from typing import Final

import httpx
import psycopg2
import redis
from pydantic import SecretStr

from cdb.kit.http_client import local_client
from cdb.running.native.config import Health, StackConfig
from cdb.running.native.ports import HOST
from services.bus.client import connect
from services.ledger.connection import LedgerAddress
from services.ledger.connection import connect as connect_ledger

STANDBY: Final = "standby"
"""What a copy of a service says of itself that waits, ready to take over."""
_TIMEOUT_S: Final = 2  # the least that libpq takes


def redis_ping(config: StackConfig) -> Health:
    """Send PING with the password."""
    password = config.environment["REDIS_PASSWORD"]
    with closing(connect(host=HOST, port=config.ports.redis, password=password, timeout_s=_TIMEOUT_S)) as client:
        try:
            client.ping()
        except redis.RedisError as error:
            return Health(ok=False, detail=_first_line(error))
    return Health(ok=True)


def postgres_connect(config: StackConfig) -> Health:
    """Open a session in the ledger's database, whatever schema it has."""
    try:
        connection = connect_ledger(_ledger(config), timeout_s=_TIMEOUT_S)
    except psycopg2.OperationalError as error:
        return Health(ok=False, detail=_first_line(error))
    connection.close()
    return Health(ok=True)


def _ledger(config: StackConfig) -> LedgerAddress:
    user, password, database = (config.environment[f"POSTGRES_{name}"] for name in ("USER", "PASSWORD", "DB"))
    return LedgerAddress(HOST, config.ports.postgres, user, database, SecretStr(password))


def http_ok(port: str, path: str = "/health", *, shows: str = "") -> Callable[[StackConfig], Health]:
    """Make a probe that wants 200 from GET *path* on the port called *port*, and a line that begins with *shows*."""
    return lambda config: _get_ok(config.ports[port], path, shows)


def _get_ok(port: int, path: str, shows: str) -> Health:
    with local_client(f"http://{HOST}:{port}", timeout=_TIMEOUT_S) as client:
        try:
            answer = client.get(path)
        except httpx.HTTPError as error:
            return Health(ok=False, detail=f"no answer on port {port}: {_first_line(error)}")
    if answer.status_code != httpx.codes.OK:
        return Health(ok=False, detail=failing_checks(answer.content) or f"{path} answers {answer.status_code}")
    if shows and not any(line.startswith(shows) for line in answer.text.splitlines()):
        return Health(ok=False, detail=f"{path} does not show {shows!r}")
    return Health(ok=True, detail=STANDBY if _is_on_standby(answer) else "")


def _is_on_standby(answer: httpx.Response) -> bool:
    try:
        return bool(answer.json()["status"] == STANDBY)
    except (ValueError, TypeError, KeyError):
        return False


def failing_checks(body: bytes) -> str:
    """Name the checks in a /health body that are not "ok", and what they say; "" if none can be read."""
    try:
        checks = json.loads(body)["checks"].items()
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
    return "; ".join(f"{name}: {verdict}" for name, verdict in checks if verdict != "ok")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
