"""What single cells mean."""

from decimal import Decimal

import pytest

from services.messages import Side
from services.ws.tape import values
from services.ws.tape.values import BUYER_IS_MAKER, NO_ID, TAKERS, BadValue, TimeUnit

NOON = 1_735_732_800_123_000_000  # 2025-01-01 12:00:00.123 UTC


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1735732800", "s", NOON - 123_000_000),
        ("1735732800123", "ms", NOON),
        ("1735732800123000", "us", NOON),
        ("1735732800123000000", "ns", NOON),
        ("1735732800123.0", "ms", NOON),
        ("1735732800.123", "s", NOON),
        ("1.735732800123e12", "ms", NOON),
        ("2025-01-01T12:00:00.123Z", "dates", NOON),
        ("2025-01-01 12:00:00.123", "dates", NOON),
        ("2025-01-01 14:00:00.123+02:00", "dates", NOON),
        ("2025-01-01D12:00:00.123000000", "dates", NOON),
        ("1000000000000", "ms", 1_000_000_000_000_000_000),
    ],
)
def test_size_of_a_time_says_its_unit(text: str, unit: str, expected: int) -> None:
    assert values.time_ns(text, None) == (expected, unit)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [("5", "s", 5_000_000_000), ("1735732800", "ms", 1_735_732_800_000_000), ("7.5", "us", 7_500)],
)
def test_unit_that_was_asked_for_goes_before_the_size(text: str, unit: TimeUnit, expected: int) -> None:
    assert values.time_ns(text, unit) == (expected, unit)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no time since 1970"),
        ("20250101", "10 digits are seconds"),
        ("12:00:00", "no date such as"),
        ("-5", "no time"),
        ("NaN", "no time"),
        ("1e300", "no time"),
        ("1_735_732_800", "no time"),
        ("9" * 5000, "no time"),
        ("1.73573E+12", "has lost its last digits; export it as text"),
    ],
)
def test_what_is_no_time_says_what_would_be(text: str, says: str) -> None:
    with pytest.raises(BadValue, match=says) as bad:
        values.time_ns(text, None)
    assert len(bad.value.detail) < 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("123", 123),
        ("123.0", 123),
        (str(2**63 - 1), 2**63 - 1),
        ("", NO_ID),
        ("null", NO_ID),
        ("-1", NO_ID),
        ("1.5", NO_ID),
        (str(2**63), NO_ID),
        ("9" * 41, NO_ID),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", NO_ID),
    ],
)
def test_id_is_a_whole_number_or_none(text: str, expected: int) -> None:
    assert values.trade_id(text) == expected


@pytest.mark.parametrize(
    "text", ["BTCUSDT", "btcusdt", "BTC/USDT", "BTC-USDT", "btc_usdt", "BTC USDT", "BTC/USDT:USDT"]
)
def test_symbol_is_written_in_one_way(text: str) -> None:
    assert values.symbol(text) == "BTCUSDT"


@pytest.mark.parametrize("text", ["", "B", "BTC€", "BINANCE:BTCUSDT", "BTC.USDT", "E" * 200])
def test_what_is_no_symbol_says_what_would_be(text: str) -> None:
    with pytest.raises(BadValue, match="such as BTCUSDT or BTC/USDT") as bad:
        values.symbol(text)
    assert len(bad.value.detail) < 120


@pytest.mark.parametrize("text", ["buy", "BUY", "Buy", "b", "B", "bid"])
def test_taker_who_buys(text: str) -> None:
    assert values.side(text, TAKERS) == "BUY"


@pytest.mark.parametrize("text", ["sell", "SELL", "s", "S", "ASK"])
def test_taker_who_sells(text: str) -> None:
    assert values.side(text, TAKERS) == "SELL"


@pytest.mark.parametrize(("text", "taker"), [("True", "SELL"), ("true", "SELL"), ("1", "SELL"), ("FALSE", "BUY")])
def test_if_the_buyer_was_the_maker_the_taker_sold(text: str, taker: str) -> None:
    assert values.side(text, BUYER_IS_MAKER) == taker


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        ("hold", TAKERS, "side must be buy or sell, got 'hold'$"),
        ("True", TAKERS, "whether the buyer was the maker is named isBuyerMaker"),
        ("buy", BUYER_IS_MAKER, "isBuyerMaker must be true or false, got 'buy'"),
    ],
)
def test_what_is_no_side_says_what_would_be(text: str, words: dict[str, Side], says: str) -> None:
    with pytest.raises(BadValue, match=says):
        values.side(text, words)


def test_eight_decimals_and_more_are_exact() -> None:
    assert str(values.number("price", "0.00000001")) == "1E-8"
    assert values.number("quantity", "123456789.123456789012345678") == Decimal("123456789.123456789012345678")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dear", "price 'dear' is no number such as 1666.8$"),
        ("", "price ''"),
        ("NaN", "price 'NaN'"),
        ("-Infinity", "no number"),
        ("1_666.8", "price '1_666.8'"),
        ("0" * 41, "price"),
        ("$1666.8", "no number such as 1666.8"),
        ("1,666.8", "a decimal point, and no commas"),
    ],
)
def test_what_is_no_number_says_what_would_be(text: str, says: str) -> None:
    with pytest.raises(BadValue, match=says) as bad:
        values.number("price", text)
    assert bad.value.reason == "not_a_number"
    assert len(bad.value.detail) < 120
