"""Follows the stream of trades on Redis without a consumer group, so that nobody else notices."""

from typing import Any, Final

import redis
from redis.exceptions import ResponseError

from services.bus.client import reply_of, translated
from services.bus.entries import Entry, entries_of, stream_position
from services.topology import MARKET_DATA

PAGE: Final = 2_000
_WAIT_MS: Final = 250
_LAST_OF_A_MS: Final = 2**64 - 1


class TradeStream:
    """Reads each entry once, in order. Every method raises ServerAway if Redis cannot do it now; ask again then."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis: Any = client
        self._after = "0-0"
        self._has_read = False

    def now_ms(self) -> int:
        """Redis's clock, of which the ids of entries are made."""
        with translated():
            seconds, microseconds = self._redis.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def begin_at(self, from_ms: int) -> None:
        """Read what was published from then on."""
        self._after = f"{max(1, from_ms) - 1}-{_LAST_OF_A_MS}"

    def next(self) -> list[Entry]:
        """Wait a moment for new entries, at most PAGE."""
        with translated():
            found = self._redis.xread({MARKET_DATA: self._after}, count=PAGE, block=_WAIT_MS)
        entries = list(entries_of(found))
        if entries:
            self._after, self._has_read = entries[-1].id, True
        elif self._has_read:
            self._follow_a_new_stream()
        return entries

    def _follow_a_new_stream(self) -> None:
        """Go on at the end of a stream that is behind what was read: Redis lost it, and its clock was set back."""
        with translated():
            try:
                last = self._redis.xinfo_stream(MARKET_DATA)["last-generated-id"].decode()
            except ResponseError as error:
                if reply_of(error).startswith("no such key"):
                    return
                raise
        if stream_position(last) < stream_position(self._after):
            self._after = last
