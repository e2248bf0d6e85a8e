"""Only one process works on the bus under a service's name; a second one waits until the first has ended.

A connection carries the name. Redis drops it as soon as its process is dead, so a service that was killed starts again
at once. A connection that has been silent for too long (its process hangs, or the network was cut) is ended by the next
process. The silent one can write nothing more through it. When it comes back, it ends: it has not seen what happened
meanwhile, and it may hold the ledger's lock, for which the other one waits. A key beside the streams tells it even if
the other one is gone by then.
"""

import secrets
from collections.abc import Iterator
from typing import Any, Final

from redis.exceptions import ConnectionError as RedisConnectionError

from services.bus.keys import worker_of
from services.errors import Superseded

SILENT_S: Final = 10
"""The loop of a service that works asks Redis something every second."""


class AnotherCopy(RedisConnectionError):
    """Another process works under this name."""


class OnlyOne:
    """Has each new connection of this process carry *name*."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process = secrets.token_hex(8)
        self._has_worked = False

    def greet(self, connection: Any) -> None:
        """Take the name. Raises AnotherCopy if a living process has it, Superseded if one has had it after this one."""
        try:
            self._take(connection)
        except Superseded:
            connection.disconnect()  # or the other one would meet this process, which is still ending, as another copy
            raise

    def _take(self, connection: Any) -> None:
        connection.on_connect()
        _ask(connection, "CLIENT", "SETNAME", f"{_only(self._name)}{self._process}")
        own_id = _ask(connection, "CLIENT", "ID")
        for other_id, process, silent_s in _connections(_ask(connection, "CLIENT", "LIST"), _only(self._name)):
            if other_id == own_id:
                continue
            if process != self._process and silent_s < SILENT_S:
                if self._has_worked:
                    raise Superseded(f"another process works as {self._name}")
                raise AnotherCopy(f"another process works as {self._name}; this one waits until it has ended")
            _ask(connection, "CLIENT", "KILL", "ID", other_id)
        self._note_worker(connection)

    def _note_worker(self, connection: Any) -> None:
        key = worker_of(self._name)
        newest = _ask(connection, "GET", key)
        if self._has_worked and newest not in {None, self._process.encode()}:
            raise Superseded(f"another process has worked as {self._name}")
        if newest != self._process.encode():
            _ask(connection, "SET", key, self._process)
        self._has_worked = True


def _only(name: str) -> str:
    return f"only:{name}:"


def _ask(connection: Any, *words: str | int) -> Any:
    connection.send_command(*words)
    return connection.read_response()


def _connections(listed: bytes, name: str) -> Iterator[tuple[int, str, int]]:
    """The id of each connection of this name, its process, and for how many seconds it has been silent."""
    for line in listed.decode().splitlines():
        fields = dict(word.partition("=")[::2] for word in line.split(" "))
        if fields.get("name", "").startswith(name):
            yield int(fields["id"]), fields["name"].removeprefix(name), int(fields["idle"])
