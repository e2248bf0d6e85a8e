"""What is kept of a grid, and under which key: a result is used again only where it would come out again."""

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cdb.backtest.grid_kept import Kept, Keys, code_digest
from cdb.backtest.times import Span
from cdb.replay.tape import Tape
from cdb.running.native.layout import Layout
from services.ws.tape.rows import Reading
from tests.unit.cdb.backtest.building import an_outcome

SETTINGS = {"ORDER_SIZE_PCT": "0.02", "MOMENTUM_LOOKBACK_S": "5"}


WHOLE = Span()
AS_IT_STANDS = Reading()


def a_tape(file: Path, content: str = "ts_ms,price\n1,2\n", reading: Reading = AS_IT_STANDS) -> Tape:
    file.write_text(content)
    return Tape(file, reading, 1, ("BTCUSDT",))


def a_key(tape: Tape, *more: Tape, code: str = "code", span: Span = WHOLE, **settings: str) -> str:
    return Keys([tape, *more], code).key({**SETTINGS, **settings}, span)


def test_what_was_added_is_read_again_with_all_its_digits(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state" / "grid-results.jsonl")
    assert kept.read() == {}
    one, other = an_outcome(result="1.2345678901234567890123456789", win_rate="0.5"), an_outcome(problem=None)
    kept.add("one", SETTINGS, one)
    kept.add("other", SETTINGS, other)
    assert Kept(kept.path).read() == {"one": one, "other": other}


def test_a_line_that_was_cut_off_costs_that_line_alone(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "grid-results.jsonl")
    for key in ("one", "other"):
        kept.add(key, SETTINGS, an_outcome())
    kept.path.write_bytes(kept.path.read_bytes()[:-20])
    kept.add("third", SETTINGS, an_outcome())
    assert [*kept.read()] == ["one", "third"]


def test_the_key_is_that_of_the_content_and_not_of_the_place_or_time_of_a_file(tmp_path: Path) -> None:
    tape = a_tape(tmp_path / "trades.csv")
    key = a_key(tape)
    os.utime(tape.path, (1, 1))
    assert a_key(tape) == key
    assert a_key(a_tape(tmp_path / "other-name.csv")) == key
    before = tape.path.stat()
    tape.path.write_text(tape.path.read_text().replace("1,2", "1,3"))
    os.utime(tape.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert tape.path.stat().st_size == before.st_size
    assert a_key(tape) != key


def test_whatever_may_change_the_result_changes_the_key(tmp_path: Path) -> None:
    tape = a_tape(tmp_path / "trades.csv")
    second = a_tape(tmp_path / "second.csv", "ts_ms,price\n3,4\n")
    keys = [
        a_key(tape),
        a_key(tape, second),
        a_key(second, tape),
        a_key(a_tape(tmp_path / "trades.csv", reading=Reading(symbol="BTCUSDT"))),
        a_key(tape, code="other code"),
        a_key(tape, ORDER_SIZE_PCT="0.03"),
        a_key(tape, STOP_LOSS_PCT="0.03"),
        a_key(tape, span=Span(1, None)),
        a_key(tape, span=Span(None, 1)),
    ]
    assert len({*keys}) == len(keys)


def test_the_order_of_settings_does_not_matter(tmp_path: Path) -> None:
    keys = Keys([a_tape(tmp_path / "trades.csv")], "code")
    assert keys.key(SETTINGS, WHOLE) == keys.key(dict(reversed(SETTINGS.items())), Span())


def test_a_change_in_the_folder_of_somebody_elses_strategy_changes_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("somebodys")
    module.__file__ = str(tmp_path / "somebodys.py")
    monkeypatch.setitem(sys.modules, "somebodys", module)
    (tmp_path / "somebodys.py").write_text("STEEP = 1")
    (tmp_path / "beside.py").write_text("FLAT = 1")
    ours, before = code_digest(["momentum_v1"]), code_digest(["somebodys:Strategy"])
    (tmp_path / "beside.py").write_text("FLAT = 2")
    assert len({ours, before, code_digest(["somebodys:Strategy"])}) == 3
    assert code_digest(["momentum_v1"]) == ours


def test_what_is_kept_goes_with_the_stack(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "state")
    Kept(layout.grid_results).add("one", SETTINGS, an_outcome())
    assert layout.remove() == []
    assert not layout.state_dir.exists()
