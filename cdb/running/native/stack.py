"""A whole stack: start it, wait until it is ready, look at it, stop it."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from cdb.running.errors import StackError
from cdb.running.native import processes, stack_record, supervisor
from cdb.running.native.config import Health, Kind, Part, StackConfig
from cdb.running.native.lock import locked
from cdb.running.native.ports import Ports, can_listen
from cdb.running.native.readiness import Failure, PartStatus, RestartWatch, blame
from cdb.running.native.supervisor import ProcessInfo, SupervisorClient

_AT_REST = ("STOPPED", "FATAL")
_LOOK = 0.05  # seconds between two looks at a part that is being stopped
_POLL = 0.2  # seconds between two looks at parts that are not ready
_STOP_TIMEOUT = 20.0  # seconds for all programs to end before they are killed
_READY_TIMEOUT = 120.0  # seconds

Progress = Callable[[tuple[PartStatus, ...]], None]


class Stack:
    """A stack in its state directory, which holds all its state: another object with the same config sees the same.

    As a context manager: started and ready inside, stopped (its data kept) afterwards.
    """

    def __init__(self, config: StackConfig) -> None:
        self.config = config

    @classmethod
    def attach(cls, state_dir: Path) -> Self | None:
        """Find the stack that was started in *state_dir*, with the settings it has; None if none was."""
        config = stack_record.load(state_dir.resolve())
        return cls(config) if config else None

    def __enter__(self) -> Self:
        self.start()
        if failure := self.wait_ready(_READY_TIMEOUT):
            self.stop()
            raise StackError(f"{failure.part}: {failure.reason}\n" + "\n".join(failure.log_tail))
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> list[str]:
        """Start what does not run, without waiting until it is ready; leaves healthy parts alone.

        Gives the differences between a stack that already ran and this config. Raises StackError naming a taken port,
        a missing program, or another command at work on this stack.
        """
        self.config.layout.create()
        with locked(self.config.layout.lock):
            client = self._client()
            if client is None:
                self._start_fresh()
                return []
            for info in client.processes().values():
                if not info.running and not _done(self.config.part(info.name), info):
                    client.start(info.name)
            running = stack_record.read(self.config.layout.record)
            return stack_record.differences(running, stack_record.describe(self.config)) if running else []

    def stop(self) -> list[str]:
        """Stop everything, also what an earlier supervisord left behind; keep the data.

        Gives the processes that had to be ended one by one, because no supervisord looked after them any more.
        """
        if not self.config.state_dir.is_dir():
            return processes.end(processes.of_stack(self.config))
        with locked(self.config.layout.lock):
            if client := self._client():
                self._stop_in_order(client)
            ended = processes.end(processes.of_stack(self.config))
            self.config.layout.remove_run_files()
            return ended

    def remove(self) -> list[Path]:
        """Stop everything and remove the state with its data and replays; gives what is foreign and stays."""
        self.stop()
        for place in self.config.layout.replays.glob("*/"):
            (self.attach(place) or Stack(replace(self.config, state_dir=place))).remove()
            shutil.rmtree(place, ignore_errors=True)
        if self.config.layout.replays.is_dir():
            shutil.rmtree(self.config.layout.replays)
        return self.config.layout.remove()

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
            if status and all(part.ready for part in status):
                return None
            reason = "the stack is not running" if not status else None
            culprit = watch.gave_up(status)
            if culprit is None and (reason or time.monotonic() >= deadline):
                culprit = blame(status, self.config.parts), reason or f"not ready after {timeout:.0f} s"
            if culprit:
                name, why = culprit
                return Failure(part=name, reason=why, log_tail=self.log_tail(name))
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
            return tuple(pool.map(lambda part: self._look(part, infos.get(part.name)), self.config.parts))

    def start_part(self, name: str) -> None:
        """Start one part and do not wait for it."""
        self._running_client().start(self.config.part(name).name)

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
        """Last lines of a part's log, [] if it has none."""
        try:
            text = self.config.layout.log(name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return text.splitlines()[-lines:]

    def _start_fresh(self) -> None:
        processes.end(processes.of_stack(self.config))
        self.config.layout.remove_run_files()
        self.config.layout.create()
        self._refuse_taken_ports()
        for part in self.config.parts:
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

    def _refuse_taken_ports(self) -> None:
        variables = Ports.variables()
        for name in (port for part in self.config.parts for port in part.ports):
            port = self.config.ports.of(name)
            if not can_listen(port):
                raise StackError(
                    f"port {port} ({name}) is taken by {processes.port_owner(port)}: stop it, or set "
                    f"{variables[name]} to a free port"
                )

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

    def _look(self, part: Part, info: ProcessInfo | None) -> PartStatus:
        if info is None:
            return PartStatus(part.name, state="unknown", health=Health(ok=False, detail="not part of this stack"))
        health = _health(part, info)
        if part.probe and info.running:
            health = part.probe(self.config)
        return PartStatus(
            part.name,
            state="done" if _done(part, info) else info.statename.lower(),
            health=health,
            pid=info.pid or None,
            uptime=info.uptime,
        )

    def _client(self) -> SupervisorClient | None:
        client = SupervisorClient.of(self.config)
        return client if client and client.alive() else None

    def _running_client(self) -> SupervisorClient:
        client = self._client()
        if client is None:
            raise StackError(f"the stack in {self.config.state_dir} is not running: `cdb up` starts it")
        return client


def _done(part: Part, info: ProcessInfo) -> bool:
    return part.kind is Kind.ONE_SHOT and info.statename == "EXITED" and info.exitstatus == 0


def _health(part: Part, info: ProcessInfo) -> Health:
    if part.kind is not Kind.ONE_SHOT:
        detail = info.spawnerr or f"process is {info.statename.lower()}"
        return Health(ok=True) if info.statename == "RUNNING" else Health(ok=False, detail=detail)
    if info.statename == "EXITED":
        return Health(ok=True) if info.exitstatus == 0 else Health(ok=False, detail=f"exit {info.exitstatus}")
    return Health(ok=False, detail=info.spawnerr or "still running")
