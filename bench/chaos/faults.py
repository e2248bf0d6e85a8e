"""The faults of a run: which part, what is done to it, and when. One seed always gives the same faults."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final

import psutil

from bench.stacks import SERVERS, SERVICES, Bot, wait_until
from cdb.running.native import StackError
from services import topology

COLLECTOR: Final = "otel_collector"
PARTS: Final = (*SERVERS, *SERVICES, COLLECTOR)
LONGEST_PAUSE_S: Final = 2.0
SHORTEST_STOP_S: Final = 0.5
LONGEST_STOP_S: Final = 7.0
"""Longer than the 5 s after which a client gives up on a server, and than the 3 s after which a signal is too old."""
FROZEN_S: Final = 30.0
_NEW_PROCESS_WITHIN_S: Final = 60.0
_END_SESSIONS: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s"


class Way(StrEnum):
    """What is done to a part."""

    KILLED = "kill -9"
    STOPPED = "stop, continue"
    RESTARTED = "restart"
    FROZEN = "frozen for 30 s"
    CUT_OFF = "sessions ended"


@dataclass(frozen=True)
class Fault:
    """One fault. It begins *pause_s* after the stack was healthy; *stopped_s* is how long a stopped part stands."""

    part: str
    way: Way
    pause_s: float
    stopped_s: float = 0.0

    @property
    def kind(self) -> str:
        """Part and way, as they are printed."""
        return f"{self.part}: {self.way}"


_ALONE: Final = list(product(PARTS, (Way.KILLED, Way.STOPPED, Way.RESTARTED)))
_WITH_STANDBY: Final = [
    *product(SERVICES, (Way.KILLED, Way.FROZEN)),
    *((service.name, Way.CUT_OFF) for service in topology.SERVICES if service.ledger),
]


def plan(count: int, *, seed: int, standby: bool) -> list[Fault]:
    """Choose *count* faults in random order. Every part meets every way before one comes a second time."""
    chance = random.Random(seed)  # noqa: S311  no secret
    kinds = [*(_WITH_STANDBY if standby else _ALONE)]
    found: list[Fault] = []
    while len(found) < count:
        chance.shuffle(kinds)
        found += [_fault(part, way, chance) for part, way in kinds]
    return found[:count]


def _fault(part: str, way: Way, chance: random.Random) -> Fault:
    pause_s, stopped_s = chance.uniform(0, LONGEST_PAUSE_S), chance.uniform(SHORTEST_STOP_S, LONGEST_STOP_S)
    return Fault(part, way, pause_s, {Way.STOPPED: stopped_s, Way.FROZEN: FROZEN_S}.get(way, 0.0))


@dataclass(frozen=True)
class Outage:
    """Unix seconds at which a fault *began*, and from which the part was *down*: after an orderly end, if any."""

    began: float
    down: float


def cause(bot: Bot, fault: Fault) -> Outage:
    """Do *fault* to whoever works as its part, and wait until that has a process that may run."""
    stack, part = bot.stack, bot.at_work(fault.part)
    pid = stack.pid_of(part)
    if pid is None:
        raise StackError(f"{part} has no process, so it cannot be the next to meet a fault")
    began = time.time()
    if fault.way is Way.CUT_OFF:
        bot.query(_END_SESSIONS, (f"{fault.part}-%",))
        return Outage(began, began)
    if fault.way is Way.RESTARTED:
        stack.stop_part(part)
        down = time.time()
        stack.start_part(part)
    elif fault.way in {Way.STOPPED, Way.FROZEN}:
        with _stopped(pid):
            down = time.time()
            time.sleep(fault.stopped_s)
        if fault.way is Way.STOPPED:
            return Outage(began, down)
    else:
        os.kill(pid, signal.SIGKILL)
        down = time.time()
    wait_until(
        lambda: stack.pid_of(part) not in {None, pid},
        within_s=_NEW_PROCESS_WITHIN_S,
        what=f"a new process of {part}",
    )
    return Outage(began, down)


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """Have a process and its children stand still, with their connections open."""
    processes = [psutil.Process(pid)]
    try:
        os.kill(pid, signal.SIGSTOP)  # first, so that it has no more children
        processes += processes[0].children(recursive=True)
        for child in processes[1:]:
            _send(child, signal.SIGSTOP)
        yield
    finally:
        for process in reversed(processes):
            _send(process, signal.SIGCONT)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):  # it had ended before it was stopped
        process.send_signal(number)
