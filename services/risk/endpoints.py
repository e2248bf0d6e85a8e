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
from services.runtime.parameters import BadRequest
from services.runtime.web import add_test_endpoint

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


class Trials:
    """What the test endpoints do. *store* is for their threads alone; *newest_marks* may be ahead of the ledger's."""

    def __init__(
        self,
        store: RiskStore,
        slowness: Slowness,
        *,
        newest_marks: Callable[[], dict[str, Mark]],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._store = store
        self._slowness = slowness
        self._newest_marks = newest_marks
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()

    def trigger_drawdown(self, asked: Drawdown) -> dict[str, Any]:
        """Take so much cash from the account that the day's loss is as asked; the audit knows this adjustment."""
        percent = Decimal(str(asked.percent or float(self._limits.max_daily_drawdown) * 100 + 1))
        with self._lock:
            self._store.wake()
            portfolio = self._portfolio()
            too_much = portfolio.equity() - portfolio.reference_equity() * (1 - percent / 100)
            if too_much <= 0:
                raise BadRequest(f"drawdown already is {100 * portfolio.drawdown():.2f} %, asked for {percent} %")
            amount = -too_much.quantize(CENT, ROUND_UP)
            if -amount > portfolio.spendable():
                spendable = f"{portfolio.spendable():.2f}"
                raise BadRequest(
                    f"percent {percent} would take {-amount} of the cash, of which only {spendable} is free"
                )
            self._store.adjust(amount, reason="test: trigger-drawdown", now_ns=self._clock.now_ns())
        log.warning("test adjustment", amount=str(amount))
        return {"adjusted_by": str(amount), "drawdown_percent": str(percent)}

    def slow_decisions(self, asked: SlowDecisions) -> dict[str, Any]:
        """Slow the ledger's reads for a while."""
        self._slowness.set(asked.delay_ms / 1000, asked.seconds)
        return {"delay_ms": asked.delay_ms, "seconds": asked.seconds}

    def reset(self, _asked: Nothing) -> dict[str, Any]:
        """Give the cash back, reset the breaker, slow nothing."""
        self._slowness.set(0, 0)
        with self._lock:
            self._store.wake()
            returned = -self._store.adjustments()
            if returned:
                self._store.adjust(returned, reason="test: reset", now_ns=self._clock.now_ns())
            portfolio = self._portfolio()
            if portfolio.breaker_active:
                self._store.reset_breaker("test", equity=portfolio.equity(), now_ns=self._clock.now_ns())
        return {"adjusted_by": str(returned), "breaker_reset": portfolio.breaker_active}

    def _portfolio(self) -> Portfolio:
        book = self._store.load().book
        return Portfolio(book, self._store.load_marks() | self._newest_marks())


def add_endpoints(app: Flask, trials: Trials) -> None:
    """Answer POST /test/trigger-drawdown, /test/slow-decisions and /test/reset."""
    add_test_endpoint(app, "/test/trigger-drawdown", Drawdown, trials.trigger_drawdown)
    add_test_endpoint(app, "/test/slow-decisions", SlowDecisions, trials.slow_decisions)
    add_test_endpoint(app, "/test/reset", Nothing, trials.reset)
