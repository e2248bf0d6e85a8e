"""How pages write amounts."""

from decimal import Decimal

import pytest

from console.words import FILTERS


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("money", Decimal("1234.5"), "1,234.50"),
        ("money", "1234.5", "1,234.50"),
        ("money", None, "-"),
        ("signed", Decimal("1234.5"), "+1,234.50"),
        ("signed", Decimal("-0.5"), "-0.50"),
        ("signed_percent", Decimal("-0.0123"), "-1.23 %"),
        ("quantity", Decimal("0.13230000"), "0.1323"),
        ("quantity", Decimal("100"), "100"),
        ("in_bytes", 0, "0 B"),
        ("in_bytes", 1023, "1023 B"),
        ("in_bytes", 1024, "1.0 KiB"),
        ("in_bytes", 5 * 1024**4, "5.0 TiB"),
        ("in_bytes", None, "-"),
        ("gain", Decimal("0.01"), "good"),
        ("gain", Decimal("-0.01"), "bad"),
        ("gain", Decimal(0), ""),
        ("gain", None, ""),
    ],
)
def test_a_value_is_written(name: str, value: object, written: str) -> None:
    assert FILTERS[name](value) == written
