"""The worker processes of a grid. Each does one backtest after another, each on a ledger of its own.

Ctrl-C at a terminal goes to all processes at once; workers do not get it: the command tells them when to end.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.synchronize import Event
from typing import Final

import psycopg2
from psycopg2 import sql

from cdb.backtest.outcome import Outcome, outcome_of
from cdb.backtest.run import Request, be_quiet, result_of, traded
from cdb.kit.paths import ROOT
from cdb.running.errors import StackError
from services.errors import ServerAway
from services.ledger.connection import LedgerAddress, connect
from services.ws.tape.files import NotATape

_ADMINISTRATION: Final = "postgres"
_PATIENCE_S: Final = 20  # a machine whose processors are all at work with backtests
_CREATE: Final = "CREATE DATABASE {} TEMPLATE {}"
_DROP: Final = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
_stop: Event


@dataclass(frozen=True)
class Job:
    """One backtest: *environment* is the bot's, *server* the address of the empty ledger that is copied for it."""

    number: int
    request: Request
    environment: Mapping[str, str]
    server: LedgerAddress


@contextmanager
def workers(count: int, jobs: Sequence[Job]) -> Iterator[list["Future[Outcome | None]"]]:
    """Begin *jobs* in *count* processes. After the with block no process is left, whatever ended it."""
    context = get_context("spawn")
    stop = context.Event()
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=_begin, initargs=(stop,))
    try:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the processes that begin now inherit it
        try:
            futures = [executor.submit(work, job) for job in jobs]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield futures
    finally:
        stop.set()
        try:
            executor.shutdown(cancel_futures=True)
        except (KeyboardInterrupt, SystemExit):  # a second Ctrl-C, which does not want to wait
            for child in active_children():
                child.kill()
            raise


def work(job: Job) -> Outcome | None:
    """Do one backtest; None if it was told to end before. Raises StackError."""
    try:
        with _own_ledger(job) as address:
            environment = {**job.environment, "POSTGRES_DB": address.database}
            passage = traded(job.request, environment, address, _tell_nobody, _stop)
            result = result_of(job.request, passage, address, interrupted=_stop.is_set())
            return outcome_of(result) if result.ended_at_ns is None else None
    except (ServerAway, NotATape, psycopg2.Error) as error:  # not all of them can go from process to process
        raise StackError(" ".join(str(error).split())) from error


def _begin(stop: Event) -> None:
    global _stop  # noqa: PLW0603  a worker's one state, which no job can carry
    _stop = stop
    be_quiet()
    threading.Thread(target=_end_with_the_command, daemon=True).start()
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))  # where strategies of others are found


def _end_with_the_command() -> None:
    """End this process if the command is killed, so that nobody is left who waits for it."""
    if command := parent_process():
        command.join()
        os._exit(1)


@contextmanager
def _own_ledger(job: Job) -> Iterator[LedgerAddress]:
    """Copy the empty ledger for *job*; the copy is dropped afterwards."""
    name = f"grid_{job.number}"
    _administer(job.server, _CREATE, name, job.server.database)
    try:
        yield replace(job.server, database=name)
    finally:
        _administer(job.server, _DROP, name)


def _administer(server: LedgerAddress, statement: str, *names: str) -> None:
    """Run *statement* from a database that is nobody's template: nobody may be connected to one that is copied."""
    with closing(connect(replace(server, database=_ADMINISTRATION), timeout_s=_PATIENCE_S)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _tell_nobody(_rows: int, _newest_ns: int) -> None:
    pass
