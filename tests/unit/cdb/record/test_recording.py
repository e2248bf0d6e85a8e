"""What a recording takes from the stream, what it leaves out, and what it says is missing."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cdb.record.recording import Gap, Recording
from cdb.record.view import Result, line, lines
from services.bus.entries import Entry
from services.messages import MAX_PRICE, MAX_TIME_NS, MarketData, encode
from services.topology import MARKET_DATA
from services.ws.tape.columns import named
from services.ws.tape.rows import Reading, Rows
from services.ws.tape.writer import HEADER, line_of
from services.ws.trades import RawTrade

BEGAN_MS = 1_700_000_000_000


def a_trade(sequence: int, *, feed: int = 1, **changes: Any) -> MarketData:
    values: dict[str, Any] = {
        "ts_event": (BEGAN_MS + sequence) * 1_000_000,
        "ts_init": BEGAN_MS * 1_000_000,
        "symbol": "BTCUSDT",
        "trade_id": sequence,
        "side": "BUY",
        "price": Decimal("100.5"),
        "quantity": Decimal(2),
        "source": "test",
        "feed": feed,
        "sequence": sequence,
    }
    return MarketData(**{**values, **changes})


def entry(trade: MarketData | None, *, at_ms: int = BEGAN_MS) -> Entry:
    return Entry(MARKET_DATA, f"{at_ms}-0", b"nothing" if trade is None else encode(trade), None)


def taken(recording: Recording, *trades: MarketData | None) -> list[str]:
    return list(recording.lines(entry(trade) for trade in trades))


def test_each_trade_is_a_line_in_the_order_in_which_it_was_published() -> None:
    recording = Recording(BEGAN_MS)
    assert taken(recording, a_trade(1), a_trade(2, side="SELL", price=Decimal("0.00000001"))) == [
        "1700000000001000000,1,BTCUSDT,BUY,100.5,2,\n",
        "1700000000002000000,2,BTCUSDT,SELL,1E-8,2,\n",
    ]
    assert recording.trades == {"BTCUSDT": 2}
    assert not recording.gaps


def test_a_late_trade_and_one_of_the_lead_in_are_marked_late() -> None:
    recording = Recording(BEGAN_MS)
    entries = [entry(a_trade(1), at_ms=BEGAN_MS - 1), entry(a_trade(2, late=True)), entry(a_trade(3))]
    assert [row.endswith(",late\n") for row in recording.lines(entries)] == [True, True, False]
    assert (recording.lead_in, recording.late, recording.trades.total()) == (1, 1, 2)


def test_other_symbols_are_left_out_and_are_no_gap() -> None:
    recording = Recording(BEGAN_MS, symbols={"ETHUSDT"})
    assert len(taken(recording, a_trade(1, symbol="ETHUSDT"), a_trade(2), a_trade(3, symbol="ETHUSDT"))) == 2
    assert recording.trades == {"ETHUSDT": 2}
    assert not recording.gaps


def test_what_is_no_message_is_counted() -> None:
    recording = Recording(BEGAN_MS)
    assert len(taken(recording, a_trade(1), None, a_trade(2))) == 2
    assert recording.unreadable == 1


def test_a_message_that_comes_again_is_on_the_tape_once() -> None:
    recording = Recording(BEGAN_MS)
    assert len(taken(recording, a_trade(1), a_trade(2), a_trade(1), a_trade(2), a_trade(3))) == 3
    assert (recording.repeated, recording.gaps) == (2, [])


def test_messages_that_were_trimmed_are_a_gap() -> None:
    recording = Recording(BEGAN_MS)
    list(recording.lines([entry(a_trade(5)), entry(a_trade(9), at_ms=BEGAN_MS + 70)]))
    assert recording.gaps == [Gap(BEGAN_MS, BEGAN_MS + 70, lost=3)]


def test_a_source_that_begins_anew_is_told_and_is_a_gap_only_if_messages_are_missing() -> None:
    recording = Recording(BEGAN_MS)
    taken(recording, a_trade(5), a_trade(1, feed=2))
    assert (recording.restarts, recording.gaps) == (1, [])
    taken(recording, a_trade(3, feed=3))
    assert (recording.restarts, recording.gaps) == (2, [Gap(BEGAN_MS, BEGAN_MS, lost=2, at_least=True)])


def test_a_bus_that_was_away_is_a_gap_even_if_no_message_is_missing() -> None:
    recording = Recording(BEGAN_MS)
    taken(recording, a_trade(1))
    recording.was_away(2)
    recording.was_away(1)
    list(recording.lines([entry(a_trade(2), at_ms=BEGAN_MS + 3_000)]))
    assert recording.gaps == [Gap(BEGAN_MS, BEGAN_MS + 3_000, away_s=3)]


def test_a_bus_that_does_not_come_back_is_a_gap_until_the_end() -> None:
    recording = Recording(BEGAN_MS)
    recording.was_away(4)
    recording.finish(BEGAN_MS + 4_000)
    assert recording.gaps == [Gap(BEGAN_MS, BEGAN_MS + 4_000, at_least=True, away_s=4)]


def test_the_result_names_the_gap_and_what_to_do_with_the_file() -> None:
    recording = Recording(BEGAN_MS)
    taken(recording, a_trade(1))
    recording.was_away(12)
    list(recording.lines([entry(a_trade(2_001, late=True), at_ms=BEGAN_MS + 13_000)]))
    result = Result(recording=recording, file=Path("hour.csv.gz"), seconds=3600, interrupted=False)
    assert list(lines(result)) == [
        "recorded 2 trades of 1 symbol in 60.0 min to hour.csv.gz",
        "1 of them came late; strategies see them and do not decide on them",
        "gap from 2023-11-14 22:13:20 to 2023-11-14 22:13:33 UTC: the bus did not answer for 12.0 s, so trades of that"
        " time may not have reached it; 1,999 messages were gone from the bus before they could be read",
        "To trade on it again: cdb backtest hour.csv.gz",
    ]


def test_the_line_says_how_far_it_is_and_that_the_bus_is_away() -> None:
    assert line(1_234, 75.4, 3_599.2, "") == "1,234 trades, 75 trades/s, 0:59:59 left"
    assert line(0, 0, None, "Redis: refused") == (
        "0 trades, 0 trades/s, Ctrl-C ends it; the bus does not answer: Redis: refused"
    )


AMOUNTS = st.decimals(min_value=Decimal("1e-18"), max_value=MAX_PRICE, places=18)
TRADES = st.builds(
    RawTrade,
    symbol=st.just("BTCUSDT"),
    trade_id=st.integers(0, 2**63 - 1),
    side=st.sampled_from(["BUY", "SELL"]),
    price=AMOUNTS,
    quantity=AMOUNTS,
    ts_event=st.integers(10**18, MAX_TIME_NS - 1),
    origin=st.just("line 2"),
    late=st.booleans(),
)


@given(TRADES)
def test_what_is_written_is_read_to_the_last_digit(trade: RawTrade) -> None:
    values = {name: getattr(trade, name) for name in ("trade_id", "side", "price", "quantity", "ts_event")}
    rows = Rows(named(HEADER.strip().split(","), ","), Reading())
    assert rows.read(line_of(a_trade(1, **values), late=trade.late), 2) == trade
