"""Tapes of trades made up for tests."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

HEADER: Final = "ts_ms,trade_id,symbol,side,price,quantity\n"
NOON: Final = 1_700_049_600_000  # 2023-11-15 12:00:00 UTC
UP: Final = ("100", "100.2", "100.5", "100.8", "101", "101")
"""One per cent within a few seconds: a BUY with the usual settings, and no more than one."""
DOWN: Final = ("101", "100.8", "100.5", "100.2", "100", "100")


class Tape:
    """Writes down trades; *now_s* is the time of the next one, in seconds since noon."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.now_s = 0.0

    def write(self, file: Path) -> None:
        """Save the tape."""
        file.write_text(HEADER + "".join(self.rows), encoding="utf-8")

    def prices(self, symbols: Iterable[str], prices: Iterable[str], *, step_s: float = 0.5) -> None:
        """Trade all *symbols* at each of *prices*, one after the other, each price *step_s* after the last."""
        for price in prices:
            for symbol in symbols:
                ts_ms = NOON + round(self.now_s * 1000)
                self.rows.append(f"{ts_ms},{len(self.rows) + 1},{symbol},buy,{price},100\n")
            self.now_s += step_s

    def pause(self, seconds: float) -> None:
        """Let nothing happen for a while."""
        self.now_s += seconds


def with_everything_in_it() -> Tape:
    """Return a tape on which, with at most 6 orders a minute, everything happens that can happen in a replay.

    A decision never meets DRAWDOWN_LIMIT there: the mark that reaches the limit trips the breaker before it.
    """
    tape = Tape()
    _gains_and_losses(tape)
    _too_many_orders(tape)
    _stop_losses(tape)
    _too_much_exposure(tape)
    return tape


def _gains_and_losses(tape: Tape) -> None:
    tape.prices(["AAAUSDT"], UP)
    tape.pause(10)
    tape.prices(["AAAUSDT"], ("101", "102", "103", "104"))  # POSITION_SIZE_EXCEEDED
    tape.pause(10)
    tape.prices(["AAAUSDT"], ("104", "103"))  # sold with a gain
    tape.prices(["BBBUSDT"], UP)
    tape.pause(10)
    tape.prices(["BBBUSDT"], DOWN)  # sold with a loss
    tape.prices(["CCCUSDT"], DOWN)  # NO_POSITION
    tape.pause(60)


def _too_many_orders(tape: Tape) -> None:
    for symbol in ("AAAUSDT", "BBBUSDT", "CCCUSDT"):
        tape.prices([symbol], UP)
        tape.pause(6)
        tape.prices([symbol], DOWN)
    tape.prices(["DDDUSDT"], UP)  # ORDER_RATE_EXCEEDED
    tape.pause(60)


def _stop_losses(tape: Tape) -> None:
    for symbol, crash in (("DDDUSDT", "97"), ("EEEUSDT", "85")):
        tape.prices([symbol], UP)
        tape.pause(10)
        tape.prices([symbol], (crash,))
        tape.pause(60)


def _too_much_exposure(tape: Tape) -> None:
    held = ["AAAUSDT", "BBBUSDT", "CCCUSDT", "DDDUSDT", "EEEUSDT"]
    tape.prices([*held, "FFFUSDT"], UP)  # the sixth: EXPOSURE_LIMIT
    tape.pause(400)
    tape.prices(["FFFUSDT"], UP)  # STALE_MARKET_DATA: nobody knows what is held is worth
    tape.prices(held, ("101",))
    tape.prices(held[:3], ("60",))  # stop losses; the breaker trips
    tape.pause(10)
    tape.prices(["FFFUSDT"], UP)  # CIRCUIT_BREAKER_ACTIVE
    tape.prices(held[3:], ("101.5",))  # still held at the end
