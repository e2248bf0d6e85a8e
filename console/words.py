"""How pages write amounts, shares and lengths of time."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from cdb.kit import figures

_DASH: Final = "-"
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


def signed(amount: Decimal) -> str:
    """An amount with its sign, so that colour is not needed to tell a loss."""
    return f"{amount:+,.2f}"


def signed_percent(share: Decimal | float) -> str:
    """A share with its sign, in percent."""
    return f"{100 * share:+.2f} %"


def quantity(amount: Decimal) -> str:
    """All its digits, without zeros at the end."""
    return f"{amount.normalize():f}"


def in_bytes(size: float) -> str:
    """A size in the largest unit that it fills."""
    for unit in _UNITS[:-1]:
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {_UNITS[-1]}"


def gain(amount: Decimal | None) -> str:
    """The class of an amount that was earned or lost."""
    return "" if not amount else "good" if amount > 0 else "bad"


def _or_dash(written: Callable[..., str]) -> Callable[..., str]:
    return lambda value: _DASH if value is None else written(value)


FILTERS: Final[dict[str, Callable[..., str]]] = {
    "money": _or_dash(lambda amount: figures.money(Decimal(amount))),
    "price": _or_dash(lambda amount: figures.price(Decimal(amount))),
    "percent": _or_dash(lambda share: figures.percent(Decimal(share))),
    "lasted": _or_dash(figures.seconds),
    "signed": _or_dash(signed),
    "signed_percent": _or_dash(signed_percent),
    "quantity": _or_dash(quantity),
    "in_bytes": _or_dash(in_bytes),
    "gain": gain,
}
"""By their names in templates."""
