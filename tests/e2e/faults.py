"""Faults that tests cause in a running bot."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.e2e.bot import Bot


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
