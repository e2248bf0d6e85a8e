"""What other threads ask of a loop: answered by it alone, once, and never after the asker was told that it is not."""

import threading
from collections.abc import Callable

import pytest

from services.actions import Refused
from services.bus.entries import Outgoing
from services.errors import ServerAway
from services.runtime.requests import NotAnswered, Requests
from services.topology import ORDERS
from tests.support.building import an_order
from tests.support.waiting import until

AN_ORDER = Outgoing(ORDERS, an_order())


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_the_loop_answers_and_gets_what_is_to_be_published() -> None:
    requests: Requests[int, str] = Requests(lambda number: (f"number {number}", [AN_ORDER]))
    answers: list[str] = []
    thread = in_a_thread(lambda: answers.append(requests.ask(7, within_s=30)))
    assert until(requests.answer) == [AN_ORDER]
    thread.join(10)
    assert answers == ["number 7"]
    assert requests.answer() == []


@pytest.mark.parametrize("error", [Refused("no"), ServerAway("PostgreSQL", "gone"), ZeroDivisionError("a fault")])
def test_an_error_is_the_askers_and_does_not_end_the_loop(error: Exception) -> None:
    def act(_question: int) -> tuple[str, list[Outgoing]]:
        raise error

    requests: Requests[int, str] = Requests(act)
    failed, next_one = requests.put(1), requests.put(2)
    assert requests.answer() == []
    assert (failed.exception(0), next_one.exception(0)) == (error, error)


def test_what_was_not_begun_in_time_is_never_done() -> None:
    done: list[int] = []

    def act(number: int) -> tuple[int, list[Outgoing]]:
        done.append(number)
        return number, []

    requests = Requests(act)
    with pytest.raises(NotAnswered, match="not done"):
        requests.ask(1, within_s=0.01)
    assert requests.answer() == []
    assert done == []


def test_who_asks_while_it_is_being_done_hears_that_it_may_be() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def act(number: int) -> tuple[int, list[Outgoing]]:
        begun.set()
        go_on.wait(30)
        return number, []

    requests: Requests[int, int] = Requests(act)
    heard: list[str] = []

    def ask() -> None:
        try:
            requests.ask(1, within_s=0.2)
        except NotAnswered as late:
            heard.append(str(late))

    asker, loop = in_a_thread(ask), in_a_thread(lambda: until(lambda: requests.answer() or begun.is_set()))
    asker.join(10)
    go_on.set()
    loop.join(10)
    assert heard == ["it takes longer than 0.2 s: ask again under the same id"]
