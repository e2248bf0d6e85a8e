"""The file of a recording: whole or not there, and never in place of another one."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from cdb.kit.errors import Refused
from cdb.record.file import tape_file


def record_into(target: Path, *, then: Callable[[], object]) -> None:
    with tape_file(target) as file:
        file.write("mine\n")
        then()


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["hour.csv", "hour.csv.gz"])
def test_the_file_has_its_name_when_it_is_whole(tmp_path: Path, name: str) -> None:
    with tape_file(tmp_path / name) as file:
        file.write("one\ntwo\n")
        assert not (tmp_path / name).exists()
    opened = gzip.open if name.endswith(".gz") else open
    with opened(tmp_path / name, "rt") as file:
        assert file.read() == "one\ntwo\n"
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_after_a_failure_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        record_into(tmp_path / "hour.csv.gz", then=interrupt)
    assert not [*tmp_path.iterdir()]


def test_a_file_that_somebody_made_meanwhile_stays_and_the_recording_is_kept_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "hour.csv"
    with pytest.raises(Refused, match="meanwhile") as refused:
        record_into(target, then=lambda: target.write_text("theirs\n"))
    assert target.read_text() == "theirs\n"
    (kept,) = tmp_path.glob("hour-*.csv")
    assert kept.read_text() == "mine\n"
    assert str(kept) in str(refused.value)
    assert len([*tmp_path.iterdir()]) == 2


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"), tape_file(tmp_path / "no" / "hour.csv"):
        pass


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No space left on device"), tape_file(tmp_path / "hour.csv"):
        raise OSError(28, "No space left on device")
    assert not [*tmp_path.iterdir()]
