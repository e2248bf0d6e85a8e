"""What other threads ask of a service's loop, which alone may change the ledger's trading rows."""

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from services.bus.entries import Outgoing
from services.errors import ServerAway
from services.runtime.retry import attempt

Q = TypeVar("Q")
A = TypeVar("A")


class NotAnswered(Exception):
    """The loop has not answered in time; the text says whether it still may do what was asked."""


class Requests(Generic[Q, A]):
    """A queue from any thread to the loop. *act* gives the answer, and the messages that it leads to.

    What *act* raises is raised where it was asked; it never ends the loop, and nothing is tried again.
    """

    def __init__(self, act: Callable[[Q], tuple[A, list[Outgoing]]]) -> None:
        self._act = act
        self._waiting: SimpleQueue[tuple[Q, Future[A]]] = SimpleQueue()

    def put(self, question: Q) -> Future[A]:
        """Have the loop answer *question* at its next turn, unless the future is cancelled before."""
        future: Future[A] = Future()
        self._waiting.put((question, future))
        return future

    def ask(self, question: Q, *, within_s: float) -> A:
        """Ask the loop and wait. Raises NotAnswered, and what acting on *question* raises."""
        future = self.put(question)
        try:
            return future.result(within_s)
        except TimeoutError as late:
            if future.cancel():
                raise NotAnswered(f"not done: the service had no time for it within {within_s:g} s") from late
            raise NotAnswered(f"it takes longer than {within_s:g} s: ask again under the same id") from late

    def answer(self) -> list[Outgoing]:
        """Act on all that waits; for the loop alone."""
        outgoing: list[Outgoing] = []
        while True:
            try:
                question, future = self._waiting.get_nowait()
            except Empty:
                return outgoing
            if future.set_running_or_notify_cancel():
                outgoing += self._answer(question, future)

    def _answer(self, question: Q, future: Future[A]) -> list[Outgoing]:
        found: list[tuple[A, list[Outgoing]]] = []
        try:
            error = attempt(lambda: found.append(self._act(question)))
        except ServerAway as away:
            error = away
        if error is not None:
            future.set_exception(error)
            return []
        answer, outgoing = found[0]
        future.set_result(answer)
        return outgoing
