"""What a market source is to cdb_ws. A new one is a module beside this, called as it is named, with its SOURCE."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import ClassVar, Final

from services.messages import MarketData
from services.settings import Settings
from services.ws.trades import RawTrade, Refusal

NOT_YET: Final = "not connected yet"
"""What a source says that has only begun; there is no reason to know yet."""


class SourceWaits(Exception):
    """Nothing can be had now, such as while a connection is lost; the publisher asks again. The text says why."""


class SourceGaveUp(Exception):
    """There will be nothing more, and not because all was read. The text says why."""


class SourceRefused(Exception):
    """The settings cannot work with this source, so the process ends at start. The text names what is wrong."""


class NoScenario(Exception):
    """The source cannot play a test scenario."""


class Source(ABC):
    """Gives trades as they become due. Made once, with its own settings and the symbols that are traded."""

    name: ClassVar[str]
    """What messages and the label `source` call it."""
    may_lose: ClassVar[bool]
    """Whether a trade that cannot be published is dropped (the market does not wait) or kept until it can."""
    settings: ClassVar[type[Settings]]
    remembers: ClassVar[int] = 2_000
    """How many of the newest trades on the bus `start_from` gets, of all symbols."""

    @property
    def warning(self) -> str:
        """What is wrong though trades may come; "" if nothing is."""
        return ""

    @property
    def not_subscribed(self) -> Collection[str]:
        """Symbols that it was asked for and does not get."""
        return ()

    @abstractmethod
    def __init__(self, settings: Settings, symbols: tuple[str, ...]) -> None:
        """Get ready; raises SourceRefused."""

    @abstractmethod
    def next(self, stop: threading.Event) -> Sequence[RawTrade | Refusal] | None:
        """Wait for what is due, at most half a second; None when all was read. Raises SourceWaits, SourceGaveUp."""

    def start_from(self, recent: Sequence[MarketData]) -> None:  # noqa: B027  most sources have nothing to do
        """Go on from what the bus still has, oldest first; called once, before the first `next`."""

    def also(self, symbols: Collection[str]) -> None:  # noqa: B027  a source that cannot quote them has nothing to do
        """Give trades of *symbols*, too: they are held, though no longer traded."""

    def shock(self, symbol: str, share: float) -> None:
        """Move one symbol's price at once by *share* (-0.1 is ten percent down); raises NoScenario."""
        raise NoScenario(symbol, share)

    def stall(self, seconds: float) -> None:
        """Give no trade for *seconds*, as an exchange that has gone quiet; raises NoScenario."""
        raise NoScenario(seconds)
