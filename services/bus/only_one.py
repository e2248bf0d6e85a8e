"""Only one process works on the bus under a service's name; a second one waits until the first has ended.

A connection carries the name. Redis drops it as soon as its process is dead, so a service that was killed starts again
at once. A connection that has been silent for too long (its process hangs, or the network was cut) is ended by the next
process: the silent one can write nothing more through it, and must wait when it comes back.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from redis.exceptions import ConnectionError as RedisConnectionError

SILENT_S: Final = 10
"""The loop of a service that works asks Redis something every second."""


class AnotherCopy(RedisConnectionError):
    """Another process works under this name."""


def only_one(name: str) -> Callable[[Any], None]:
    """Have each new connection carry *name*; raises AnotherCopy if a living one carries it already."""

    def greet(connection: Any) -> None:
        connection.on_connect()
        _ask(connection, "SETNAME", _only(name))
        own_id = _ask(connection, "ID")
        for other_id, silent_s in _connections(_ask(connection, "LIST"), _only(name)):
            if other_id == own_id:
                continue
            if silent_s < SILENT_S:
                raise AnotherCopy(f"another process works as {name}; this one waits until it has ended")
            _ask(connection, "KILL", "ID", other_id)

    return greet


def _only(name: str) -> str:
    return f"only:{name}"


def _ask(connection: Any, *words: str | int) -> Any:
    connection.send_command("CLIENT", *words)
    return connection.read_response()


def _connections(listed: bytes, name: str) -> Iterator[tuple[int, int]]:
    """The id of each connection of this name, and for how many seconds it has been silent."""
    for line in listed.decode().splitlines():
        fields = dict(word.partition("=")[::2] for word in line.split(" "))
        if fields.get("name") == name:
            yield int(fields["id"]), int(fields["idle"])
