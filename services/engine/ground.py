"""What an engine stands on: bus, ledger, clocks. A simulation stands on one that fails."""

import time

from services.bus.memory import MemoryBus, Streams
from services.bus.port import Bus
from services.clock import Clock, EventClock
from services.errors import ServerAway
from services.ledger.connection import Ledger, LedgerAddress
from services.runtime.loop_state import LoopState
from services.topology import Service

PATIENCE_S = 60.0
"""So long a server may be away before the engine gives up."""


class EngineBroken(Exception):
    """The engine cannot go on; the text says why."""


class Ground:
    """A bus in memory, the ledger at *address* without waiting for its disk, and the events' own time."""

    lockstep = True

    def __init__(self, address: LedgerAddress) -> None:
        self._address = address
        self.streams = Streams()

    def bus(self, service: Service, clock: Clock) -> Bus:
        """The bus as *service* has it."""
        return MemoryBus(self.streams, group=service.name, clock=clock)

    def ledger(self, service: Service) -> Ledger:
        """A connection for *service*, which is its only writer."""
        return Ledger(self._address, application=service.name, writer_role=service.name, flushes=False)

    def clock(self) -> Clock:
        """A new process's clock."""
        return EventClock()

    def loop_state(self) -> LoopState:
        """What a new process waits with."""
        return _Impatient()

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()


class _Impatient(LoopState):
    """Waits for a server, but not for ever: nobody looks after an engine."""

    def __init__(self) -> None:
        super().__init__()
        self._waits_since: float | None = None

    def turned(self) -> None:
        if self._waits_since is not None:
            self._waits_since = None
            super().turned()

    def waits_for(self, away: ServerAway) -> None:
        super().waits_for(away)
        now = time.monotonic()
        self._waits_since = self._waits_since or now
        if now - self._waits_since > PATIENCE_S:
            raise EngineBroken(f"{away.server}: {away.detail}")
