"""Only one process works on the bus under a service's name; a second one waits and takes over from the first.

Two connections of a process carry the name: that of its loop, and one by which its health check asks something twice a
second. Redis drops them as soon as the process is dead, so a service that was killed starts again at once. If one of
them has been silent for too long, the process hangs, is frozen or was cut off, and the next one ends that of its loop:
the silent process can write nothing more through it. When it comes back, it ends: it has not seen what happened
meanwhile. A key beside the streams tells it even if the other one is gone by then.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from services.bus.client import AnotherCopy
from services.bus.keys import offer_of, worker_of
from services.errors import Superseded

SILENT_S: Final = 10
"""The loop of a service that works asks Redis something every second."""
FROZEN_S: Final = 2
"""Its health check does so twice a second, whatever the loop is at."""
SURE_AFTER_S: Final = 1.0
"""Redis counts by the machine's clock. If that is set ahead all seem silent, until each has asked again."""
OFFER_S: Final = 1
"""For how long a standby's word holds that it could take over; it looks four times as often."""


@dataclass(frozen=True)
class _Connection:
    """One connection that Redis has: whose it is, and for how many seconds it has been silent: one more, perhaps."""

    id: int
    is_loop: bool
    process: str
    silent_s: int

    @property
    def is_silent(self) -> bool:
        return self.silent_s >= (SILENT_S if self.is_loop else FROZEN_S)


class OnlyOne:
    """Has connections of this process carry *name*, and tells others where it listens: *address*, a URL."""

    def __init__(self, name: str, *, address: str = "", monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._monotonic = monotonic
        self._silent_since: dict[str, float] = {}
        self._process = secrets.token_hex(8)
        self._worker = f"{self._process} {address}".strip()
        self._has_worked = False

    def greet(self, connection: Any) -> None:
        """Take the name. Raises AnotherCopy if a living process has it, Superseded if one has had it after this one."""
        try:
            self._take(connection)
        except Superseded:
            connection.disconnect()  # or the other one would meet this process, which is still ending, as another copy
            raise

    def greet_alive(self, connection: Any) -> None:
        """Have *connection* be the one that shows that this process is not frozen, whether it works or waits."""
        connection.on_connect()
        _ask(connection, "CLIENT", "SETNAME", f"{_alive(self._name)}{self._process}")

    def check(self, client: Any) -> None:
        """Raise Superseded if another process has worked after this one, redis.RedisError if nobody can say."""
        self._compare(client.get(worker_of(self._name)))

    def offer(self, client: Any) -> None:
        """Say that this process, which waits, could work. Raises redis.RedisError."""
        client.set(offer_of(self._name), self._process, ex=OFFER_S)

    def is_offered(self, client: Any) -> bool:
        """Whether another process waits that could work. Raises redis.RedisError."""
        return bool(client.exists(offer_of(self._name)))

    def _take(self, connection: Any) -> None:
        connection.on_connect()
        _ask(connection, "CLIENT", "SETNAME", f"{_loop(self._name)}{self._process}")
        own_id = _ask(connection, "CLIENT", "ID")
        found = [one for one in _connections(_ask(connection, "CLIENT", "LIST"), self._name) if one.id != own_id]
        loops = [one for one in found if one.is_loop]
        for other in loops:
            if other.process != self._process and not self._is_gone(other.process, found):
                if self._has_worked:
                    raise Superseded(f"another process works as {self._name}")
                raise AnotherCopy(f"another process works as {self._name}; this one waits until it has ended")
        for other in loops:
            _ask(connection, "CLIENT", "KILL", "ID", other.id)
        self._note_worker(connection)

    def _is_gone(self, process: str, connections: list[_Connection]) -> bool:
        """Whether *process* hangs or is frozen, and did so when it was looked at before."""
        if not any(one.is_silent for one in connections if one.process == process):
            self._silent_since.pop(process, None)
            return False
        now = self._monotonic()
        return now - self._silent_since.setdefault(process, now) >= SURE_AFTER_S

    def _note_worker(self, connection: Any) -> None:
        key = worker_of(self._name)
        newest = _ask(connection, "GET", key)
        self._compare(newest)
        if newest != self._worker.encode():
            _ask(connection, "SET", key, self._worker)
        self._has_worked = True

    def _compare(self, newest: bytes | None) -> None:
        if self._has_worked and newest not in {None, self._worker.encode()}:
            raise Superseded(f"another process has worked as {self._name}")


def address_of_worker(client: Any, name: str) -> str:
    """The URL of the process that works as *name* or has done so last; "" if none has said it. Raises RedisError."""
    worker: bytes | None = client.get(worker_of(name))
    return (worker or b"").decode().partition(" ")[2]


def _loop(name: str) -> str:
    return f"only:{name}:"


def _alive(name: str) -> str:
    return f"alive:{name}:"


def _ask(connection: Any, *words: str | int) -> Any:
    connection.send_command(*words)
    return connection.read_response()


def _connections(listed: bytes, service: str) -> Iterator[_Connection]:
    """Those that carry the name of *service*."""
    for line in listed.decode().splitlines():
        fields = dict(word.partition("=")[::2] for word in line.split(" "))
        for prefix in (_loop(service), _alive(service)):
            if fields.get("name", "").startswith(prefix):
                process = fields["name"].removeprefix(prefix)
                yield _Connection(int(fields["id"]), prefix == _loop(service), process, int(fields["idle"]))
