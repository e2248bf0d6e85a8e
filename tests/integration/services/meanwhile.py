"""What happens to the ledger between what a service thinks and what it writes, by a second copy whose lock failed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.trading import TradingDay


def beside(day: TradingDay) -> TradingDay:
    """Another process of both services, as it could only run if the lock failed."""
    other = TradingDay(day.database, now_ns=day.now_ns, number=day.number, prices=dict(day.prices))
    other.price("BTCUSDT", "100")
    return other


def before_write(patch: pytest.MonkeyPatch, store: object, method: str, act: Callable[[], Any]) -> list[Any]:
    """Have *act* done once, before *store* writes the next time by *method*; what it gives is in the list then."""
    write, given = getattr(store, method), list[Any]()

    def write_later(*arguments: Any, **more: Any) -> Any:
        if not given:
            given.append(act())
        return write(*arguments, **more)

    patch.setattr(store, method, write_later)
    return given
