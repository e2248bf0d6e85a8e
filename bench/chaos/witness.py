"""A reader of the bus beside the groups: it notes every signal, order and fill that anybody could have read."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import redis

from bench.stacks import Bot
from services.bus.client import connect
from services.messages import BadMessage, Fill, Message, Order, Signal, decode
from services.topology import FILLS, ORDERS, SIGNALS

_BLOCK_MS: Final = 500
_PAUSE_S: Final = 0.02
_ENOUGH: Final = 1_000


class Witness:
    """As a context manager it reads in a thread of its own, and goes on by itself when Redis is back.

    *seen* has, for each stream, the id of each message and the Unix time at which it was first read. What Redis loses
    or trims within milliseconds is missing.
    """

    def __init__(self, bot: Bot) -> None:
        self.seen: Mapping[str, dict[str, float]] = {SIGNALS: {}, ORDERS: {}, FILLS: {}}
        config = bot.stack.config
        self._redis: Any = connect(
            host="127.0.0.1", port=config.ports.redis, password=config.environment["REDIS_PASSWORD"]
        )
        self._after: dict[str, str] = dict.fromkeys(self.seen, "0-0")
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="witness")

    def __enter__(self) -> "Witness":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()
        self._redis.close()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                found = self._redis.xread(self._after, count=_ENOUGH, block=_BLOCK_MS)
            except redis.RedisError:
                time.sleep(_PAUSE_S)
                continue
            now = time.time()
            for name, entries in found:
                stream = name.decode()
                self._after[stream] = entries[-1][0].decode()
                for _, fields in entries:
                    with suppress(BadMessage):
                        self.seen[stream].setdefault(_id_of(decode(stream, fields[b"data"])), now)


def _id_of(message: Message) -> str:
    if isinstance(message, Signal):
        return message.signal_id
    if isinstance(message, Order):
        return message.order_id
    assert isinstance(message, Fill)
    return message.fill_id
