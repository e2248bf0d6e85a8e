"""What a strategy is to cdb_core. A new one is a module beside this, called as it is named, with its STRATEGY."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from services.messages import MarketData, Side
from services.settings import Settings


@dataclass(frozen=True)
class Opinion:
    """What a strategy thinks of a symbol. strength: from 0 (hardly) to 1; volatility: a share per trade."""

    side: Side
    strength: Decimal
    volatility: Decimal


class Strategy(Protocol):
    """One strategy's memory of one symbol. Pure: it knows no clock but the trades' own, and no I/O."""

    name: ClassVar[str]
    """At most 40 characters of a-z, 0-9 and _. Signals and their ids carry it: a changed strategy gets another."""
    indicators: ClassVar[tuple[str, ...]]
    """What it computes for each trade, as cdb_indicators_calculated_total counts it."""
    settings: ClassVar[type[Settings]]
    """What the operator may set; read once at start."""

    def __init__(self, settings: Any) -> None:
        """Start without any memory; *settings* are of the type above."""
        ...

    def update(self, trade: MarketData) -> Opinion | None:
        """Take in the symbol's next trade, later than the one before; the opinion it gives rise to, if any."""
        ...
