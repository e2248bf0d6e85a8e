"""Looking through a whole file: what is recognised in it, and what it then gives."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.ws.tape.files import NotATape
from services.ws.tape.reader import Survey, read_tape, survey
from services.ws.tape.rows import Reading
from services.ws.trades import RawTrade, Refusal
from tests.support.building import quick
from tests.unit.services.ws.tape.tables import HEADER, NOON_MS, essence, row, rows_in, written

GOOD = [row(place) for place in range(12)]


def looked_at(folder: Path, lines: list[str], **reading: object) -> tuple[Survey, list[tuple[object, ...]]]:
    """What a survey finds, and the trades that are read as it says."""
    file = written(folder, [HEADER, *lines])
    found = survey(file, Reading(**reading))  # type: ignore[arg-type]
    return found, essence(item for item in read_tape(file, found.reading) if isinstance(item, RawTrade))


def test_file_in_the_documented_form_is_read_as_it_is(tmp_path: Path) -> None:
    found, _ = looked_at(tmp_path, GOOD)
    assert found.reading == Reading()
    assert (found.rows, found.symbols, found.units, found.refused) == (12, {"ETHUSDT"}, {"ms"}, {})
    assert (found.refusals, found.id_problem) == ([], "")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (GOOD[::-1], Reading(newest_first=True)),
        ([row(place, trade_id=0) for place in range(12)], Reading(make_ids=True)),
        ([row(place, trade_id=place % 4) for place in range(12)], Reading(make_ids=True)),
        ([row(place, trade_id="") for place in range(12)], Reading(make_ids=True)),
        ([row(place, trade_id=0) for place in range(12)][::-1], Reading(newest_first=True, make_ids=True)),
    ],
    ids=["newest first", "constant ids", "ids that start anew", "no ids", "newest first, constant ids"],
)
def test_order_and_ids_are_put_right_and_every_row_is_a_trade(
    tmp_path: Path, changed: list[str], expected: Reading
) -> None:
    found, trades = looked_at(tmp_path, changed)
    assert (found.reading, found.refused) == (expected, {})
    assert trades == looked_at(tmp_path, GOOD)[1]


def test_one_wrong_row_is_refused_and_no_other(tmp_path: Path) -> None:
    """A time of the year 2096, a price of a billion, a row that is none: each by its line."""
    lines = [*GOOD[:3], row(3, ts_ms=4_000_000_000_000), *GOOD[3:6], row(6, price="1000000000"), "x", *GOOD[6:]]
    found, trades = looked_at(tmp_path, lines)
    assert [(one.origin, one.reason) for one in found.refusals] == [
        ("line 5", "out_of_order"),
        ("line 9", "malformed"),
        ("line 10", "malformed"),
    ]
    assert trades == looked_at(tmp_path, GOOD)[1]


def test_what_the_check_of_trades_refuses_is_counted_too(tmp_path: Path) -> None:
    found, _ = looked_at(tmp_path, [*GOOD, row(9_000, price="-1", trade_id=1), row(1)])
    assert found.refused == {"out_of_order": 1, "not_positive": 1}
    assert found.id_problem == ""


def test_times_of_several_units_are_one_file(tmp_path: Path) -> None:
    """As a year of Binance's dumps is, which changed from milliseconds to microseconds."""
    later = [line.replace("123,", "123000,", 1) for line in GOOD[6:]]
    found, trades = looked_at(tmp_path, [*GOOD[:6], *later])
    assert found.units == {"ms", "us"}
    assert trades == looked_at(tmp_path, GOOD)[1]


def test_unit_of_times_can_be_said(tmp_path: Path) -> None:
    found, trades = looked_at(tmp_path, [row(0, ts_ms=1), row(1, ts_ms=2)], time_unit="s")
    assert found.refused == {}
    assert [trade[-1] for trade in trades] == [1_000_000_000, 2_000_000_000]


def test_symbol_of_the_name_is_told(tmp_path: Path) -> None:
    lines = ["id,price,qty,quoteQty,time,isBuyerMaker", "1,100,1,100,1735732800123,true"]
    found = survey(written(tmp_path, lines, name="SOLUSDT-trades-2025-01-01.csv"), Reading())
    assert (found.reading.symbol, found.names_symbols, found.symbols) == ("SOLUSDT", False, {"SOLUSDT"})


@pytest.mark.parametrize(
    ("lines", "command"),
    [
        ([HEADER], "(head -n 1 FILE; tail -n +2 FILE | sort -s -t ',' -k 1,1) > sorted.csv"),
        (["1,100,1,100,1735732800123,true"], "sort -s -t ',' -k 5,5 FILE > sorted.csv"),
        (["symbol;price;side;qty;time"], "(head -n 1 FILE; tail -n +2 FILE | sort -s -t ';' -k 5,5) > sorted.csv"),
    ],
)
def test_command_that_sorts_the_file_names_its_column(tmp_path: Path, lines: list[str], command: str) -> None:
    file = written(tmp_path, lines, name="SOLUSDT-trades.csv")
    assert survey(file, Reading()).sort_command == command


@quick
@given(st.lists(st.sampled_from([*GOOD[:4], "", "x", '"', row(2, ts_ms=10**18), row(3, price="1E+9")]), max_size=12))
def test_reading_gives_what_the_survey_counted(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    file = written(tmp_path_factory.mktemp("any"), [HEADER, *lines])
    found = survey(file, Reading())
    assert found.rows == len(list(read_tape(file, found.reading))) == sum(bool(line.strip('"')) for line in lines)


@quick
@given(st.text("019,;\"' \r\n\x00abuytsz_/.-e", max_size=300))
def test_any_content_is_read_or_refused_as_no_tape(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    file = tmp_path_factory.mktemp("any") / "tape.csv"
    file.write_text(content)
    try:
        found = survey(file, Reading())
    except NotATape:
        return
    assert found.rows >= sum(found.refused.values())


def test_made_ids_are_those_of_the_time_so_another_file_never_has_them_too(tmp_path: Path) -> None:
    halves = [
        [item for item in rows_in(written(tmp_path, [HEADER, *half]), make_ids=True) if isinstance(item, RawTrade)]
        for half in (GOOD[:6], GOOD[6:])
    ]
    whole = [item for item in rows_in(written(tmp_path, [HEADER, *GOOD]), make_ids=True) if isinstance(item, RawTrade)]
    together = [*halves[0], *(replace(item, origin=f"line {place + 8}") for place, item in enumerate(halves[1]))]
    assert whole == together


def test_late_trades_are_read_as_they_stand_and_say_nothing_about_the_others(tmp_path: Path) -> None:
    """They stand behind later ones, with ids that do not rise, and outnumber the others at a jump of 10 s."""
    jumped = [f"{row(place, ts_ms=NOON_MS + 60_000 + place)},late" for place in (9, 8, 7, 6, 5, 4)]
    trades = [f"{row(1)},", f"{row(61)},false", *jumped, f"{row(62)},0"]
    file = written(tmp_path, [f"{HEADER},late", *trades])
    found = survey(file, Reading())
    assert (found.reading, found.refused, found.falls) == (Reading(), {}, -2)
    rows = list(read_tape(file, found.reading))
    assert [isinstance(item, RawTrade) and item.late for item in rows] == [False, False, *[True] * 6, False]


def test_a_late_column_with_another_word_is_refused(tmp_path: Path) -> None:
    (refused,) = rows_in(written(tmp_path, [f"{HEADER},late", f"{row(1)},perhaps"]))
    assert isinstance(refused, Refusal)
    assert refused.detail == "late must be late, true or 1, or empty, false or 0; got 'perhaps'"
