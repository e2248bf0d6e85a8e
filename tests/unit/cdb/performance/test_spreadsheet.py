"""CSV that spreadsheets read, and that computes nothing there."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdb.performance.spreadsheet import Columns, csv_text, records

COLUMNS: Columns[tuple[object, object]] = {"name": lambda row: row[0], "amount": lambda row: row[1]}


def read(text: str) -> list[list[str]]:
    return [*csv.reader(io.StringIO(text, newline=""))]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_text_that_a_spreadsheet_would_compute_is_a_text(name: str) -> None:
    assert read(csv_text(COLUMNS, [(name, Decimal(-5))])) == [["name", "amount"], [f"'{name}", "-5"]]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back(name: str) -> None:
    (_, (found, _)) = read(csv_text(COLUMNS, [(name, 1)]))
    assert found.removeprefix("'") == name.removeprefix("'") or found == name
    assert not found.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_amounts_have_all_their_digits_and_no_exponent() -> None:
    amounts = [Decimal("1E-8"), Decimal("-0.000000010"), Decimal("12345678901234567890.12345678"), Decimal("1E+3")]
    found = read(csv_text(COLUMNS, [("", amount) for amount in amounts]))[1:]
    assert [text for _, text in found] == ["0.00000001", "-0.000000010", "12345678901234567890.12345678", "1000"]


def test_times_are_in_utc_and_all_of_one_form() -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    east = noon.replace(microsecond=5).astimezone(timezone(timedelta(hours=5)))
    found = read(csv_text(COLUMNS, [("", noon), ("", east)]))[1:]
    assert [text for _, text in found] == ["2026-11-20T12:00:00.000000Z", "2026-11-20T12:00:00.000005Z"]


def test_lines_end_as_rfc_4180_says_and_what_is_absent_is_empty() -> None:
    assert csv_text(COLUMNS, [('a "b", c', None)]) == 'name,amount\r\n"a ""b"", c",\r\n'
    assert csv_text(COLUMNS, []) == "name,amount\r\n"


def test_json_has_the_same_columns() -> None:
    assert records(COLUMNS, [("=a", None)]) == [{"name": "=a", "amount": None}]
