"""The services' log lines about one thing: found from the newest end, and nothing outside the folder is ever read."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.traces.logs import Lines, lines_about

ID = "98e1ccb36de61d3fb39a380b12ba0513"
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def a_line(second: int = 0, trace_id: str = ID, **more: object) -> str:
    at = (NOON + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
    return json.dumps(
        {"event": "decided", "level": "info", "timestamp": at, "service": "cdb_risk", "trace_id": trace_id, **more}
    )


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("".join(f"{line}\n" for line in lines))


def events(found: Lines) -> list[str]:
    return [line.event for line in found.lines]


def test_a_line_is_shown_with_its_time_service_level_event_and_other_fields(tmp_path: Path) -> None:
    write(tmp_path, "cdb_risk.log", a_line(layer=4, quantity=None, reason="EXPOSURE_LIMIT"))
    (line,) = lines_about(tmp_path, ID).lines
    assert (line.at, line.service, line.level, line.event) == (NOON, "cdb_risk", "info", "decided")
    assert line.fields == {"layer": "4", "quantity": "null", "reason": "EXPOSURE_LIMIT"}


def test_lines_of_all_services_and_rotated_files_come_in_the_order_of_time(tmp_path: Path) -> None:
    write(tmp_path, "cdb_risk.log.1", a_line(1, event="1"), a_line(9, "0" * 32, event="another's"))
    write(tmp_path, "cdb_risk.log", a_line(3, event="3"))
    write(tmp_path, "cdb_core.log", a_line(0, event="0"), a_line(2, event="2"))
    assert events(lines_about(tmp_path, ID)) == ["0", "1", "2", "3"]


def test_while_a_file_is_rotated_the_one_before_is_read(tmp_path: Path) -> None:
    write(tmp_path, "cdb_risk.log.1", a_line())
    assert events(lines_about(tmp_path, ID)) == ["decided"]


@pytest.mark.parametrize("length", [0, 10, *range(261_400, 262_200, 100), 262_143, 262_144, 523_800, 700_000])
def test_a_line_is_whole_wherever_the_blocks_end_that_are_read(tmp_path: Path, length: int) -> None:
    write(tmp_path, "cdb_core.log", a_line(0, event="first"), a_line(1, event="y" * 300), "z" * length)
    assert events(lines_about(tmp_path, ID)) == ["first", "y" * 300]


def test_only_the_newest_part_of_a_log_is_read_and_only_the_newest_lines_are_given(tmp_path: Path) -> None:
    write(tmp_path, "cdb_core.log", *(a_line(second, event=str(second)) for second in range(1_000)))
    found = lines_about(tmp_path, ID, most=3)
    assert (events(found), found.cut) == (["997", "998", "999"], True)
    size = len(a_line(999, event="999")) + 1
    assert events(lines_about(tmp_path, ID, most_bytes=2 * size + 5)) == ["998", "999"]


def test_what_is_older_than_asked_is_not_looked_for_in_further_blocks(tmp_path: Path) -> None:
    write(tmp_path, "cdb_core.log.1", a_line(0, event="too old"))
    write(tmp_path, "cdb_core.log", a_line(5, "0" * 32), a_line(20))
    assert events(lines_about(tmp_path, ID, since=NOON + timedelta(seconds=10))) == ["decided"]


def test_an_id_is_found_by_itself_and_not_as_a_part_of_another(tmp_path: Path) -> None:
    ids = ["A:m:12", "A:m:123", "AA:m:12", "order:A:m:12"]
    write(tmp_path, "cdb_core.log", *(a_line(number, event=name, signal=name) for number, name in enumerate(ids)))
    assert events(lines_about(tmp_path, "A:m:12")) == ["A:m:12", "order:A:m:12"]


def test_a_line_that_is_no_json_is_text(tmp_path: Path) -> None:
    bad = b'{"trace_id": ' * 5_000 + b"\n"
    (tmp_path / "cdb_ws.log").write_bytes(
        f"Traceback \x1b[31m {ID} <b>\n".encode() + b"\xff " + ID.encode() + b"\n" + bad
    )
    first, second = lines_about(tmp_path, ID).lines
    assert (first.event, first.at, first.service) == (f"Traceback \\x1b[31m {ID} <b>", None, "cdb_ws")
    assert second.event == f"\ufffd {ID}"


def test_a_very_long_line_is_cut(tmp_path: Path) -> None:
    write(tmp_path, "cdb_ws.log", a_line(event="x" * 10_000))
    assert len(events(lines_about(tmp_path, ID))[0]) == 4_000


@pytest.mark.parametrize("time", ["yesterday", "2026-12-01T12:00:00", 5, None, [1]])
def test_a_line_without_a_time_is_shown_all_the_same(tmp_path: Path, time: object) -> None:
    write(tmp_path, "cdb_ws.log", a_line(timestamp=time))
    assert [line.at for line in lines_about(tmp_path, ID).lines] == [None]


def test_a_link_out_of_the_folder_is_not_followed_and_the_other_services_are_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(a_line(event="secret"))
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "cdb_core.log").symlink_to(tmp_path / "secret")
    (logs / "cdb_ws.log").symlink_to(logs / "cdb_risk.log")
    write(logs, "cdb_risk.log", a_line())
    found = lines_about(logs, ID)
    assert events(found) == ["decided"]
    assert [problem.split(":")[0] for problem in found.problems] == [
        "the log of cdb_ws cannot be read",
        "the log of cdb_core cannot be read",
    ]


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "cdb_ws.log")
    (tmp_path / "cdb_core.log").mkdir()
    write(tmp_path, "cdb_risk.log", a_line())
    write(tmp_path, "other.log", a_line(event="other"))
    found = lines_about(tmp_path, ID)
    assert (events(found), found.problems) == (["decided"], ())


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert lines_about(tmp_path / "none", ID).problems == ("the logs cannot be read: No such file or directory",)
