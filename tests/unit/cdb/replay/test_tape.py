"""What `cdb replay` says of a file before it starts anything."""

import io
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from cdb.replay.tape import STANDARD_INPUT, Tape, examine, seekable
from cdb.running.errors import StackError
from services.ws.tape.rows import Reading
from tests.unit.services.ws.tape.tables import HEADER, row, written

GOOD = [row(place) for place in range(10)]


def examined(folder: Path, lines: list[str], *, most: float = 10, name: str = "x.csv", **reading: object) -> Tape:
    file = written(folder, lines, name=name)
    return examine(
        file,
        Reading(**reading),  # type: ignore[arg-type]
        name="trades",
        most_invalid_percent=most,
        on_rows=lambda _: None,
    )


def test_documented_form_needs_no_words(tmp_path: Path) -> None:
    tape = examined(tmp_path, [HEADER, *GOOD])
    assert (tape.rows, tape.symbols, tape.notes) == (10, ("ETHUSDT",), ())


def test_what_was_recognised_is_said(tmp_path: Path) -> None:
    lines = [f"{place % 3},100,1,100,{1_735_732_800_123_456 - place},true" for place in range(9)]
    assert examined(tmp_path, lines, name="BTCUSDT-trades-2025-01-01.csv").notes == (
        "times are microseconds",
        "the symbol is BTCUSDT, as the file's name says",
        "the newest trade comes first; the file is read from its end",
        "trade ids cannot be used (at line 8 they do not rise); ids are made from the times",
    )


def test_what_was_asked_for_is_not_said_again(tmp_path: Path) -> None:
    lines = ["time,side,price,qty", "1735732800,buy,100,1"]
    asked = examined(tmp_path, lines, symbol="BTCUSDT", time_unit="s")
    assert asked.notes == ("trade ids cannot be used (line 2 has none); ids are made from the times",)


@pytest.mark.parametrize(
    ("wrong", "most", "refused"),
    [(0, 0, False), (1, 0, True), (1, 10, True), (1, 10.1, False), (5, 50, True), (5, 100, False), (10, 100, True)],
)
def test_too_many_invalid_rows_end_it(tmp_path: Path, wrong: int, most: float, refused: bool) -> None:
    """A tenth or more by default; the option lowers or lifts that, but one row must be a trade."""
    lines = [HEADER, *(["x"] * wrong), *GOOD[wrong:]]
    if not refused:
        assert examined(tmp_path, lines, most=most).rows == 10
        return
    with pytest.raises(StackError) as problem:
        examined(tmp_path, lines, most=most)
    assert "; the first: line 2: malformed, 1 columns, 6 are expected" in str(problem.value)
    assert str(problem.value).startswith("trades: ")


def test_file_that_is_not_sorted_is_told_the_command_that_does_it(tmp_path: Path) -> None:
    lines = [HEADER, *(row(place) for place in (0, 20, 21, 22, 23, 24, 25, 5, 26, 27, 6, 28))]
    with pytest.raises(StackError, match=r"2 of its 12 rows .* line 9: out_of_order, .*sort -s -t ',' -k 1,1\) > sort"):
        examined(tmp_path, lines)


@pytest.mark.parametrize(("lines", "rows"), [([HEADER], 0), ([HEADER, "rubbish"], 1), ([HEADER, row(0, price=-5)], 1)])
def test_file_without_any_trade_is_refused(tmp_path: Path, lines: list[str], rows: int) -> None:
    with pytest.raises(StackError, match=f"trades: none of its {rows} rows is a valid trade"):
        examined(tmp_path, lines, most=100)


def test_symbol_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="--symbol is for files without one"):
        examined(tmp_path, [HEADER, *GOOD], symbol="BTCUSDT")


def test_more_symbols_than_can_be_traded_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="201 symbols; at most 200"):
        examined(tmp_path, [HEADER, *(row(0, symbol=f"C{number}USDT") for number in range(201))])


def test_file_is_read_where_it_is(tmp_path: Path) -> None:
    file = written(tmp_path, [HEADER, *GOOD])
    with seekable(file, tmp_path / "replays") as path:
        assert path == file
    assert not (tmp_path / "replays").exists()


def test_pipe_is_copied_for_as_long_as_it_is_needed(tmp_path: Path) -> None:
    """As a shell's <(zcat trades.csv.gz) is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = "\n".join([HEADER, *GOOD])
    writer = threading.Thread(target=lambda: pipe.write_text(content))
    writer.start()
    with seekable(pipe, tmp_path / "replays") as path:
        assert path.read_text() == path.read_text() == content
    writer.join()
    assert list((tmp_path / "replays").iterdir()) == []


def test_standard_input_is_copied_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"trades")))
    with seekable(STANDARD_INPUT, tmp_path / "replays") as path:
        assert path.read_bytes() == b"trades"
