"""Faults that tests cause in a running bot."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psutil

from cdb.running.native import Ports
from services import topology
from tests.support.bot import Bot
from tests.support.paths import ROOT
from tests.support.waiting import until


@contextmanager
def frozen(bot: Bot, server: str) -> Iterator[None]:
    """Stop every process of *server* where it stands, connections open and unanswered."""
    pid = bot.stack.pid_of(server)
    assert pid is not None, f"{server} does not run"
    stopped = [psutil.Process(pid)]
    try:
        os.kill(pid, signal.SIGSTOP)  # first, so that it has no more children
        stopped += stopped[0].children(recursive=True)
        for process in stopped[1:]:
            send_signal(process, signal.SIGSTOP)
        yield
    finally:
        for process in reversed(stopped):
            send_signal(process, signal.SIGCONT)


@contextmanager
def away(bot: Bot, server: str) -> Iterator[None]:
    """End *server* by SIGKILL and keep it from being started again for as long as the with block lasts."""
    pid = bot.stack.pid_of(server)
    assert pid is not None, f"{server} does not run"
    os.kill(pid, signal.SIGKILL)
    bot.stack.stop_part(server)
    try:
        yield
    finally:
        bot.stack.start_part(server)


@contextmanager
def by_hand(bot: Bot, service: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run another copy of *service* with other *settings*, killed at the end."""
    port = Ports.free().of(service)
    own = next(one for one in topology.SERVICES if one.name == service)
    command = [sys.executable, "-m", own.module]
    environment = {**bot.stack.config.process_environment(), own.port_variable: str(port), **settings}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as program:
        try:
            yield program
        finally:
            program.kill()


@contextmanager
def replaced_as_writer(bot: Bot, service: str) -> Iterator[None]:
    """Be the ledger's one writer in place of *service*, as a second copy of it would that was started beside it.

    Whoever holds that place and asks nothing for two seconds loses it.
    """
    with closing(bot.connection()) as connection, connection, connection.cursor() as cursor:

        def is_writer() -> bool:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s",
                (f"{service}-%",),
            )
            cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", (service,))
            row = cursor.fetchone()
            return bool(row and row[0])

        def work() -> None:
            while not over.wait(0.5):
                cursor.execute("SELECT 1")

        until(is_writer, what=f"the place of {service} as the ledger's writer", every_s=0.01)
        over, worker = threading.Event(), threading.Thread(target=work)
        worker.start()
        try:
            yield
        finally:
            over.set()
            worker.join()


def send_signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return  # it had ended before it was stopped


def end_of(bot: Bot, service: str) -> str:
    """Ask *service* to end and return what supervisord says of how it did."""
    bot.stack.stop_part(service)
    log = bot.stack.log_tail("supervisord", 10)
    return next((line for line in reversed(log) if f"stopped: {service} " in line), "\n".join(log))
