"""Deliberate breaks of the product. The simulation must find each of them; none is found without faults."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import msgspec
import pytest

from services.actions import Recorded
from services.bus.entries import Entry
from services.bus.only_one import OnlyOne
from services.core.handlers import CoreHandler
from services.core.handlers import _Watched as Watched
from services.execution import store as execution_store
from services.execution.store import Changes, ExecutionStore
from services.risk import store as risk_store
from services.risk.action_store import _ORDERS as ORDERS_OF_AN_ACTION
from services.risk.action_store import ActionStore
from services.risk.handlers import RiskHandler
from services.risk.ledger_rows import Rows
from services.risk.resender import Resender
from services.risk.state import RiskState
from services.risk.store import RiskStore
from services.runtime.consumer import Consumer
from services.runtime.handling import Batch, Outcome

Break = Callable[[pytest.MonkeyPatch], None]


def acknowledged_before_handled(patch: pytest.MonkeyPatch) -> None:
    plain = Consumer._process

    def process(self: Any, entries: list[Entry], *, caught_up: bool) -> None:
        self._bus.commit(entries, [], [])
        plain(self, entries, caught_up=caught_up)

    patch.setattr(Consumer, "_process", process)


def committed_after_acknowledged(patch: pytest.MonkeyPatch) -> None:
    plain_handle, plain_write = RiskHandler.handle, RiskStore.write_decisions
    waiting: list[Callable[[], Any]] = []

    def write(self: RiskStore, rows: Rows, **more: Any) -> bool:
        waiting.append(partial(plain_write, self, rows, **more))
        return True

    def handle(self: RiskHandler, batch: Batch) -> Outcome:
        waiting.clear()
        outcome = plain_handle(self, batch)
        outcome.afterwards[:0] = waiting
        return outcome

    patch.setattr(RiskStore, "write_decisions", write)
    patch.setattr(RiskHandler, "handle", handle)


def never_sent_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Resender, "due", lambda _self, _placed: [])


def fill_not_stored(patch: pytest.MonkeyPatch) -> None:
    plain = ExecutionStore.write

    def write(self: ExecutionStore, changes: Changes) -> None:
        changes.fills.clear()
        plain(self, changes)

    patch.setattr(ExecutionStore, "write", write)


def decided_again(patch: pytest.MonkeyPatch) -> None:
    plain = RiskStore.load
    patch.setattr(RiskStore, "load", lambda self, *ids, **more: replace(plain(self, *ids, **more), decided=frozenset()))


def an_old_book_will_do(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RiskState, "known", lambda self: self._known)
    patch.setattr(risk_store, "_fence", lambda _book: (None,) * 5)


def an_account_is_never_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(execution_store, "_fence", lambda _made_from: (None,) * 3)


def filled_again(patch: pytest.MonkeyPatch) -> None:
    plain = ExecutionStore.read

    def read(self: ExecutionStore, order_ids: Any = ()) -> Any:
        account = plain(self, order_ids)
        if account:
            account.orders = {key: replace(known, state="placed", fill=None) for key, known in account.orders.items()}
        return account

    patch.setattr(ExecutionStore, "read", read)


def windows_not_rebuilt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(CoreHandler, "rebuild", lambda _self, _bus: None)


def moves_not_rebuilt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RiskHandler, "rebuild", lambda _self, _bus: None)


def everything_is_news(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Watched, "is_news", lambda _self, _trade: True)


def lost_replies_are_left(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Consumer, "_take_up_lost", lambda _self: None)


def deferred_is_acknowledged(patch: pytest.MonkeyPatch) -> None:
    def open_keys(self: Outcome) -> set[Any]:
        return self.failed_keys() | {letter.entry.key for letter in self.dead}

    patch.setattr(Outcome, "open_keys", open_keys)


def all_copies_work(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(OnlyOne, "greet", lambda _self, connection: connection.on_connect())


def a_woken_copy_works_on(patch: pytest.MonkeyPatch) -> None:
    plain = OnlyOne.greet

    def greet(self: OnlyOne, connection: Any) -> None:
        self._has_worked = False
        plain(self, connection)

    patch.setattr(OnlyOne, "greet", greet)


def orders_after_their_action(patch: pytest.MonkeyPatch) -> None:
    def flatten(self: ActionStore, recorded: Recorded, orders: Iterable[Mapping[str, Any]]) -> bool:
        if not self.record(recorded):
            return False
        for _ in range(10):  # a gap of one statement is hit in one of some hundred seeds
            self._ledger.ping()
        with self._ledger.transaction() as cursor:
            cursor.execute(ORDERS_OF_AN_ACTION, (msgspec.json.encode(orders, enc_hook=str).decode(),))
        return True

    patch.setattr(ActionStore, "flatten", flatten)


def acted_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ActionStore, "find", lambda _self, _action_id: None)


EARLIER: Final[tuple[Break, ...]] = (
    acknowledged_before_handled,
    committed_after_acknowledged,
    never_sent_again,
    fill_not_stored,
)
"""Those of tests/system/native/test_faults.py."""
MORE: Final[tuple[Break, ...]] = (
    decided_again,
    an_old_book_will_do,
    an_account_is_never_asked_for,
    filled_again,
    windows_not_rebuilt,
    moves_not_rebuilt,
    everything_is_news,
    lost_replies_are_left,
    deferred_is_acknowledged,
)
COPIES: Final[tuple[Break, ...]] = (all_copies_work, a_woken_copy_works_on)
"""Those that show only where a service runs twice, or hangs until another copy takes its place."""
OPERATORS: Final[tuple[Break, ...]] = (orders_after_their_action, acted_again)
BREAKS: Final = {one.__name__: one for one in (*EARLIER, *MORE, *COPIES, *OPERATORS)}
