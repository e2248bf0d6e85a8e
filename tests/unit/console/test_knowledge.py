"""What the console knows of its servers: asked once, kept with its age, and no reader waits for a server that hangs."""

import threading
from collections.abc import Callable

import pytest

from cdb.kit.errors import Away
from console.knowledge import LONGEST, SHARE, Knowledge
from services.clock import NANOSECONDS
from tests.support.clocks import SettableClock

ENOUGH_S = 10.0


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def knowledge(clock: SettableClock) -> Knowledge:
    return Knowledge(clock)


class Server:
    """Answers with the number of the question, unless it fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: Exception | None = None

    def __call__(self) -> int:
        self.asked += 1
        if self.failure:
            raise self.failure
        return self.asked


def test_an_answer_is_shared_until_it_is_old(knowledge: Knowledge, clock: SettableClock) -> None:
    server = Server()

    def seen() -> int | None:
        return knowledge.of("key", server, for_s=5).value

    assert [seen(), seen()] == [1, 1]
    clock.now += int((4.9) * NANOSECONDS)
    assert seen() == 1
    clock.now += int((0.2) * NANOSECONDS)
    assert seen() == 2


def test_while_a_server_is_away_its_last_answer_is_kept_with_its_age(
    knowledge: Knowledge, clock: SettableClock
) -> None:
    server = Server()
    look = knowledge.of
    first = look("key", server)
    clock.now += 60 * NANOSECONDS
    server.failure = Away("nobody answers")
    second = look("key", server)
    assert (second.value, second.at, second.problem) == (1, first.at, "nobody answers")
    clock.now += 60 * NANOSECONDS
    server.failure = None
    assert (look("key", server).value, look("key", server).problem) == (3, "")


def test_a_mistake_reaches_whoever_asks_and_is_not_kept(knowledge: Knowledge) -> None:
    server = Server()
    server.failure = ZeroDivisionError("a mistake")
    with pytest.raises(ZeroDivisionError):
        knowledge.of("key", server)
    server.failure = None
    assert knowledge.of("key", server).value == 2


def hanging(let_go: threading.Event, then: Callable[[], int]) -> Callable[[], int]:
    def work_out() -> int:
        assert let_go.wait(ENOUGH_S)
        return then()

    return work_out


def test_nobody_waits_for_a_server_that_hangs(knowledge: Knowledge) -> None:
    let_go, server = threading.Event(), Server()
    late = knowledge.of("key", hanging(let_go, server), wait_s=0.01)
    assert (late.value, late.is_late, late.problem) == (None, True, "")
    assert late.absence("Jaeger") == "Jaeger has not answered yet"
    assert knowledge.of("another", server).value == 1, "another server is asked meanwhile"
    let_go.set()
    found = knowledge.of("key", hanging(let_go, server), wait_s=ENOUGH_S)
    assert (found.value, found.is_late) == (2, False), "it was asked once"
    assert found.absence("Jaeger") == ""


def test_what_is_known_is_shown_while_a_newer_answer_is_late(knowledge: Knowledge, clock: SettableClock) -> None:
    let_go, server = threading.Event(), Server()
    known = knowledge.of("key", server)
    clock.now += 60 * NANOSECONDS
    late = knowledge.of("key", hanging(let_go, server), wait_s=0.01)
    assert (late.value, late.at, late.is_late) == (1, known.at, True)
    let_go.set()


def test_who_asks_later_does_not_wait_again(clock: SettableClock) -> None:
    """Whoever came first has waited for it; a hanging server must not cost every page a second."""
    let_go, server, seconds = threading.Event(), Server(), iter([0.0, 0.0, 61.0])
    knowledge = Knowledge(clock, monotonic=lambda: next(seconds))
    assert knowledge.of("key", hanging(let_go, server), wait_s=0.0).is_late
    assert knowledge.of("key", hanging(let_go, server), wait_s=60.0).is_late
    let_go.set()


def test_what_takes_long_is_kept_for_longer(knowledge: Knowledge, clock: SettableClock) -> None:
    server = Server()

    def slow() -> int:
        clock.now += 3 * NANOSECONDS
        return server()

    assert knowledge.of("key", slow, for_s=10).value == 1
    clock.now += int((3 * SHARE - 1) * NANOSECONDS)
    assert knowledge.of("key", slow, for_s=10).value == 1
    clock.now += 2 * NANOSECONDS
    assert knowledge.of("key", slow, for_s=10).value == 2


def test_a_server_that_was_away_for_long_is_asked_again_soon(knowledge: Knowledge, clock: SettableClock) -> None:
    """Neither its timeout nor what it once took is work that would have to be spared."""
    server = Server()

    def takes(seconds: int, then: Callable[[], int]) -> Callable[[], int]:
        def work_out() -> int:
            clock.now += seconds * NANOSECONDS
            return then()

        return work_out

    def away() -> int:
        raise Away("it hangs")

    assert knowledge.of("key", takes(3, server)).value == 1
    clock.now += 3 * SHARE * NANOSECONDS
    assert knowledge.of("key", takes(30, away)).problem == "it hangs"
    clock.now += 2 * NANOSECONDS
    assert knowledge.of("key", server).value == 2


def test_what_took_long_because_its_server_hung_is_not_kept_for_long(
    knowledge: Knowledge, clock: SettableClock
) -> None:
    server = Server()

    def hung() -> int:
        clock.now += 600 * NANOSECONDS
        return server()

    assert knowledge.of("key", hung, for_s=2).value == 1
    clock.now += 2 * LONGEST * NANOSECONDS
    assert knowledge.of("key", server, for_s=2).value == 2


def test_after_somebody_has_acted_all_is_asked_anew(knowledge: Knowledge) -> None:
    server = Server()
    assert [knowledge.of("key", server, for_s=60).value for _ in range(2)] == [1, 1]
    knowledge.renew()
    assert knowledge.of("key", server, for_s=60).value == 2


def test_what_is_asked_once_is_not_kept_and_waited_for_so_long_only(knowledge: Knowledge) -> None:
    let_go, server = threading.Event(), Server()
    assert [knowledge.once(server, "PostgreSQL", wait_s=ENOUGH_S) for _ in range(2)] == [1, 2]
    with pytest.raises(Away, match="PostgreSQL has not answered within 0 s"):
        knowledge.once(hanging(let_go, server), "PostgreSQL", wait_s=0.01)
    let_go.set()
