"""The order of things inside cdb_risk, on a real ledger: which message waits for which."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from services.bus.entries import Entry, Outgoing
from services.bus.memory import MemoryBus, Streams
from services.clock import EventClock
from services.errors import ServerAway
from services.messages import MarketData, Message, Order, Signal, signal_id
from services.risk.decider import Decider
from services.risk.handlers import RiskHandler
from services.risk.ledger_rows import Rows
from services.risk.limits import Limits
from services.risk.portfolio import Book, Mark
from services.risk.state import RiskState
from services.risk.store import RiskStore
from services.runtime.handling import Batch, Received
from services.topology import MARKET_DATA, SIGNALS
from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration

NOW_NS = 1_795_176_000 * 10**9


def handler_on(database: Database, *, lockstep: bool) -> RiskHandler:
    state = RiskState(RiskStore(database.ledger("risk"), opening_cash=Decimal(100_000)), Limits(), EventClock())
    decider = Decider(state, ledger_delay_s=lambda: 0.0)
    return RiskHandler(state, decider, symbols=frozenset({"BTCUSDT", "ETHUSDT"}), lockstep=lockstep)


def trade(number: int, price: str, symbol: str = "BTCUSDT") -> Received:
    message = MarketData(
        ts_event=NOW_NS + number, ts_init=NOW_NS + number, symbol=symbol, trade_id=number, side="BUY",
        price=Decimal(price), quantity=Decimal(1), source="replay", feed=1, sequence=number,
    )  # fmt: skip
    return received(MARKET_DATA, f"{number}-0", message)


def signal(number: int, side: str, symbol: str = "BTCUSDT") -> Received:
    message = Signal(
        ts_event=NOW_NS + number, ts_init=NOW_NS + number, signal_id=signal_id(symbol, "momentum_v1", number),
        symbol=symbol, side="BUY" if side == "BUY" else "SELL", strategy="momentum_v1", strength=Decimal("0.5"),
        price=Decimal(100), volatility=Decimal(0), trade_id=number, stream_id=f"{number}-0",
    )  # fmt: skip
    return received(SIGNALS, f"{number}-0", message)


def received(stream: str, entry_id: str, message: Message) -> Received:
    return Received(Entry(stream, entry_id, b"", ""), message)


def verdicts(database: Database) -> list[tuple[str, str | None]]:
    return [(verdict, reason) for verdict, reason in database.query(
        "SELECT verdict, reason FROM decisions ORDER BY decision_seq"
    )]  # fmt: skip


def test_a_signal_waits_until_the_price_it_came_from_has_been_applied(database: Database) -> None:
    """Core may be faster than risk: the signal is kept in hand, not decided on an older price."""
    risk = handler_on(database, lockstep=False)
    outcome = risk.handle(Batch([trade(1, "100"), signal(2, "BUY")], caught_up=False))
    assert [item.entry.id for item in outcome.deferred] == ["2-0"]
    assert verdicts(database) == []
    outcome = risk.handle(Batch([*outcome.deferred, trade(2, "100")], caught_up=False))
    assert outcome.deferred == []
    assert verdicts(database) == [("approved", None)]


def test_a_signal_does_not_wait_for_newer_prices(database: Database) -> None:
    """What was read with it is applied afterwards."""
    risk = handler_on(database, lockstep=False)
    risk.handle(Batch([trade(1, "100"), signal(2, "BUY"), trade(2, "101"), trade(3, "102")], caught_up=True))
    assert database.query("SELECT marks->>'BTCUSDT' FROM decisions") == [("101",)]
    risk.housekeep()
    assert database.query("SELECT price FROM marks") == [(102,)]


def test_a_signal_whose_price_was_trimmed_is_decided_once_all_is_read(database: Database) -> None:
    """Nothing more will come: the layers judge on what there is."""
    risk = handler_on(database, lockstep=False)
    risk.handle(Batch([trade(1, "100"), signal(2, "BUY")], caught_up=True))
    assert len(verdicts(database)) == 1


def test_on_one_trade_the_stop_loss_goes_before_the_signal(database: Database) -> None:
    """Both arrive in one read: the position is on its way out before the signal asks to sell it."""
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.trade("BUY", "BTCUSDT")
    last = day.prices["BTCUSDT"]
    crash = received(
        MARKET_DATA, "9999-0", replace(last, price=Decimal(90), ts_event=last.ts_event + 1, trade_id=last.trade_id + 1)
    )
    opinion = signal_of(crash)
    outcome = day.risk.handle(Batch([opinion, crash], caught_up=True))
    assert [item.message.cause for item in outcome.outgoing if isinstance(item.message, Order)] == ["stop_loss"]
    assert verdicts(database)[-1] == ("rejected", "NO_POSITION")


def test_in_a_replay_a_signal_waits_for_the_fill_of_an_order_in_flight(database: Database) -> None:
    """Whether the fill is booked before or after would otherwise be chance."""
    risk = handler_on(database, lockstep=True)
    first = risk.handle(Batch([trade(1, "100"), signal(1, "BUY")], caught_up=True))
    assert len(first.outgoing) == 1
    second = risk.handle(Batch([trade(2, "100", "ETHUSDT"), signal(2, "BUY", "ETHUSDT")], caught_up=True))
    assert [item.entry.id for item in second.deferred] == ["2-0"]
    assert len(verdicts(database)) == 1


def test_in_a_replay_rejections_are_written_before_the_order_that_follows_them(database: Database) -> None:
    """Each with the prices of its own moment, although they are written at once."""
    risk = handler_on(database, lockstep=True)
    risk.handle(Batch([trade(1, "100"), signal(1, "SELL")], caught_up=True))  # from now on the book is known
    sales = [item for n in (2, 3) for item in (trade(n, f"10{n}"), signal(n, "SELL"))]
    outcome = risk.handle(Batch([*sales, trade(4, "104"), signal(4, "BUY"), trade(5, "105"), signal(5, "SELL")], True))
    assert [item.entry.id for item in outcome.deferred] == ["5-0", "5-0"]
    assert database.query("SELECT reason, marks->>'BTCUSDT' FROM decisions ORDER BY decision_seq") == [
        ("NO_POSITION", "100"), ("NO_POSITION", "102"), ("NO_POSITION", "103"), (None, "104"),
    ]  # fmt: skip


@pytest.mark.parametrize("last", ["SELL", "BUY"])
def test_in_a_replay_what_the_ledger_refuses_is_decided_again_in_its_order(database: Database, last: str) -> None:
    """Somebody else has changed the account since the book was read: not one of the decisions made from it is kept."""
    risk = handler_on(database, lockstep=True)
    risk.handle(Batch([trade(1, "100"), signal(1, "SELL")], caught_up=True))
    database.query("UPDATE account SET cash = cash - 1")
    outcome = risk.handle(Batch([trade(2, "100"), signal(2, "SELL"), trade(3, "100"), signal(3, last)], caught_up=True))
    assert [item.entry.id for item in outcome.deferred] == ["2-0", "3-0"]
    assert not outcome.outgoing
    assert len(verdicts(database)) == 1
    risk.handle(Batch(outcome.deferred, caught_up=True))
    assert database.query("SELECT signal_id, cash FROM decisions ORDER BY decision_seq")[1:] == [
        (signal_id("BTCUSDT", "momentum_v1", number), 99_999) for number in (2, 3)
    ]


def test_in_a_replay_what_was_not_written_is_so_when_it_comes_again(database: Database) -> None:
    """The ledger went away before the rejections were in it: they are those of the prices of then."""
    risk = handler_on(database, lockstep=True)
    risk.handle(Batch([trade(1, "100"), signal(1, "SELL")], caught_up=True))
    batch = Batch([trade(2, "102"), signal(2, "SELL"), trade(3, "103"), signal(3, "SELL")], caught_up=True)
    database.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'risk'")
    with pytest.raises(ServerAway):
        risk.handle(batch)
    assert len(verdicts(database)) == 1
    outcome = risk.handle(batch)
    assert database.query("SELECT reason, marks->>'BTCUSDT' FROM decisions ORDER BY decision_seq") == [
        ("NO_POSITION", "100"), ("NO_POSITION", "102"), ("NO_POSITION", "103"),
    ]  # fmt: skip
    assert not outcome.deferred


def test_in_a_replay_what_was_written_although_nobody_was_told_is_not_written_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    risk = handler_on(database, lockstep=True)
    risk.handle(Batch([trade(1, "100"), signal(1, "SELL")], caught_up=True))
    batch = Batch([trade(2, "102"), signal(2, "SELL"), trade(3, "103"), signal(3, "BUY")], caught_up=True)
    write = RiskStore.write_decisions

    def lost(store: RiskStore, rows: Rows, *, made_from: Book | None = None) -> bool:
        write(store, rows, made_from=made_from)
        raise ServerAway("PostgreSQL", "the reply is lost")

    with monkeypatch.context() as patch:
        patch.setattr(RiskStore, "write_decisions", lost)
        with pytest.raises(ServerAway):
            risk.handle(batch)
    risk.handle(batch)
    assert verdicts(database) == [("rejected", "NO_POSITION")] * 2 + [("approved", None)]


def test_in_a_replay_later_signals_do_not_overtake_those_that_the_ledger_has_refused(database: Database) -> None:
    """An order is written at once, so the refusal comes in the middle of the turn."""
    risk = handler_on(database, lockstep=True)
    risk.handle(Batch([trade(1, "100"), signal(1, "SELL")], caught_up=True))
    database.query("UPDATE account SET cash = cash - 1")
    turn = [item for n, side in ((2, "SELL"), (3, "BUY"), (4, "SELL")) for item in (trade(n, "100"), signal(n, side))]
    outcome = risk.handle(Batch(turn, caught_up=True))
    assert [item.entry.id for item in outcome.deferred] == ["2-0", "3-0", "4-0"]
    assert len(verdicts(database)) == 1


def test_trading_live_an_order_in_flight_counts_and_nobody_waits(database: Database) -> None:
    """The second purchase of the same symbol would exceed its limit although nothing is filled yet."""
    risk = handler_on(database, lockstep=False)
    risk.handle(Batch([trade(1, "100"), signal(1, "BUY")], caught_up=True))
    risk.handle(Batch([trade(2, "100"), signal(2, "BUY")], caught_up=True))
    assert verdicts(database) == [("approved", None), ("rejected", "POSITION_SIZE_EXCEEDED")]


def test_a_batch_that_comes_again_adds_nothing(database: Database) -> None:
    """At least once on the bus, exactly once in the ledger."""
    risk = handler_on(database, lockstep=False)
    batch = Batch([trade(1, "100"), signal(1, "BUY")], caught_up=True)
    for _ in range(3):
        risk.handle(batch)
    assert verdicts(database) == [("approved", None)]
    assert database.query("SELECT count(*) FROM orders") == [(1,)]


def signal_of(item: Received) -> Received:
    made_by = item.message
    assert isinstance(made_by, MarketData)
    opinion = Signal(
        ts_event=made_by.ts_event, ts_init=made_by.ts_init, symbol=made_by.symbol, side="SELL",
        signal_id=signal_id(made_by.symbol, "momentum_v1", made_by.trade_id), strategy="momentum_v1",
        strength=Decimal("0.5"), price=made_by.price, volatility=Decimal(0), trade_id=made_by.trade_id,
        stream_id=item.entry.id,
    )  # fmt: skip
    return received(SIGNALS, item.entry.id, opinion)


@pytest.mark.parametrize("saved", [False, True])
def test_a_restart_knows_how_prices_have_moved_and_where_they_stand(database: Database, saved: bool) -> None:
    """Whether or not the ledger had the last price, which the bus gives once more."""
    bus = MemoryBus(Streams(), group="cdb_risk", clock=EventClock())
    bus.make_groups([MARKET_DATA])
    trades = [trade(number, str(100 + number % 3)) for number in range(1, 7)]
    bus.publish(Outgoing(MARKET_DATA, item.message) for item in trades)
    read = bus.read([MARKET_DATA], count=10)
    before = handler_on(database, lockstep=True)
    before.handle(Batch([Received(entry, entry.read()) for entry in read], caught_up=True))
    bus.commit(read[:-1], [], [])
    if saved:
        before.close()
    after = handler_on(database, lockstep=True)
    after.rebuild(bus)
    assert after._state.clock.now_ns() == NOW_NS + (6 if saved else 5)  # else it would count orders of long ago
    after.handle(Batch([Received(read[-1], read[-1].read())], caught_up=True))
    assert moves(after) == moves(before)


def moves(handler: RiskHandler) -> tuple[Decimal, Mark]:
    marks = handler._state.marks
    return marks.volatility("BTCUSDT"), marks.newest["BTCUSDT"]
