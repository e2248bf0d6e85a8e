"""What an operator may try out on cdb_risk where test endpoints are switched on. Everything shows in the ledger."""

import threading
import time
from collections.abc import Callable
from decimal import ROUND_UP, Decimal
from typing import Annotated, Any, Final

import msgspec
import structlog
from flask import Flask
from msgspec import Meta

from services.clock import Clock
from services.risk.limits import Limits
from services.risk.portfolio import Mark, Portfolio
from services.risk.store import RiskStore
from services.runtime.web import BadRequest, add_test_endpoint

CENT: Final = Decimal("0.01")

log = structlog.get_logger()


class Drawdown(msgspec.Struct):
    """The loss of the day to bring about; without it, one percent more than the limit."""

    percent: Annotated[float, Meta(ge=0.1, le=50)] = 0.0


class SlowDecisions(msgspec.Struct):
    """By how much each decision's read of the ledger takes longer, and for how long."""

    delay_ms: Annotated[int, Meta(ge=1, le=4_000)]
    seconds: Annotated[float, Meta(ge=0.1, le=3600)]


class Nothing(msgspec.Struct):
    """No parameter."""


class Slowness:
    """By how much the ledger's read is slowed, and until when."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._delay_s = 0.0
        self._until = 0.0

    def set(self, delay_s: float, seconds: float) -> None:
        """Slow the ledger's read by *delay_s* for the next *seconds*."""
        with self._lock:
            self._delay_s, self._until = delay_s, time.monotonic() + seconds

    def delay_s(self) -> float:
        """The delay of a read that begins now."""
        with self._lock:
            return self._delay_s if time.monotonic() < self._until else 0.0


def add_endpoints(
    app: Flask,
    store: RiskStore,
    slowness: Slowness,
    *,
    newest_marks: Callable[[], dict[str, Mark]],
    limits: Limits,
    clock: Clock,
) -> None:
    """Add the test endpoints. *store* is for their threads alone; *newest_marks* may be ahead of the ledger's."""
    lock = threading.Lock()

    def load_portfolio() -> Portfolio:
        book, _ = store.load()
        return Portfolio(book, store.load_marks() | newest_marks())

    def trigger_drawdown(asked: Drawdown) -> dict[str, Any]:
        percent = Decimal(str(asked.percent)) if asked.percent else 100 * limits.max_daily_drawdown + 1
        with lock:
            store.wake()
            portfolio = load_portfolio()
            too_much = portfolio.equity() - portfolio.reference_equity() * (1 - percent / 100)
            if too_much <= 0:
                raise BadRequest(f"drawdown already is {100 * portfolio.drawdown():.2f} %, asked for {percent} %")
            amount = -too_much.quantize(CENT, ROUND_UP)
            store.adjust(amount, reason="test: trigger-drawdown", now_ns=clock.now_ns())
        log.warning("test adjustment", amount=str(amount))
        return {"adjusted_by": str(amount), "drawdown_percent": str(percent)}

    def slow_decisions(asked: SlowDecisions) -> dict[str, Any]:
        slowness.set(asked.delay_ms / 1000, asked.seconds)
        return {"delay_ms": asked.delay_ms, "seconds": asked.seconds}

    def reset(_asked: Nothing) -> dict[str, Any]:
        slowness.set(0, 0)
        with lock:
            store.wake()
            returned = -store.adjustments()
            if returned:
                store.adjust(returned, reason="test: reset", now_ns=clock.now_ns())
            portfolio = load_portfolio()
            if portfolio.breaker_active:
                store.reset_breaker("test", equity=portfolio.equity(), now_ns=clock.now_ns())
        return {"adjusted_by": str(returned), "breaker_reset": portfolio.breaker_active}

    add_test_endpoint(app, "/test/trigger-drawdown", Drawdown, trigger_drawdown)
    add_test_endpoint(app, "/test/slow-decisions", SlowDecisions, slow_decisions)
    add_test_endpoint(app, "/test/reset", Nothing, reset)
