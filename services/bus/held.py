"""The symbols that are held, for services without a ledger: cdb_risk notes them, cdb_ws and cdb_core read them."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
import redis
from redis.exceptions import ResponseError

from services.bus.client import WRONG_TYPE, reply_of, translated
from services.decoding import prepared
from services.messages import Name

_KEY: Final = "held"
_decoder: Final = msgspec.json.Decoder(prepared(list[Name]))


class HeldSymbols:
    """One key beside the streams. Redis may lose it: cdb_risk notes it anew every second. Not thread-safe."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis: Any = client

    def note(self, symbols: Iterable[str]) -> None:
        """Say that these symbols are held, and no others. Raises ServerAway."""
        with translated():
            self._redis.set(_KEY, msgspec.json.encode(sorted(symbols)))

    def read(self) -> frozenset[str]:
        """The symbols that were noted last; none if the key holds something else. Raises ServerAway."""
        with translated():
            try:
                data = self._redis.get(_KEY)
            except ResponseError as error:
                if reply_of(error).startswith(WRONG_TYPE):
                    return frozenset()
                raise
        try:
            return frozenset(_decoder.decode(data or b"[]"))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return frozenset()
