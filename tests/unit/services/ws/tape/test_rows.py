"""Tables of trades: columns by name, as exchanges and other programs write them, and rows that are no trades."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ws.tape.columns import named
from services.ws.tape.files import NotATape
from services.ws.tape.rows import Reading, Rows, symbol_in_name, turned_around
from services.ws.trades import RawTrade, Refusal
from tests.support.building import quick
from tests.unit.services.ws.tape.tables import HEADER, NOON_MS, essence, row, rows_in, written

READER = Rows(named(HEADER.split(","), ","), Reading())
T0, T1 = NOON_MS, NOON_MS + 1_000
TRADES = [
    ("ETHUSDT", "BUY", Decimal("100.0"), Decimal("2.5"), T0 * 1_000_000),
    ("ETHUSDT", "SELL", Decimal("100.1"), Decimal("2.5"), T1 * 1_000_000),
]
FORMS: dict[str, list[str]] = {
    "ours": [HEADER, row(0), row(1)],
    "ours without header": [row(0), row(1)],
    "another order, one more column": [
        "quantity,note,price,side,symbol,trade_id,ts_ms",
        f"2.5,x,100.0,buy,ETHUSDT,1,{T0}",
        f"2.5,,100.1,sell,ETHUSDT,2,{T1}",
    ],
    "padded and quoted": [
        ", ".join(f'"{name}"' for name in HEADER.split(",")),
        *(",".join(f'" {cell} "' for cell in row(n).split(",")) for n in (0, 1)),
    ],
    "shouted": [HEADER.upper(), row(0, side="BUY", symbol="eth/usdt"), row(1, side="S", symbol="ETH-USDT")],
    "floats of a data frame": [
        f",{HEADER}",
        f"0,{row(0, ts_ms=f'{T0}.0', trade_id='1.0')}",
        f"1,{row(1, ts_ms=f'{T1}.0', trade_id='2.0')}",
    ],
    "Binance trades": [
        "id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch",
        f"1,100.0,2.5,250,{T0}000,False,True",
        f"2,100.1,2.5,250.25,{T1}000,True,True",
    ],
    "Binance trades without header": [
        f"1,100.0,2.5,250,{T0}000,False,True",
        f"2,100.1,2.5,250.25,{T1}000,True,True",
    ],
    "Binance aggTrades without header": [
        f"1,100.0,2.5,11,12,{T0},False,True",
        f"2,100.1,2.5,13,13,{T1},True,True",
    ],
    "Binance futures trades without header": [f"1,100.0,2.5,250,{T0},false", f"2,100.1,2.5,250.25,{T1},true"],
    "Binance futures aggTrades without header": [f"1,100.0,2.5,11,12,{T0},false", f"2,100.1,2.5,13,13,{T1},true"],
    "Binance futures aggTrades": [
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
        f"1,100.0,2.5,11,12,{T0},false",
        f"2,100.1,2.5,13,13,{T1},true",
    ],
    "Binance REST aggTrades": [
        "a,p,q,f,l,T,m,M",
        f"1,100.0,2.5,11,12,{T0},false,true",
        f"2,100.1,2.5,13,13,{T1},true,true",
    ],
    "MEXC REST trades": [
        "id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch,tradeType",
        f",100.0,2.5,250,{T0},False,True,BID",
        f",100.1,2.5,250.25,{T1},True,True,ASK",
    ],
    "freqtrade": [
        "timestamp,id,type,side,price,amount,cost",
        f"{T0},1,,buy,100.0,2.5,250",
        f"{T1},2,,sell,100.1,2.5,250.25",
    ],
    "ccxt": [
        "info,id,timestamp,datetime,symbol,order,type,side,takerOrMaker,price,amount,cost,fee",
        f"\"{{'p': '100', 'm': false}}\",1,{T0},2025-01-01T12:00:00.123Z,ETH/USDT,,,buy,,100.0,2.5,250,",
        f"\"{{'p': '100', 'm': true}}\",2,{T1},2025-01-01T12:00:01.123Z,ETH/USDT,,,sell,,100.1,2.5,250.25,",
    ],
    "Bybit": [
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID",
        f"{T0 / 1000},ETHUSDT,Buy,2.5,100.0,PlusTick,0f8fad5b-d9cb-469f",
        f"{T1 / 1000},ETHUSDT,Sell,2.5,100.1,ZeroMinusTick,1f8fad5b-d9cb-469f",
    ],
    "Excel in German": [
        "Timestamp;ID;Side;Price (USDT);Amount",
        f"{T0};1;buy;100,0;2,5",
        f"{T1};2;sell;100,1;2,5",
        ";;;;",
    ],
    "tabs and dates": [
        "datetime\tside\tprice\tvolume",
        "2025-01-01 12:00:00.123\tbuy\t100.0\t2.5",
        "2025-01-01 12:00:01.123\tsell\t100.1\t2.5",
    ],
    "two files in one": [HEADER, row(0), HEADER, row(1)],
    "blank lines": ["", HEADER, "", row(0), "  ", ",,,,,", row(1), "", ""],
    "a delimiter at the end of each row": [HEADER, f"{row(0)},", f"{row(1)},"],
}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_trades_in_every_form(tmp_path: Path, form: str) -> None:
    file = written(tmp_path, FORMS[form], name="ETHUSDT-trades-2025-01-01.csv")
    assert essence(rows_in(file)) == TRADES


def test_row_becomes_a_trade_that_knows_its_line() -> None:
    expected = RawTrade("ETHUSDT", 700, "BUY", Decimal("100.0"), Decimal("2.5"), T0 * 1_000_000, "line 7")
    assert READER.read(row(0), 7) == expected


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    file = written(tmp_path, ["", HEADER, row(0), "", "", "broken", row(1), HEADER, row(2)])
    assert [item.origin for item in rows_in(file)] == ["line 3", "line 6", "line 7", "line 9"]


@pytest.mark.parametrize(
    ("line", "reason", "says"),
    [
        ("1,2,ETHUSDT,buy,1", "malformed", "5 columns, 6 are expected"),
        (row(0, price="100,5"), "malformed", "7 columns, 6 are expected; a number with a comma would be two"),
        ('"' + row(0), "malformed", "1 columns, 6 are expected"),
        (row(0, side="hold"), "malformed", "side must be buy or sell, got 'hold'"),
        (row(0, side="True"), "malformed", "isBuyerMaker"),
        (row(0, ts_ms="-5"), "malformed", "no time"),
        (row(0, symbol=""), "malformed", "symbol ''"),
        (row(0, price="dear"), "not_a_number", "price 'dear'"),
        (row(0, price='"1,666.8"'), "not_a_number", "a decimal point, and no commas"),
        (row(0, quantity="NaN"), "not_a_number", "quantity 'NaN'"),
        (row(0, symbol=f'"{"E" * 200_000}"'), "malformed", "0 columns"),
    ],
)
def test_row_that_is_no_trade_says_why_and_what_would_be(line: str, reason: str, says: str) -> None:
    found = READER.read(line, 7)
    assert isinstance(found, Refusal), found
    assert (found.reason, found.origin) == (reason, "line 7")
    assert says in found.detail
    assert len(found.detail) < 200


@pytest.mark.parametrize("stray", ['"', '5" disc,"', '"open', 'x"y,"z'])
def test_quote_that_is_not_closed_takes_no_other_line_with_it(tmp_path: Path, stray: str) -> None:
    lines = [f"{HEADER},note", f"{row(0)},{stray}", f"{row(1)},", f"{row(2)},"]
    found = rows_in(written(tmp_path, lines))
    assert [item.origin for item in found] == ["line 2", "line 3", "line 4"]
    assert all(isinstance(item, RawTrade) for item in found[1:])


def test_bytes_that_are_no_text_spoil_their_row_only(tmp_path: Path) -> None:
    file = tmp_path / "tape.csv"
    file.write_bytes(HEADER.encode() + b"\n\xff\xfe,\x00\n" + row(0).encode())
    assert [type(item) for item in rows_in(file)] == [Refusal, RawTrade]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", f"line 1 must name the columns, such as {HEADER}; it names no column for time, price, quantity, side"),
        ("time,price\n1,2\n", "no column for quantity, side or isBuyerMaker, got 'time,price'"),
        ('[{"id":1,"price":"100"}]\n', "line 1 must name the columns"),
        ("\x00\x01\x02", "only text is read"),
    ],
)
def test_file_with_other_columns_says_what_is_missing(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "tape.csv"
    file.write_text(content)
    with pytest.raises(NotATape) as refused:
        rows_in(file)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT-trades-2025-01-01.csv", "BTCUSDT"),
        ("ethusdt-aggTrades-2025-01.zip", "ETHUSDT"),
        ("BTC_USDT-trades.csv.gz", "BTCUSDT"),
        ("trades.csv", ""),
        ("binance-trades.csv", ""),
        ("BTCUSDT-1m-2025-01.csv", ""),
    ],
)
def test_symbol_is_in_the_name_as_binance_and_freqtrade_write_it(name: str, symbol: str) -> None:
    assert symbol_in_name(name) == symbol


def test_without_any_symbol_the_option_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, FORMS["freqtrade"], name="download.csv")
    with pytest.raises(NotATape, match="--symbol"):
        rows_in(file)
    assert essence(rows_in(file, symbol="ETHUSDT")) == TRADES


def test_newest_first_is_read_from_its_end_and_keeps_its_line_numbers(tmp_path: Path) -> None:
    file = written(tmp_path, [HEADER, row(1), "", row(0)])
    found = rows_in(file, newest_first=True)
    assert essence(found) == TRADES
    assert [item.origin for item in found] == ["line 4", "line 2"]


def test_file_that_is_too_large_to_be_turned_around_says_what_does_it(tmp_path: Path) -> None:
    with pytest.raises(NotATape, match=r"tail -n \+2 FILE \| tac"):
        turned_around(iter([(1, "x" * 60), (2, "x" * 60)]), tmp_path, most=100)


anything = st.text("019-.,_eE;\"' \r\n\x00NnabuySs\ufffd\u0661\u00e9TZ:", max_size=60)


@quick
@given(anything | st.lists(anything.map(lambda text: text[:8]), min_size=6, max_size=6).map(",".join))
def test_any_row_is_a_trade_or_a_refusal(line: str) -> None:
    assert READER.read(line, 7).origin == "line 7"
