"""What travels on the bus: it comes out as it went in, and nothing else gets in."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messages import (
    MAX_NOTIONAL,
    MAX_TIME_NS,
    BadMessage,
    DeadLetter,
    Fill,
    Message,
    decode,
    encode,
    is_stream_id,
    signal_id,
)
from services.topology import DEAD_LETTERS, FILLS, MARKET_DATA, ORDERS, SIGNALS
from tests.support.building import a_signal, a_trade, an_order, quick

times = st.integers(1, MAX_TIME_NS - 1)
numbers = st.integers(0, 2**63 - 1)
texts = st.text('AZaz09:-_ ~"\\', min_size=1, max_size=30)
anything = st.text('a\x00\x1f\n"\\\u00e9\u2028\ufeff\U0001f600', max_size=50)
prices = st.decimals("0.000000000000000001", 10**9, places=18).filter(bool)
amounts = st.decimals("0.00000001", 10**6, places=8)
shares = st.decimals(0, 1, places=8)
sides = st.sampled_from(["BUY", "SELL"])
stamps = {"ts_event": times, "ts_init": times}


def built(function: Any, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    return st.fixed_dictionaries({**stamps, **parts}).map(lambda values: function(**values))


MESSAGES: dict[str, st.SearchStrategy[Message]] = {
    MARKET_DATA: built(
        a_trade, symbol=texts, trade_id=numbers, side=sides, price=prices, quantity=amounts, source=texts, feed=numbers
    ),
    SIGNALS: built(a_signal, symbol=texts, strategy=texts, trade_id=numbers, side=sides, price=prices, strength=shares),
    ORDERS: built(an_order, order_id=texts, symbol=texts, side=sides, quantity=amounts, reference_price=prices),
    FILLS: built(
        Fill,
        fill_id=texts,
        order_id=texts,
        symbol=texts,
        side=sides,
        quantity=amounts,
        price=prices,
        fee=shares,
        slippage_bps=st.decimals(-500, 500, places=2),
        realised_pnl=st.none() | st.decimals(-(10**6), 10**6, places=8),
    ),
    DEAD_LETTERS: built(
        DeadLetter,
        stream=anything,
        entry_id=texts,
        group=texts,
        reason=texts,
        detail=anything,
        data=anything,
        encoding=st.sampled_from(["text", "base64"]),
        size=numbers,
        complete=st.booleans(),
    ),
}


@pytest.mark.parametrize("stream", MESSAGES)
@quick
@given(st.data())
def test_message_comes_out_as_it_went_in(stream: str, data: st.DataObject) -> None:
    message = data.draw(MESSAGES[stream])
    assert decode(stream, encode(message)) == message


def wire(message: Message, **changes: Any) -> bytes:
    return json.dumps({**json.loads(encode(message)), **changes}).encode()


A_FILL = Fill(
    ts_event=1,
    ts_init=1,
    fill_id="fill:1",
    order_id="order:1",
    symbol="BTCUSDT",
    side="BUY",
    quantity=Decimal(1),
    price=Decimal(100),
    fee=Decimal(0),
    slippage_bps=Decimal(1),
    realised_pnl=None,
)
EXAMPLES: dict[str, Message] = {MARKET_DATA: a_trade(), SIGNALS: a_signal(), ORDERS: an_order(), FILLS: A_FILL}
NOT_FINITE = ("NaN", "sNaN", "-NaN", "Infinity", "-Infinity")
WRONG_VALUES: dict[str, dict[str, tuple[Any, ...]]] = {
    MARKET_DATA: {
        "price": (*NOT_FINITE, "0", "-1", "1e10", "1e-19", "9" * 1000, "dear", None, []),
        "quantity": (*NOT_FINITE, "0", "-1", "1e16", "1e-999999999"),
        "trade_id": (-1, 2**63, 10**400, 1.5, "1", None),
        "ts_event": (0, -1, MAX_TIME_NS, 10**30, "now"),
        "ts_init": (0,),
        "symbol": ("", "A" * 201, 1, None),
        "v": (2, "1", None),
        "side": ("HOLD", "buy"),
        "sequence": (-1,),
        "feed": (-1,),
    },
    SIGNALS: {
        "price": (*NOT_FINITE, "0", "1e10", "1e-999999999"),
        "strength": (*NOT_FINITE, "1.01", "-0.01", "1e-999999999"),
        "volatility": (*NOT_FINITE, "100.1", "-1"),
        "stream_id": ("", "1", "1-", "-1", "a-b", "1-1-1", "9" * 20 + "-0", "\u0661-0"),
        "signal_id": ("BTCUSDT:momentum_v1:2",),
        "strategy": ("a" * 201, "a\x00"),
    },
    ORDERS: {
        "quantity": (*NOT_FINITE, "0", "-1", "1.1e15"),
        "reference_price": (*NOT_FINITE, "0"),
        "volatility": (*NOT_FINITE, "-1"),
        "order_id": ("", "a\x00b", "\u00fc", "a" * 201),
        "cause": ("whim",),
    },
    FILLS: {
        "price": (*NOT_FINITE, "0", "-1"),
        "quantity": (*NOT_FINITE, "0", "-1"),
        "fee": (*NOT_FINITE, "-1", "1e-31"),
        "slippage_bps": NOT_FINITE,
        "realised_pnl": (*NOT_FINITE, str(MAX_NOTIONAL * -2)),
        "order_id": ("a\nb",),
    },
}
REFUSED = [
    (stream, field, value)
    for stream, fields in WRONG_VALUES.items()
    for field, values in fields.items()
    for value in values
]


@pytest.mark.parametrize(("stream", "field", "value"), REFUSED)
def test_refusal_names_the_field_and_stays_short(stream: str, field: str, value: Any) -> None:
    with pytest.raises(BadMessage) as caught:
        decode(stream, wire(EXAMPLES[stream], **{field: value}))
    assert field in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("stream", EXAMPLES)
def test_missing_field_is_named_and_an_unknown_one_too(stream: str) -> None:
    whole = json.loads(encode(EXAMPLES[stream]))
    with pytest.raises(BadMessage, match="missing required field `symbol`"):
        decode(stream, json.dumps({name: value for name, value in whole.items() if name != "symbol"}).encode())
    with pytest.raises(BadMessage, match="unknown field `leverage`"):
        decode(stream, wire(EXAMPLES[stream], leverage=100))


def test_trade_of_more_money_than_there_is_is_refused() -> None:
    with pytest.raises(BadMessage, match="price times quantity must be at most"):
        decode(MARKET_DATA, wire(a_trade(), price="1e9", quantity="1e9"))


@pytest.mark.parametrize("stream", EXAMPLES)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe{}",
        b"{",
        b"{}{}",
        b'{"price":NaN}',
        b'{"price":1e999}',
        b"[" * 100_000,
        b'{"symbol":' + b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"trade_id":' + b"9" * 100_000 + b"}",
        b'{"symbol":"' + b"A" * 1_000_000 + b'"}',
        b'{"symbol":"\\ud800"}',
        b'{"v":1,"v":1,"v":"x"}',
    ],
    ids=lambda data: repr(data[:16]),
)
def test_hostile_json_is_refused_whatever_it_is(stream: str, data: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        decode(stream, data)
    assert len(str(caught.value)) < 250


def test_of_a_key_given_twice_the_last_value_counts_and_is_checked() -> None:
    twice = encode(a_trade())[:-1] + b',"price":"-1"}'
    with pytest.raises(BadMessage, match="price must be over 0"):
        decode(MARKET_DATA, twice)


@quick
@given(st.sampled_from(sorted(EXAMPLES)), st.binary(max_size=80) | anything.map(str.encode))
def test_bytes_are_a_message_or_a_refusal(stream: str, data: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(stream, data)


def test_no_digit_is_lost_on_the_wire() -> None:
    price = Decimal("0.123456789012345678")
    assert b'"0.123456789012345678"' in encode(a_trade(price=price))


def test_signal_id_is_derived_from_its_trade() -> None:
    assert signal_id("BTCUSDT", "momentum_v1", 7) == "BTCUSDT:momentum_v1:7"


@pytest.mark.parametrize(("text", "complete"), [("1700000000000-0", True), ("0-1", True), ("1700000000000", False)])
def test_stream_id_is_complete_with_its_sequence(text: str, complete: bool) -> None:
    assert is_stream_id(text) == complete
