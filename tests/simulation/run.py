"""One run: a tape through services that an adversary interrupts, until all is quiet again."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from services.bus.entries import Entry
from services.clock import NANOSECONDS
from services.engine.engine import Engine
from services.engine.setup import Setup
from services.errors import Superseded
from services.ledger.connection import SILENT_S, Ledger
from services.topology import CORE, EXECUTION, RISK, STREAMS, Service
from services.ws.trades import RawTrade
from tests.simulation.adversary import Adversary, Fault
from tests.simulation.checks import Content, content_of, findings
from tests.simulation.copies import Copy, Crash
from tests.simulation.ground import CUT_OFF_S, FailingGround
from tests.simulation.operators import Operators
from tests.simulation.tape import BEGIN_NS, trades

WORKERS: Final = (CORE, RISK, EXECUTION)
AGAIN: Final = "a message comes again"
RESTART: Final = "a service is ended"
SECOND: Final = "a service is started once more"
BUSY: Final = "a service gets no turn for a while"
FLUSH: Final = "the bus is emptied"
BACK: Final = "the bus loses its newest second"
GARBAGE: Final = "garbage on a stream"
CLOCK: Final = "the clock is set"
HARMLESS: Final = (AGAIN, RESTART, SECOND, BUSY)
LOSSY: Final = (FLUSH, BACK, GARBAGE, CLOCK)
"""After these the ledger need not be that of a run without faults."""
GARBAGES: Final = (b"", b"{}", b"\xff\xfe", b"null", b'{"v":2}', b"[" * 1000)
HOUR_NS: Final = 3600 * NANOSECONDS
EAGER: Final = 5
"""There are far fewer moments between turns than within them."""
IMPATIENCE: Final = 0.01
"""How likely somebody starts a service that hangs once more, at each step."""
ACTS: Final = 0.06
"""How likely an operator acts when a trade happens; in lockstep nobody does, or the ledger could not be compared."""
LONGEST_REST_S: Final = 900.0


@dataclass
class Result:
    """What a run has shown. *content* is the ledger's without times."""

    seed: int
    found: list[str]
    faults: list[Fault]
    content: Content = field(repr=False)


class Run:
    """A seed's run on the empty ledger of *setup*, with at most *most* faults; *tell* hears of each."""

    def __init__(
        self,
        seed: int,
        setup: Setup,
        *,
        lockstep: bool,
        most: int | None = None,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._seed = seed
        self._lockstep = lockstep
        self._tell = tell
        self._adversary = Adversary(seed, most=most)
        self._random = self._adversary.random
        self._ground = FailingGround(setup.address, self._adversary, lockstep=lockstep, begin_ns=BEGIN_NS)
        self._engine = Engine(setup, self._ground)
        self._operators = Operators(self._random, self._engine, sorted(setup.symbols))
        self._address = setup.address
        self._observer = Ledger(setup.address, application="observer")
        self._wanted = dict.fromkeys(WORKERS, 1)
        self._busy: dict[Service, int] = {}
        self._earlier = self._ground.failing_streams.copy()
        self._next_copy_s = 0.0
        self._told = 0

    def go(self, expected: Content | None) -> Result:
        """Run it all, and check; *expected* is what a run without faults has in the ledger."""
        try:
            for trade in trades():
                if not self._until_due(trade):
                    break
                if not self._lockstep and self._random.random() < ACTS:
                    self._operators.act()
                self._engine.publish([trade])
                self._tell_faults()
            self._rest()
            self._stop()
            clock_was_set = any(fault.what == CLOCK for fault in self._adversary.faults)
            expected = expected if self._lockstep else None
            found = [*findings(self._address, self._ground.streams, expected, clock_was_set=clock_was_set)]
            found += [] if self._is_at_rest() else [f"it does not settle; PostgreSQL said last: {self._ground.refused}"]
            found += self._operators.findings(self._observer)
            return Result(self._seed, found, self._adversary.faults, content_of(self._address))
        finally:
            self._ground.close()
            self._observer.close()

    def _until_due(self, trade: RawTrade) -> bool:
        """Let the services work until *trade* happens, and in lockstep until all is done with; False if it never is."""
        due_s = (trade.ts_event - BEGIN_NS) / NANOSECONDS
        if self._lockstep:
            until_s = self._ground.now_s + LONGEST_REST_S
            while not self._engine.is_settled() and self._ground.now_s < until_s:
                self._step()
            return self._engine.is_settled()
        while self._ground.now_s < due_s:
            self._step()
            if self._engine.is_settled() and due_s - self._ground.now_s > 1 and not self._ground.hanging():
                self._ground.now_s = due_s - self._random.random()
                self._ground.connections.have_asked()
        return True

    def _step(self) -> None:
        self._ground.now_s += self._random.uniform(0.001, 0.5 if self._ground.is_waiting() else 0.1)
        kinds = HARMLESS if self._lockstep else (*HARMLESS, *LOSSY)
        if kind := self._adversary.chooses("between turns", kinds, eager=EAGER):
            self._strike(kind)
        if not self._lockstep and self._ground.now_s >= self._next_copy_s:
            self._next_copy_s = self._ground.now_s + 1
            self._earlier = self._ground.failing_streams.copy()
        self._operators.look(self._ground.now_s)
        for copy in self._ground.hanging():
            self._look_after(copy)
        service = self._random.choice(WORKERS)
        if self._busy.get(service, 0) > 0:
            self._busy[service] -= 1
        else:
            self._turn(service)

    def _look_after(self, hanging: Copy) -> None:
        """Do what servers and people do about a process that hangs."""
        hung_s = self._ground.now_s - (hanging.hangs_since_s or 0)
        is_replaced = hung_s > SILENT_S and len(self._ground.copies_of(hanging.service)) > 1
        if hanging.keeps_session and (is_replaced or (hanging.is_cut_off and hung_s > CUT_OFF_S)):
            hanging.keeps_session = False
            self._ground.cut_off(hanging)
        if self._random.random() < IMPATIENCE:
            self._wanted[hanging.service] = 2

    def _turn(self, service: Service) -> None:
        """Let a process of *service* work once; one that has died starts again instead."""
        copies = self._ground.copies_of(service)
        if len(copies) < self._wanted[service]:
            copy = Copy(service, lambda: self._engine.process(service).run())
            self._ground.copies.append(copy)
        else:
            copy = self._random.choice(copies)
        if copy.wakes_s <= self._ground.now_s:
            self._work(copy)

    def _work(self, copy: Copy) -> None:
        """Let *copy* work until it rests or ends."""
        with suppress(Crash, Superseded):
            copy.switch()
        if copy.dead:
            self._ground.ended(copy)

    def _end(self, copy: Copy) -> None:
        """End *copy*: as by kill -9, or in order, when it has done what it is at."""
        self._wanted[copy.service] = 1
        if self._random.random() < 0.5:
            copy.is_stopping = True
        else:
            with suppress(Crash):
                copy.throw(Crash)
            self._ground.ended(copy)

    def _strike(self, kind: str) -> None:
        streams = self._ground.failing_streams
        name = self._random.choice(STREAMS)
        if kind == RESTART:
            if copies := self._ground.copies_of(self._random.choice(WORKERS)):
                self._end(self._random.choice(copies))
        elif kind == SECOND:
            self._wanted[self._random.choice(WORKERS)] = 2
        elif kind == BUSY:
            self._busy[self._random.choice(WORKERS)] = self._random.randrange(1, 30)
        elif kind == FLUSH:
            streams.flush()
        elif kind == BACK:
            streams.go_back_to(self._earlier)
            self._earlier = streams.copy()
        elif kind == GARBAGE:
            streams.stream(name).entries.append(Entry(name, self._new_id(name), self._random.choice(GARBAGES), None))
        elif kind == CLOCK:
            self._ground.clock_error_ns = self._random.choice((0, self._random.randrange(-HOUR_NS, HOUR_NS)))
        elif entries := [entry for entry in streams.stream(name).entries if entry is not None]:
            entry = self._random.choice(entries)
            streams.stream(name).entries.append(replace(entry, id=self._new_id(name)))

    def _new_id(self, name: str) -> str:
        streams = self._ground.failing_streams
        return f"{streams.now_ms()}-{streams.stream(name).end}"

    def _rest(self) -> None:
        """Let nothing fail any more, and wait until all is quiet: orders are sent again after up to a minute."""
        self._adversary.calm()
        self._ground.clock_error_ns = 0
        self._busy.clear()
        until_s = self._ground.now_s + LONGEST_REST_S
        quiet = 0
        while quiet < 3 and self._ground.now_s < until_s:
            self._ground.now_s += 2.0
            self._operators.look(self._ground.now_s)
            for service in WORKERS:
                for _ in range(2):
                    self._turn(service)
            quiet = quiet + 1 if self._is_at_rest() else 0

    def _is_at_rest(self) -> bool:
        waits = self._ground.hanging() or self._operators.is_waiting() or self._is_in_flight()
        return self._engine.is_settled() and not waits

    def _is_in_flight(self) -> bool:
        return bool(self._observer.execute("SELECT 1 FROM orders WHERE state = 'placed' LIMIT 1"))

    def _stop(self) -> None:
        """End all in order."""
        for copy in [*self._ground.copies]:
            copy.is_stopping = True
            while not copy.dead:
                self._work(copy)

    def _tell_faults(self) -> None:
        for fault in self._adversary.faults[self._told :]:
            self._tell(f"{self._ground.now_s:9.3f} s  {fault}")
        self._told = len(self._adversary.faults)


def is_lockstep(seed: int) -> bool:
    """Every other seed runs in lockstep, so that its ledger can be compared with that of a run without faults."""
    return seed % 2 == 0
