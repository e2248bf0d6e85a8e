"""What a service does about other copies of itself: offer to take over, or leave the work to one that can do more.

It works alone under its name (bus/only_one.py). While it waits for the ledger it asks nothing of the bus, so it looks
here whether another copy has taken its place meanwhile. If it does not reach the ledger, while a copy that waits does,
it ends: that one goes on, and the next process here waits in its place.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import redis

from services.bus.only_one import OnlyOne, address_of_worker
from services.errors import ServerAway, Standby, Superseded

LEAVES_AFTER_S: Final = 4.0
"""By then a standby that has no ledger either knows it, and its last offer has run out."""


class Copies:
    """The others of *only*'s name, as *client* of the bus sees them; *has_ledger* says whether this one reaches it."""

    def __init__(self, only: OnlyOne, client: redis.Redis, has_ledger: Callable[[], bool]) -> None:
        self._only = only
        self._client = client
        self._has_ledger = has_ledger

    def waits(self, away: ServerAway, waited_s: float) -> None:
        """Take notice that the loop waits. Raises Superseded if another copy does its work, or could."""
        with suppress(redis.RedisError):
            if isinstance(away, Standby):
                if self._has_ledger():
                    self._only.offer(self._client)
            elif away.server == "PostgreSQL":
                self._only.check(self._client)
                if waited_s >= LEAVES_AFTER_S and self._only.is_offered(self._client):
                    raise Superseded(f"another process reaches the ledger and this one does not: {away.detail}")


def where_the_work_is(client: redis.Redis, name: str) -> str:
    """The URL of the process that works as *name*, "" if nobody knows."""
    with suppress(redis.RedisError):
        return address_of_worker(client, name)
    return ""
