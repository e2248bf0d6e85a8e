"""How commands write lengths of time, moments, money and shares."""

from datetime import UTC, datetime
from decimal import Decimal


def microseconds(length: float) -> str:
    """Write a length of time in a few characters: 4 µs, 2.31 ms, 301 ms, 1.52 s, 2.1 min, 5.0 h, 3.2 d."""
    sign, size = ("-", -length) if length < 0 else ("", length)
    if size < 1_000:
        return f"{sign}{size:.0f} µs"
    if size < 999_500:
        return f"{sign}{_three_digits(size / 1_000)} ms"
    if size < 120e6:
        return f"{sign}{_three_digits(size / 1e6)} s"
    long, unit = (6e7, "min") if size < 7.2e9 else (3.6e9, "h") if size < 1.728e11 else (8.64e10, "d")
    return f"{sign}{size / long:.1f} {unit}"


def seconds(length: float) -> str:
    """Write a length of time as `microseconds` does."""
    return microseconds(length * 1e6)


def moment(when: datetime) -> str:
    """Write a moment in UTC, to the second."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def money(amount: Decimal) -> str:
    """Write an amount in the quote asset, to two decimals."""
    return f"{amount:,.2f}"


def price(amount: Decimal) -> str:
    """Write a price with the digits that its size asks for: 65,000.50, 3.1234, 0.00001234."""
    decimals = 2 if amount >= 100 else 4 if amount >= 1 else 8
    return f"{amount:,.{decimals}f}"


def percent(share: Decimal | float) -> str:
    """Write a share in percent, to two decimals: 0.06 is 6.00 %."""
    return f"{100 * share:.2f} %"


def _three_digits(number: float) -> str:
    return f"{number:.2f}" if number < 9.995 else f"{number:.1f}" if number < 99.95 else f"{number:.0f}"
