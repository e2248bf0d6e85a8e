"""Files of trades as people have them: packed or not, whatever they are called."""

import gzip
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from services.ws.tape.files import NotATape, lines_of
from services.ws.trades import RawTrade
from tests.support.paths import DATA
from tests.unit.services.ws.tape.tables import HEADER, row, rows_in

GIVEN = DATA / "ethusdt-trades-2023-02-02.csv"
TEXT = "\n".join([HEADER, *(row(place) for place in range(4))])


def a_zip(*names: str) -> Callable[[Path, bytes], None]:
    def write(file: Path, content: bytes) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(name, content)

    return write


def gzipped(file: Path, content: bytes) -> None:
    file.write_bytes(gzip.compress(content))


def gzipped_in_two(file: Path, content: bytes) -> None:
    file.write_bytes(gzip.compress(content[:90]) + gzip.compress(content[90:]))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("plain.csv", lambda file, content: file.write_bytes(content)),
        ("packed.csv.gz", gzipped),
        ("two-parts.csv.gz", gzipped_in_two),
        ("packed.zip", a_zip("trades.csv")),
        ("made-on-a-mac.zip", a_zip("trades.CSV", "__MACOSX/._trades.csv")),
        ("named-wrong.csv", gzipped),
        ("named-wrong.csv.gz", lambda file, content: file.write_bytes(content)),
        ("without-a-suffix", a_zip("folder/trades.csv")),
    ],
)
def test_file_is_unpacked_as_its_content_says(tmp_path: Path, name: str, write: Callable[[Path, bytes], None]) -> None:
    file = tmp_path / name
    write(file, TEXT.encode())
    found = rows_in(file)
    assert [item.origin for item in found if isinstance(item, RawTrade)] == ["line 2", "line 3", "line 4", "line 5"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"], ids=["plain", "BOM", "PowerShell"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["Linux", "Windows", "old Mac"])
def test_encodings_and_line_endings_do_not_matter(tmp_path: Path, encoding: str, ending: str) -> None:
    file = tmp_path / "tape.csv"
    file.write_bytes(TEXT.replace("\n", ending).encode(encoding))
    assert [item.origin for item in rows_in(file) if isinstance(item, RawTrade)] == [f"line {n}" for n in range(2, 6)]


def test_file_that_was_given_is_read_completely() -> None:
    found = rows_in(GIVEN)
    assert len(found) == 1000
    assert all(isinstance(item, RawTrade) for item in found)


@pytest.mark.parametrize(
    ("name", "write", "says"),
    [
        ("two.zip", a_zip("a.csv", "b.csv"), r"one \.csv file inside, this one has 2 \(a\.csv, b\.csv\)"),
        ("none.zip", a_zip("read.me"), r"one \.csv file inside, this one has 0 \(read\.me\)"),
        ("cut.gz", lambda file, content: file.write_bytes(gzip.compress(content)[:-20]), "damaged or incomplete"),
        ("cut.zip", lambda file, content: file.write_bytes(b"PK\x03\x04" + content), "damaged or incomplete"),
        (
            "trades.parquet",
            lambda file, _: file.write_bytes(b"PAR1\x15\x00\x00\n"),
            "only text is read, plain or packed",
        ),
    ],
)
def test_file_that_cannot_be_unpacked_says_why(
    tmp_path: Path, name: str, write: Callable[[Path, bytes], None], says: str
) -> None:
    file = tmp_path / name
    write(file, TEXT.encode() * 50)
    with pytest.raises(NotATape, match=says) as refused:
        rows_in(file)
    assert str(refused.value).startswith(f"{file}: ")


def test_zip_with_a_password_is_to_be_unpacked_first(tmp_path: Path) -> None:
    file = tmp_path / "secret.zip"
    a_zip("trades.csv")(file, TEXT.encode())
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\x03\x04") + 6] |= 1  # the flag of an encrypted member, in both places
    content[content.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(content)
    with pytest.raises(NotATape, match=r"trades\.csv cannot be read .*unpack it first"):
        rows_in(file)


def test_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotATape, match=r"absent\.csv: No such file"):
        list(lines_of(tmp_path / "absent.csv"))
    with pytest.raises(NotATape, match="Is a directory"):
        list(lines_of(tmp_path))
