"""Ask a part whether it can do its work. Every probe answers within about two seconds."""

import http.client
import json
from collections.abc import Callable
from contextlib import closing
from typing import Final

import psycopg2
import redis

from cdb.running.native.config import Health, StackConfig
from cdb.running.native.ports import HOST
from services.bus.streams import connect

_TIMEOUT_S: Final = 2  # the least that libpq takes
_MOST_BYTES: Final = 4_000_000


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
        connection = psycopg2.connect(
            host=HOST,
            port=config.ports.postgres,
            user=config.environment["POSTGRES_USER"],
            password=config.environment["POSTGRES_PASSWORD"],
            dbname=config.environment["POSTGRES_DB"],
            connect_timeout=_TIMEOUT_S,
        )
    except psycopg2.OperationalError as error:
        return Health(ok=False, detail=_first_line(error))
    connection.close()
    return Health(ok=True)


def http_ok(port: str, path: str = "/health", *, shows: str = "") -> Callable[[StackConfig], Health]:
    """Make a probe that wants 200 from GET *path* on the port called *port*, and a line that begins with *shows*."""
    return lambda config: _get_ok(config.ports[port], path, shows)


def _get_ok(port: int, path: str, shows: str) -> Health:
    with closing(http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)) as connection:
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read(_MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            return Health(ok=False, detail=f"no answer on port {port}: {_first_line(error)}")
    if response.status != http.client.OK:
        return Health(ok=False, detail=failing_checks(body) or f"{path} answers {response.status}")
    if shows and not any(line.startswith(shows.encode()) for line in body.splitlines()):
        return Health(ok=False, detail=f"{path} does not show {shows!r}")
    return Health(ok=True)


def failing_checks(body: bytes) -> str:
    """Name the checks in a /health body that are not "ok", and what they say; "" if none can be read."""
    try:
        checks = json.loads(body)["checks"].items()
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
    return "; ".join(f"{name}: {verdict}" for name, verdict in checks if verdict != "ok")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
