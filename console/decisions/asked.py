"""Which decisions, or orders without a decision, are asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from console.filters import length_of, moment_of, name_of
from services.risk.rules import Reason
from services.runtime.parameters import BadRequest

CAUSES: Final = {"signal": "signals", "stop_loss": "stop losses", "operator": "the operator"}
"""What an order may come from, as it is called on the page. Only a signal has a decision."""


class Asked(msgspec.Struct, frozen=True, rename={"begin": "from"}):
    """The address's parameters. *before* is the number of the row that ends the page before."""

    cause: Literal["signal", "stop_loss", "operator"] = "signal"
    symbol: str = ""
    strategy: str = ""
    verdict: Literal["approved", "rejected"] | None = None
    reason: str = ""
    slower: str = ""
    begin: str = ""
    until: str = ""
    before: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None

    def parameters(self, **changed: Any) -> dict[str, Any]:
        """Write what was given, with what has *changed*, for the address of another page."""
        given = {**msgspec.to_builtins(self), **changed}
        return {name: value for name, value in given.items() if value and (name, value) != ("cause", "signal")}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was asked for, checked. None: whatever it is."""

    cause: str = "signal"
    symbol: str | None = None
    strategy: str | None = None
    verdict: str | None = None
    reason: str | None = None
    slower_ms: float | None = None
    begin: datetime | None = None
    until: datetime | None = None
    before: int | None = None

    @property
    def of_decisions_only(self) -> bool:
        """Tell whether it asks for what an order without a decision has not."""
        return not (self.verdict is None and self.reason is None and self.slower_ms is None)


def wanted_of(asked: Asked, *, now: datetime) -> Wanted:
    """Check what was *asked*. Raises BadRequest."""
    if asked.reason and asked.reason not in list(Reason):
        raise BadRequest(f"reason must be one of {', '.join(Reason)}; got {asked.reason!r:.80}")
    return Wanted(
        cause=asked.cause,
        symbol=name_of("symbol", asked.symbol).upper() or None,
        strategy=name_of("strategy", asked.strategy) or None,
        verdict=asked.verdict,
        reason=asked.reason or None,
        slower_ms=length_of("slower", asked.slower).total_seconds() * 1_000 if asked.slower else None,
        begin=moment_of("from", asked.begin, now=now) if asked.begin else None,
        until=moment_of("until", asked.until, now=now) if asked.until else None,
        before=asked.before,
    )
