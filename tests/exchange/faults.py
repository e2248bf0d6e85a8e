"""What can go wrong with an exchange, each to be switched by itself, and what it does to frames and answers."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

ALL: Final = frozenset({"*"})
"""Stands for all symbols."""
Drop = Literal["", "reset", "end", "away", "error"]
Body = Literal["", "html", "empty", "broken", "object"]
HTML: Final = b"<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


@dataclass
class Faults:
    """Nothing goes wrong at first. What is marked "once" happens at the next tick and then switches itself off."""

    # the connection
    drop: Drop = ""
    """Once, all connections: a TCP reset, an end without a close frame (both 1006), code 1001, code 1011."""
    half_open: bool = False
    """All connections, new ones too, are neither read nor written to any more. What began so stays so."""
    mute_pongs: bool = False
    """No answer to pings, neither to JSON ones nor to those of the protocol."""
    drip_bytes: int = 0
    """Only so many bytes are sent per millisecond."""
    refuse_upgrade: int = 0
    """HTTP status for who wants a WebSocket."""
    shutdown_notice_s: float = 0.0
    """Once, Binance: serverShutdown is announced, and so much later all connections end."""

    # subscriptions
    refused: frozenset[str] = frozenset()
    """Symbols that cannot be subscribed to."""
    renamed: bool = False
    """The channels have other names now: old ones are refused, and those subscribed to give nothing more."""
    silent: frozenset[str] = frozenset()
    """Symbols whose subscriptions stand but give nothing: these deals are only in REST."""
    no_acks: bool = False
    """Subscribing works but is not answered."""

    # frames
    hold: bool = False
    """Frames are kept back, and delivered late when this ends."""
    twice: bool = False
    """Each frame is sent twice."""
    again_on_subscribe: int = 0
    """Who subscribes gets so many of the last deals once more."""
    old_again_s: float = 0.0
    """Once: each subscription gets a deal once more that is about so old, or the oldest there is."""
    unknown_kind: bool = False
    """After each frame comes one of a kind that nobody knows."""
    wrong_type: bool = False
    """Text frames where binary ones are due, and the other way round."""
    broken: bool = False
    """Frames lack their last bytes."""
    huge_bytes: int = 0
    """Once: each connection gets a frame of this size, of an unknown kind."""
    bare: bool = False
    """MEXC: frames lack symbol, symbolId, createTime and sendTime, which are optional."""
    trade_ids: bool = True
    """MEXC: frames have trade ids."""

    # REST
    rest_status: int = 0
    """429, 418, 403, 500 ... for each request."""
    retry_after_s: int = 1
    """What 429, 418 and 403 say in Retry-After; 0: they lack it."""
    rest_body: Body = ""
    """Status 200 with an HTML page, an empty list, half of the JSON, or a JSON object of an error."""
    rest_hangs_up: bool = False
    """The connection ends instead of an answer."""
    rest_slow_s: float = 0.0
    """Answers take so long."""
    rest_lag_s: float = 0.0
    """Trades are answered as they were so long ago."""
    rest_zeros: bool = False
    """Decimals have more zeros at their end than on the WebSocket."""
    time_off_s: float = 0.0
    """/time is wrong by so much, though deals are not."""

    def take(self, name: str) -> Any:
        """The value of a fault that happens once, which is switched off by this."""
        value = getattr(self, name)
        self.end(name)
        return value

    def end(self, name: str) -> None:
        """Switch one fault off."""
        setattr(self, name, DEFAULTS[name])

    def heal(self) -> None:
        """Switch all faults off."""
        for name in DEFAULTS:
            self.end(name)

    def covers(self, symbols: frozenset[str], symbol: str) -> bool:
        """Whether *symbol* is among *symbols*, which may be all."""
        return symbol in symbols or "*" in symbols

    def spoil(self, frames: Iterable[bytes], *, text: bool) -> tuple[list[bytes], bool]:
        """Frames as they are really sent, and whether as text."""
        spoilt = [copy for frame in frames for copy in (frame,) * (2 if self.twice else 1)]
        if self.broken:
            spoilt = [frame[: -max(1, len(frame) // 8)] for frame in spoilt]
        if not self.wrong_type:
            return spoilt, text
        return spoilt if text else [base64.b64encode(frame) for frame in spoilt], not text


DEFAULTS: Final[dict[str, Any]] = {field.name: field.default for field in fields(Faults)}
