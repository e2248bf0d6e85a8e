"""Only one process works under a service's name: a second one waits, and takes over when the first has ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any, Final

import pytest
import redis

from services.bus.client import connect
from services.bus.only_one import SILENT_S, OnlyOne, address_of_worker
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.errors import ServerAway, Superseded
from tests.support.paths import ROOT
from tests.support.servers import Servers
from tests.support.waiting import until

pytestmark = pytest.mark.integration

HOLDER: Final = """
import sys, threading
from services.bus.client import connect
from services.bus.only_one import OnlyOne

host, port, password = "127.0.0.1", int(sys.argv[1]), sys.stdin.readline().strip()
client = connect(host=host, port=port, password=password, greet=OnlyOne("cdb_core").greet)
while True:
    client.ping()
    print("holds", flush=True)
    threading.Event().wait(0.2)
"""


Connect = Callable[..., redis.Redis]


@pytest.fixture
def a_client(servers: Servers) -> Iterator[Connect]:
    """Make clients that carry a service's name, and close them after the test: it is free again then."""
    password = servers.stack.config.environment["REDIS_PASSWORD"]
    with ExitStack() as stack:

        def make(name: str = "cdb_core") -> redis.Redis:
            greet = OnlyOne(name).greet
            client = connect(host="127.0.0.1", port=servers.ports.redis, password=password, greet=greet)
            stack.callback(client.close)
            return client

        yield make


def ask(client: redis.Redis) -> None:
    """Ask as the loop of a service does."""
    RedisBus(client, group="cdb_core", consumer="cdb_core", clock=WallClock()).ping()


def gets_in(client: redis.Redis) -> bool:
    try:
        ask(client)
    except ServerAway:
        return False
    return True


@contextmanager
def a_holder(servers: Servers) -> Iterator[subprocess.Popen[str]]:
    """Run another process that works as cdb_core."""
    command = [sys.executable, "-c", HOLDER, str(servers.ports.redis)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as program:
        try:
            assert program.stdin is not None
            assert program.stdout is not None
            program.stdin.write(servers.stack.config.environment["REDIS_PASSWORD"] + "\n")
            program.stdin.flush()
            assert program.stdout.readline() == "holds\n"
            yield program
        finally:
            program.kill()


@pytest.mark.usefixtures("bus_client")
def test_a_second_process_is_refused_by_name_until_the_first_has_ended(servers: Servers, a_client: Connect) -> None:
    first, second = a_client(), a_client()
    ask(first)
    for _ in range(3):
        with pytest.raises(ServerAway, match="another process works as cdb_core; this one waits until it has ended"):
            ask(second)
        ask(first)
    ask(a_client("cdb_ws"))
    first.close()
    until(lambda: gets_in(second), within_s=5, what="the second process getting in")


@pytest.mark.usefixtures("bus_client")
def test_a_killed_process_leaves_its_name_at_once(servers: Servers, a_client: Connect) -> None:
    """Whoever starts it again waits for nothing."""
    with a_holder(servers) as holder:
        client = a_client()
        assert not gets_in(client)
        holder.kill()
        holder.wait()
        until(lambda: gets_in(client), within_s=5, what="the next process getting in")


@pytest.mark.usefixtures("bus_client")
def test_a_process_that_hangs_loses_its_name_and_is_the_second_when_it_comes_back(
    servers: Servers, a_client: Connect
) -> None:
    """Its connection is ended, so it cannot write by it beside the one that took over."""
    with a_holder(servers) as holder:
        client = a_client()
        os.kill(holder.pid, signal.SIGSTOP)
        until(lambda: gets_in(client), within_s=4 * SILENT_S, what="the next process getting in")
        os.kill(holder.pid, signal.SIGCONT)
        assert holder.wait(30) == 1, "it could do nothing any more"
        assert gets_in(client)


@pytest.mark.usefixtures("bus_client")
def test_a_process_whose_health_check_is_silent_is_frozen_though_its_loop_has_just_asked(
    servers: Servers, a_client: Connect
) -> None:
    """A loop may be silent for longer, for it may have much to do."""
    password = servers.stack.config.environment["REDIS_PASSWORD"]
    one = OnlyOne("cdb_core")
    loop, alive = (
        connect(host="127.0.0.1", port=servers.ports.redis, password=password, greet=greet)
        for greet in (one.greet, one.greet_alive)
    )
    second = a_client()
    with closing(loop), closing(alive):
        ask(loop)
        alive.ping()

        def gets_in_beside_the_loop() -> bool:
            if gets_in(second):
                return True
            ask(loop)
            return False

        until(gets_in_beside_the_loop, within_s=20, what="the next process getting in")


@pytest.mark.usefixtures("bus_client")
def test_a_copy_that_waits_says_whether_it_could_work(bus_client: redis.Redis) -> None:
    working, waiting = OnlyOne("cdb_risk"), OnlyOne("cdb_risk")
    assert not working.is_offered(bus_client)
    waiting.offer(bus_client)
    assert working.is_offered(bus_client)
    until(lambda: not working.is_offered(bus_client), within_s=10, what="the end of an offer that nobody repeats")


@pytest.mark.usefixtures("bus_client")
def test_who_works_says_where(servers: Servers, bus_client: redis.Redis) -> None:
    """Whoever waits sends others there."""
    assert address_of_worker(bus_client, "cdb_core") == ""
    password = servers.stack.config.environment["REDIS_PASSWORD"]
    greet = OnlyOne("cdb_core", address="http://127.0.0.1:8101").greet
    with closing(connect(host="127.0.0.1", port=servers.ports.redis, password=password, greet=greet)) as client:
        ask(client)
    assert address_of_worker(bus_client, "cdb_core") == "http://127.0.0.1:8101"


@pytest.mark.usefixtures("bus_client")
def test_a_process_in_whose_place_another_has_worked_must_end(a_client: Connect) -> None:
    """Whether the other one is still there or not: this one has not seen what happened meanwhile."""
    first, second = a_client(), a_client()
    ask(first)
    first.connection_pool.disconnect()
    until(lambda: gets_in(second), within_s=5, what="the second process getting in")
    with pytest.raises(Superseded, match="another process works as cdb_core"):
        ask(first)
    second.close()
    until(lambda: gets_in(a_client()), within_s=5, what="the name being free")
    with pytest.raises(Superseded):
        ask(first)


@pytest.mark.usefixtures("bus_client")
def test_a_process_that_was_cut_off_gets_in_again_though_redis_knows_its_old_connection(a_client: Connect) -> None:
    client: Any = a_client()
    with client.pubsub() as other:
        other.ping()  # a connection of its own, which stays
        ask(client)


def test_a_bus_that_was_flushed_does_not_forget_who_works(bus_client: redis.Redis, a_client: Connect) -> None:
    first, second = a_client(), a_client()
    ask(first)
    bus_client.flushall()
    assert not gets_in(second)
    ask(first)
