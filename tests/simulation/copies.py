"""Processes that hang where they stand and go on there later, and the bus's view of which of them are connected."""

from collections.abc import Callable
from typing import Any, Final

import greenlet

from services.bus.client import translated
from services.bus.only_one import OnlyOne
from services.errors import BUS, ServerAway
from services.topology import Service


class Crash(BaseException):
    """The process of a service ends here, as by kill -9."""


class Copy(greenlet.greenlet):  # type: ignore[misc]  # greenlet has no types
    """One process of *service*, which does *work* until it ends. It runs from one rest to the next.

    It rests until *wakes_s*. If it hangs, *hangs_since_s* says since when, *is_cut_off* whether servers notice, and
    *keeps_session* whether PostgreSQL still has its session.
    One that *is_stopping* ends when it has done what it is at.
    """

    def __init__(self, service: Service, work: Callable[[], None]) -> None:
        super().__init__(work)
        self.service = service
        self.wakes_s = 0.0
        self.hangs_since_s: float | None = None
        self.is_cut_off = False
        self.keeps_session = True
        self.is_stopping = False

    def rest(self, until_s: float) -> None:
        """Let others work; go on here after *until_s*."""
        self.wakes_s = until_s
        self.parent.switch()

    def hang(self, now_s: float, until_s: float, *, is_cut_off: bool) -> None:
        """Stand still here, in the middle of its work."""
        self.hangs_since_s, self.is_cut_off, self.keeps_session = now_s, is_cut_off, True
        self.rest(until_s)
        self.hangs_since_s, self.is_cut_off = None, False


def current() -> Copy | None:
    """The process that works now; None: it is none of those that may hang."""
    found = greenlet.getcurrent()
    return found if isinstance(found, Copy) else None


class Connections:
    """The bus's living connections by id, each with a service's name. *keys* are those beside the streams."""

    def __init__(self, monotonic: Callable[[], float], keys: Callable[[], dict[str, bytes]]) -> None:
        self.monotonic = monotonic
        self.keys = keys
        self.living: dict[int, Connection] = {}
        self._last_id = 0

    def new_id(self) -> int:
        """An id that no connection had before."""
        self._last_id += 1
        return self._last_id

    def have_asked(self) -> None:
        """Take notice that everybody has asked something just now who does not hang."""
        for one in self.living.values():
            if one.owner.hangs_since_s is None:
                one.asked_s = self.monotonic()

    def close_of(self, owner: Copy) -> None:
        """End the connection of *owner*, which is no longer there."""
        self.living = {key: one for key, one in self.living.items() if one.owner is not owner}


class Connection:
    """The connection of one process to the bus: `only_one` greets on it, and somebody else may end it."""

    def __init__(self, connections: Connections, owner: Copy) -> None:
        self.owner = owner
        self.asked_s = 0.0
        self._all = connections
        self._greet: Final = OnlyOne(owner.service.name, monotonic=connections.monotonic).greet
        self._id = 0
        self._name = ""
        self._reply: Any = None

    def use(self) -> None:
        """Ask something. Raises ServerAway if somebody ended it meanwhile, or works under its name."""
        if not self._id:
            self._connect()
        elif self._id not in self._all.living:
            self._id = 0
            raise ServerAway(BUS, "connection closed by server")
        self.asked_s = self._all.monotonic()

    def close(self) -> None:
        """End it; the next use makes a new one."""
        self._all.living.pop(self._id, None)
        self._id = 0

    def _connect(self) -> None:
        self._id, self._name, self.asked_s = self._all.new_id(), "", self._all.monotonic()
        self._all.living[self._id] = self
        try:
            with translated():
                self._greet(self)
        except BaseException:
            self.close()
            raise

    def disconnect(self) -> None:
        """End it, as the client's connection does."""
        self.close()

    def on_connect(self) -> None:
        """Say what each client says first: nothing here."""

    def send_command(self, *words: str | int) -> None:
        """Do what *words* ask for, as Redis would."""
        self._reply = None
        match words:
            case "CLIENT", "SETNAME", str() as name:
                self._name = name
            case "CLIENT", "ID":
                self._reply = self._id
            case "CLIENT", "LIST":
                self._reply = "\n".join(one.listed() for one in self._all.living.values()).encode()
            case "CLIENT", "KILL", "ID", int() as other_id:
                del self._all.living[other_id]
            case "GET", str() as key:
                self._reply = self._all.keys().get(key)
            case "SET", str() as key, str() as value:
                self._all.keys()[key] = value.encode()

    def listed(self) -> str:
        """Its line in CLIENT LIST."""
        return f"id={self._id} name={self._name} idle={int(self._all.monotonic() - self.asked_s)}"

    def read_response(self) -> Any:
        """What the last command gave."""
        return self._reply
