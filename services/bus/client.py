"""The client of Redis, and its errors in this project's own words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from services.errors import BUS, ServerAway, Standby

WRONG_TYPE: Final = "WRONGTYPE"
_AWAY: Final = ("MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "LOADING", "BUSY ", "READONLY", "OOM", WRONG_TYPE)
"""Replies of a Redis that is there but cannot do it now."""


class AnotherCopy(RedisConnectionError):
    """Another process works under the name that a connection was to carry."""


def connect(
    *,
    host: str,
    port: int,
    password: str,
    user: str | None = None,
    timeout_s: float = 5.0,
    greet: Callable[[Any], None] | None = None,
) -> redis.Redis:
    """A client that connects at its first command and never retries by itself; without *user* the bus's own account.

    A *host* that begins with / is the path of a Unix socket; it has no port. *greet* gets each new connection and must
    call its on_connect().
    """
    return redis.Redis(
        host=host,
        port=port,
        unix_socket_path=host if host.startswith("/") else None,
        username=user,
        password=password or None,
        socket_timeout=timeout_s,
        socket_connect_timeout=2.0,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        redis_connect_func=greet,  # type: ignore[arg-type]  # it does get the connection
    )


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except AnotherCopy as other:
        raise Standby(other) from other
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise ServerAway(BUS, error) from error
    except ResponseError as error:
        if isinstance(error, ReadOnlyError | OutOfMemoryError) or reply_of(error).startswith(_AWAY):
            raise ServerAway(BUS, reply_of(error)) from error
        raise


def reply_of(error: ResponseError) -> str:
    """What Redis said, without the command and its data that the client writes before it in a pipeline."""
    text = str(error)
    return text.rpartition(" of pipeline caused error: ")[2] if text.startswith("Command #") else text
