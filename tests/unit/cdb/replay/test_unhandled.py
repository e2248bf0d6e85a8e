"""Messages that nobody could handle are named by the trade that led to them, and its line."""

from decimal import Decimal
from pathlib import Path

import pytest

from cdb.replay.tape import Tape
from cdb.replay.unhandled import Unhandled, trade_of, unhandled
from services.bus.dead_letters import Letter
from services.messages import DeadLetter, Fill, Message, encode, fill_id_of_order, order_id_of_stop_loss
from services.ws.tape.rows import Reading
from tests.support.building import NOW, a_signal, a_trade, an_order
from tests.unit.services.ws.tape.tables import HEADER, row, written

STOP = order_id_of_stop_loss("position:order:ETHUSDT:momentum_v1:701", 703)
FILL = Fill(
    ts_event=NOW,
    ts_init=NOW,
    fill_id=fill_id_of_order(STOP),
    order_id=STOP,
    symbol="ETHUSDT",
    side="SELL",
    quantity=Decimal(1),
    price=Decimal("1e10"),
    fee=Decimal(1),
    slippage_bps=Decimal(1),
    realised_pnl=None,
)


def letter(data: bytes) -> Letter:
    content = DeadLetter(
        ts_event=NOW,
        ts_init=NOW,
        stream="fills",
        entry_id="1-0",
        group="cdb_risk",
        reason="bad_message",
        detail="price must be at most 1000000000",
        data=data.decode(),
        encoding="text",
        size=len(data),
        complete=True,
    )
    return Letter("1-1", content, "", b"")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (a_trade(trade_id=7), ("BTCUSDT", 7)),
        (a_signal(trade_id=7), ("BTCUSDT", 7)),
        (an_order(order_id="order:BTCUSDT:momentum_v1:7"), ("BTCUSDT", 7)),
        (FILL, ("ETHUSDT", 703)),
    ],
)
def test_every_message_tells_its_trade(message: Message, expected: tuple[str, int]) -> None:
    assert trade_of(encode(message)) == expected


@pytest.mark.parametrize("data", [b"", b"\xff{", b"[]", b"{}", b'{"symbol":"X","order_id":"no number"}'])
def test_what_is_no_message_tells_none(data: bytes) -> None:
    assert trade_of(data) is None


def test_trade_is_found_in_the_file(tmp_path: Path) -> None:
    tape = Tape(written(tmp_path, [HEADER, *map(row, range(5))]), Reading(), 5, ("ETHUSDT",))
    (found,) = unhandled([letter(encode(FILL))], [tape])
    assert found == Unhandled(
        "fills", "cdb_risk", "bad_message", "price must be at most 1000000000", "ETHUSDT", 703, "line 5"
    )
    assert str(found).startswith("trade 703 of ETHUSDT (line 5), on fills, for cdb_risk: bad_message, price")


def test_letter_that_tells_nothing_is_still_listed(tmp_path: Path) -> None:
    tape = Tape(written(tmp_path, [HEADER, row(0)]), Reading(), 1, ("ETHUSDT",))
    found = unhandled([letter(b"?"), Letter("2-0", None, "", b"")], [tape])
    assert [(one.symbol, one.trade, one.line) for one in found] == [(None, None, None)] * 2
