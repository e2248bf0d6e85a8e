"""Ask a part whether it can do its work. Every probe answers within about two seconds."""

import http.client
import json
from collections.abc import Callable

import psycopg2
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cdb.running.native.config import Health, StackConfig
from cdb.running.native.ports import HOST

_TIMEOUT = 2  # seconds; the least that libpq takes
_MOST_BYTES = 4_000_000


def redis_ping(config: StackConfig) -> Health:
    """Send PING with the password."""
    client = redis.Redis(
        host=HOST,
        port=config.ports.redis,
        password=config.environment["REDIS_PASSWORD"],
        socket_timeout=_TIMEOUT,
        socket_connect_timeout=_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        client.ping()
    except redis.RedisError as error:
        return Health(ok=False, detail=_first_line(error))
    finally:
        client.close()
    return Health(ok=True)


def postgres_connect(config: StackConfig) -> Health:
    """Open a session in the ledger's database."""
    try:
        connection = psycopg2.connect(
            host=HOST,
            port=config.ports.postgres,
            user=config.environment["POSTGRES_USER"],
            password=config.environment["POSTGRES_PASSWORD"],
            dbname=config.environment["POSTGRES_DB"],
            connect_timeout=_TIMEOUT,
        )
    except psycopg2.OperationalError as error:
        return Health(ok=False, detail=_first_line(error))
    connection.close()
    return Health(ok=True)


def http_ok(port_name: str, path: str, *, shows: str = "") -> Callable[[StackConfig], Health]:
    """Make a probe that wants 200 from GET *path*, and a line that begins with *shows* in what it gets."""
    return lambda config: _get_ok(config.ports.of(port_name), path, shows)


def _get_ok(port: int, path: str, shows: str) -> Health:
    answer = _get(port, path)
    if isinstance(answer, Health):
        return answer
    status, body = answer
    if status != http.client.OK:
        return Health(ok=False, detail=f"{path} answers {status}")
    if shows and not any(line.startswith(shows.encode()) for line in body.splitlines()):
        return Health(ok=False, detail=f"{path} does not show {shows!r}")
    return Health(ok=True)


def http_health(port_name: str) -> Callable[[StackConfig], Health]:
    """Make a probe that asks GET /health on the port called *port_name*."""
    return lambda config: _get_health(config.ports.of(port_name))


def _get_health(port: int) -> Health:
    answer = _get(port, "/health")
    if isinstance(answer, Health):
        return answer
    status, body = answer
    if status == http.client.OK:
        return Health(ok=True)
    return Health(ok=False, detail=failing_checks(body) or f"/health answers {status}")


def _get(port: int, path: str) -> tuple[int, bytes] | Health:
    """Return status and body, or why there is none."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return Health(ok=False, detail=f"no answer on port {port}: {_first_line(error) or type(error).__name__}")
    finally:
        connection.close()


def failing_checks(body: bytes) -> str:
    """Return what the checks in a /health body say that are not "ok", "" if there are none that can be read."""
    try:
        report = json.loads(body)
    except ValueError:
        return ""
    checks = report.get("checks") if isinstance(report, dict) else None
    if not isinstance(checks, dict):
        return ""
    return "; ".join(f"{name}: {verdict}" for name, verdict in checks.items() if verdict != "ok")


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else ""
