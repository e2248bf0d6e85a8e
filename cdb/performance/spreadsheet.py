"""Rows for programs: records of JSON, and CSV that spreadsheets read (RFC 4180, UTF-8, with a header)."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

T = TypeVar("T")

Columns = Mapping[str, Callable[[T], Any]]
"""By its name, what a column has of a row."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def records(columns: Columns[T], rows: Iterable[T]) -> list[dict[str, Any]]:
    """Each row as an object of JSON."""
    return [{name: value(row) for name, value in columns.items()} for row in rows]


def csv_text(columns: Columns[T], rows: Iterable[T]) -> str:
    """A table with a header. Times are ISO 8601 in UTC, amounts have all their digits, what is absent is empty.

    A text that a spreadsheet would compute begins with an apostrophe.
    """
    written = io.StringIO(newline="")
    table = csv.writer(written)
    table.writerow(columns)
    table.writerows([_cell(value(row)) for value in columns.values()] for row in rows)
    return written.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
