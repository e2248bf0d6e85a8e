"""What is traded in a simulation: the scenes of the lively tape, in which all that can happen does."""

from decimal import Decimal
from typing import Final

from services.ws.trades import RawTrade
from tests.support.tapes import NOON, SCENES, TIGHT

MILLISECOND: Final = 1_000_000
BEGIN_NS: Final = NOON * MILLISECOND
ENVIRONMENT: Final = {
    **TIGHT,
    "CDB_SYMBOLS": ",".join(sorted({symbol for scene in SCENES.values() for symbol, _ in scene})),
    "REDIS_PASSWORD": "not-used",
}


def trades() -> list[RawTrade]:
    """All trades of the scenes, by time."""
    found = []
    for start_s, scene in SCENES.items():
        for second in range(max(len(prices) for _, prices in scene)):
            for symbol, prices in scene:
                if second < len(prices):
                    ts_ms = NOON + (start_s + second) * 1000
                    price, quantity = Decimal(str(prices[second])), Decimal(100)
                    found.append(RawTrade(symbol, ts_ms, "BUY", price, quantity, ts_ms * MILLISECOND))
    return found
