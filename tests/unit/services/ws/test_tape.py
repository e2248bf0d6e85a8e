"""Trades from a CSV file: what a line holds, or why it holds nothing."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ws.tape import COLUMNS, NotATape, read_line, read_tape
from services.ws.trades import RawTrade, Refusal
from tests.support.building import quick
from tests.support.paths import DATA

HEADER = ",".join(COLUMNS)
GOOD = "1675329600138,1206419187,ETHUSDT,buy,1666.8,26.062"
GIVEN = DATA / "ethusdt-trades-2023-02-02.csv"


def tape(folder: Path, content: str | bytes) -> list[RawTrade | Refusal]:
    file = folder / "tape.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_tape(file))


def refusal(line: str) -> Refusal:
    found = read_line(line, 7)
    assert isinstance(found, Refusal), found
    return found


def test_line_becomes_a_trade_that_knows_its_line() -> None:
    expected = RawTrade(
        "ETHUSDT", 1206419187, "BUY", Decimal("1666.8"), Decimal("26.062"), 1675329600138000000, "line 7"
    )
    assert read_line(GOOD, 7) == expected


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "BOM"])
def test_line_endings_and_a_byte_order_mark_do_not_matter(tmp_path: Path, start: str, ending: str) -> None:
    separator = ending or "\n"
    found = tape(tmp_path, start + separator.join((HEADER, GOOD, GOOD)) + ending)
    assert [item.origin for item in found if isinstance(item, RawTrade)] == ["line 2", "line 3"]


def test_cells_may_be_quoted_and_padded(tmp_path: Path) -> None:
    quoted = ",".join(f'" {cell} "' for cell in GOOD.split(","))
    header = ",".join(f'"{name}"' for name in COLUMNS)
    assert tape(tmp_path, f"{header}\n{quoted}\n") == [read_line(GOOD, 2)]


def test_eight_decimals_and_more_are_exact() -> None:
    found = read_line("1,2,SHIBUSDT,sell,0.00000001,123456789.12345678", 2)
    assert isinstance(found, RawTrade)
    assert (str(found.price), str(found.quantity)) == ("1E-8", "123456789.12345678")


def test_file_that_was_given_is_read_completely() -> None:
    found = list(read_tape(GIVEN))
    assert len(found) == 1000
    assert all(isinstance(item, RawTrade) for item in found)


def test_broken_rows_are_named_by_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = tape(tmp_path, f"{HEADER}\n{GOOD}\nbroken\n{GOOD}\n\n{GOOD[:-3]}x\n{GOOD}\n")
    assert [(item.origin, getattr(item, "reason", "fine")) for item in found] == [
        ("line 2", "fine"),
        ("line 3", "malformed"),
        ("line 4", "fine"),
        ("line 5", "malformed"),
        ("line 6", "not_a_number"),
        ("line 7", "fine"),
    ]


@pytest.mark.parametrize(
    ("line", "reason", "says"),
    [
        ("", "malformed", "0 columns, 6 are expected"),
        ("1,2,ETHUSDT,buy,1", "malformed", "5 columns"),
        (GOOD + ",1", "malformed", "7 columns"),
        ('"' + GOOD, "malformed", "1 columns"),
        (GOOD.replace("buy", "hold"), "malformed", "side must be buy or sell, got 'hold'"),
        (GOOD.replace("1675329600138", "-5"), "malformed", "whole numbers, got '-5'"),
        (GOOD.replace("1675329600138", "1.5"), "malformed", "whole numbers"),
        (GOOD.replace("1206419187", ""), "malformed", "whole numbers"),
        (GOOD.replace("1206419187", "9" * 41), "malformed", "whole numbers"),
        (GOOD.replace("1666.8", "dear"), "not_a_number", "price 'dear'"),
        (GOOD.replace("1666.8", "1_666.8"), "not_a_number", "price '1_666.8'"),
        (GOOD.replace("1666.8", "0" * 41), "not_a_number", "price"),
        (GOOD.replace("26.062", ""), "not_a_number", "quantity ''"),
        (GOOD.replace("ETHUSDT", "E" * 200_000), "malformed", "0 columns"),
    ],
)
def test_line_that_is_no_trade_says_why(line: str, reason: str, says: str) -> None:
    found = refusal(line)
    assert (found.reason, found.origin) == (reason, "line 7")
    assert says in found.detail
    assert len(found.detail) < 200


@pytest.mark.parametrize("content", ["", "\n", GOOD + "\n", "time,price\n1,2\n", "\x00\x01\x02"])
def test_file_without_the_header_is_no_tape(tmp_path: Path, content: str) -> None:
    with pytest.raises(NotATape, match=rf"tape\.csv: line 1 must be {HEADER}, got "):
        tape(tmp_path, content)


def test_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotATape, match=r"absent\.csv: No such file"):
        list(read_tape(tmp_path / "absent.csv"))
    with pytest.raises(NotATape, match="Is a directory"):
        list(read_tape(tmp_path))


def test_bytes_that_are_no_text_spoil_their_row_only(tmp_path: Path) -> None:
    found = tape(tmp_path, HEADER.encode() + b"\n\xff\xfe,\x00\n" + GOOD.encode())
    assert [type(item) for item in found] == [Refusal, RawTrade]


anything = st.text("019-.,_eE\"' \r\n\x00NnabuySs\ufffd\u0661\u00e9", max_size=60)


@quick
@given(anything | st.lists(anything.map(lambda text: text[:8]), min_size=6, max_size=6).map(",".join))
def test_any_line_is_a_trade_or_a_refusal(line: str) -> None:
    assert read_line(line, 7).origin == "line 7"
