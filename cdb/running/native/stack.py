"""A whole stack: start it, wait until it is ready, look at it, stop it."""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from cdb.kit.printable import cut
from cdb.running.errors import StackError
from cdb.running.native import log_tails, processes, stack_record, supervisor
from cdb.running.native.config import Kind, Part, StackConfig
from cdb.running.native.lock import locked
from cdb.running.native.readiness import Failure, PartStatus, RestartWatch, blame, done, final_reason, look
from cdb.running.native.supervisor import SupervisorClient

_AT_REST = ("STOPPED", "FATAL")
_LOOK = 0.05  # seconds between two looks at a part that is being stopped
_POLL = 0.2  # seconds between two looks at parts that are not ready
_STOP_TIMEOUT = 20.0  # seconds for all programs to end before they are killed
_READY_TIMEOUT = 120.0  # seconds
_SLOW = 5.0  # seconds in which a busy part answers
_LONGEST_LINE = 300  # characters of a log in an error

Progress = Callable[[tuple[PartStatus, ...]], None]


class Stack:
    """A stack in its state directory, which holds all its state: another object with the same config sees the same.

    As a context manager: started and ready inside, stopped (its data kept) afterwards.
    """

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self._held = False

    @classmethod
    def attach(cls, state_dir: Path) -> Self | None:
        """Find the stack that was started in *state_dir*, with the settings it has; None if none was.

        The record in a copy of a state directory is that of the other stack, which is not touched from here.
        """
        state_dir = state_dir.resolve()
        config = stack_record.load(state_dir)
        found = cls(config) if config else None
        return found if found and (stack_record.written_in(state_dir) or found.running()) else None

    def __enter__(self) -> Self:
        with ExitStack() as unless_ready:
            unless_ready.callback(self.stop)
            self.start()
            if failure := self.wait_ready(_READY_TIMEOUT):
                raise StackError(f"{failure.part}: {failure.reason}\n" + "\n".join(failure.log_tail))
            unless_ready.pop_all()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other commands away from this stack; raises InUse naming the one that is at work on it.

        Calls on this object meanwhile need no lock of their own.
        """
        if self._held:
            yield
            return
        self.config.layout.create_state_dir()
        with locked(self.config.layout.lock, self.config.layout.title):
            self._held = True
            try:
                yield
            finally:
                self._held = False

    def start(self, *, without_unbuilt: bool = False) -> list[str]:
        """Start what does not run, without waiting until it is ready; leaves healthy parts alone.

        What is not built yet is started later, by `start_part`, if *without_unbuilt*; else it is a missing program.
        Gives the differences between a stack that already ran and this config. Raises StackError naming a taken port,
        a missing program, another command at work on this stack, or a supervisor that was killed while all else is
        well: to look after the parts again it would have to stop them.
        """
        if not without_unbuilt:
            for missing in filter(None, (part.unbuilt() for part in self.config.parts)):
                raise missing.not_yet()
        with self.held():
            self.config.layout.create()
            client = self._client()
            if client is None:
                self._start_fresh()
                return []
            wanted = {part.name: part for part in self.config.parts}
            for info in client.processes().values():
                part = wanted.get(info.name)
                if part and not info.running and not done(part, info) and not part.unbuilt():
                    log_tails.begin(self.config.layout, part.name)
                    client.start(info.name)
            running = stack_record.read(self.config.layout.record)
            return stack_record.differences(running, stack_record.describe(self.config)) if running else []

    def stop(self) -> list[str]:
        """Stop everything, also what an earlier supervisord left behind; keep the data.

        Gives the processes that had to be ended one by one, because no supervisord looked after them any more.
        """
        if not self.config.state_dir.is_dir():
            return processes.end(processes.of_stack(self.config))
        with self.held():
            if client := self._client():
                self._stop_in_order(client)
            ended = processes.end(processes.of_stack(self.config))
            self.config.layout.remove_run_files()
            return ended

    def remove(self) -> list[Path]:
        """Stop everything and remove the state with its data and replays; gives what is foreign and stays.

        Raises InUse, before anything is stopped, if another command is at work on the stack or on a replay.
        """
        if not self.config.state_dir.is_dir():
            self.stop()
            return self.config.layout.remove()
        places = [*self.config.layout.replays.glob("*/")]
        replays = [self.attach(place) or Stack(replace(self.config, state_dir=place)) for place in places]
        with ExitStack() as locks:
            for stack in (self, *replays):
                locks.enter_context(stack.held())
            self.stop()
            for replay in replays:
                replay.remove()
                shutil.rmtree(replay.config.state_dir, ignore_errors=True)
            if self.config.layout.replays.is_dir():
                shutil.rmtree(self.config.layout.replays)
            return self.config.layout.remove()

    def only(self, parts: Iterable[Part]) -> "Stack":
        """Give the same stack reduced to *parts*; raises StackError naming those that it does not have."""
        there, names = {part.name for part in self.config.parts}, [part.name for part in parts]
        if missing := [name for name in names if name not in there]:
            raise StackError(
                f"{self.config.layout.title} was started without {', '.join(missing)}: run `cdb down`, then `cdb up`"
            )
        return Stack(replace(self.config, parts=tuple(part for part in self.config.parts if part.name in names)))

    def goes_on_unwatched(self) -> bool:
        """Whether every part does its work, though no supervisord looks after it; a slow one has some seconds."""
        deadline = time.monotonic() + _SLOW
        asked = [part.probe for part in self.config.parts if part.probe and not part.unbuilt()]
        while not all(probe(self.config).ok for probe in asked):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        return True

    def wait_ready(self, timeout: float, on_progress: Progress | None = None) -> Failure | None:
        """Wait up to *timeout* seconds until every part does its work; gives what went wrong, None if all is well.

        Calls *on_progress* with all parts after each look. What failed is left running for inspection.
        """
        watch = RestartWatch()
        deadline = time.monotonic() + timeout
        while True:
            status = self.status()
            if on_progress:
                on_progress(status)
            if len(status) == len(self.config.parts) and all(part.ready for part in status):
                return None
            if culprit := watch.gave_up(status):
                last = cut((self.log_tail(culprit.name, 1) or [""])[0], _LONGEST_LINE)
                return self._failure(culprit.name, final_reason(culprit, last))
            if not status:
                return self._failure(self.config.parts[0].name, "the stack is not running")
            if time.monotonic() >= deadline:
                late = blame(status, self.config.parts)
                return self._failure(late.name, f"not ready after {timeout:.0f} s: {late.health.detail or late.state}")
            time.sleep(_POLL)

    def running(self) -> bool:
        """Whether this stack's supervisord answers."""
        return self._client() is not None

    def leftovers(self) -> list[str]:
        """Name the processes of this stack that exist, with their pids."""
        return [f"{process.name()} (pid {process.pid})" for process in processes.of_stack(self.config)]

    def status(self) -> tuple[PartStatus, ...]:
        """Look at every part, its health as its own probe sees it; () if the stack does not run."""
        client = self._client()
        if client is None:
            return ()
        infos = client.processes()
        with ThreadPoolExecutor(max_workers=len(self.config.parts) or 1) as pool:
            return tuple(pool.map(lambda part: look(self.config, part, infos.get(part.name)), self.config.parts))

    def start_part(self, name: str) -> None:
        """Start one part and do not wait for it."""
        log_tails.begin(self.config.layout, self.config.part(name).name)
        self._running_client().start(name)

    def stop_part(self, name: str) -> None:
        """Stop one part and wait for its end; it stays stopped until it is started."""
        client, part = self._running_client(), self.config.part(name)
        client.stop(part.name)
        # One that died of itself is none that could be stopped, and supervisord is about to start it again.
        while client.processes()[part.name].statename not in _AT_REST and part.kind is not Kind.ONE_SHOT:
            time.sleep(_LOOK)
            client.stop(part.name)

    def pid_of(self, name: str) -> int | None:
        """Pid of a part's process, None if it has none now."""
        return self._running_client().processes()[self.config.part(name).name].pid or None

    def log_tail(self, name: str, lines: int = 20) -> list[str]:
        """Last lines of a part's log since its start, [] if it has none."""
        return log_tails.tail(self.config.layout, name, lines)

    def _failure(self, part: str, reason: str) -> Failure:
        return Failure(part, reason, self.log_tail(part))

    def _start_fresh(self) -> None:
        left = processes.of_stack(self.config)
        found = self.attach(self.config.state_dir) if left else None
        if found and found.goes_on_unwatched():
            raise StackError(
                f"the supervisor of {self.config.layout.title} was killed or hangs. Every part is healthy and keeps "
                "running, but a part that ends is not restarted. When trading may pause for some seconds, "
                "run `cdb down`, then `cdb up`"
            )
        if found:  # who ends parts starts them again
            names = {part.name for part in self.config.parts}
            others = (part for part in found.config.parts if part.name not in names)
            self.config = replace(self.config, parts=(*self.config.parts, *others))
        processes.end(left)
        self.config.layout.remove_run_files()
        self.config.layout.create()
        processes.refuse_taken_ports(self.config)
        log_tails.begin(self.config.layout, "supervisord")
        for part in self.config.parts:
            log_tails.begin(self.config.layout, part.name)
            if part.prepare:
                part.prepare(self.config)
        stack_record.write(self.config)
        client = supervisor.launch(self.config)
        deadline = time.monotonic() + _STOP_TIMEOUT
        while not client.alive():
            if time.monotonic() >= deadline:
                tail = self.log_tail("supervisord", 1) or ["its log is empty"]
                raise StackError(f"supervisord does not answer: {tail[0]}")
            time.sleep(_LOOK)

    def _stop_in_order(self, client: SupervisorClient) -> None:
        """Stop the programs together, then the servers, so that the last messages and rows still find them."""
        try:
            for servers in (False, True):
                names = [part.name for part in self.config.parts if (part.kind is Kind.SERVER) == servers]
                for name in names:
                    client.stop(name, wait=False)
                deadline = time.monotonic() + _STOP_TIMEOUT
                while any(client.processes()[name].running for name in names) and time.monotonic() < deadline:
                    time.sleep(_LOOK)
            pid = client.pid()
            client.shutdown()
        except StackError:
            return  # it died or hangs: what is left is ended one by one
        processes.wait_gone(pid, _STOP_TIMEOUT)

    def _client(self) -> SupervisorClient | None:
        client = SupervisorClient.of(self.config)
        return client if client and client.alive() else None

    def _running_client(self) -> SupervisorClient:
        client = self._client()
        if client is None:
            raise StackError(f"the stack in {self.config.state_dir} is not running: `cdb up` starts it")
        return client
