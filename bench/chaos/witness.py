"""A reader of the bus beside the services: it notes every signal, order and fill that anybody could have read."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from bench.stacks import Bot
from services.bus.client import connect
from services.bus.entries import Entry
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.errors import ServerAway
from services.messages import BadMessage, Fill, Order, Signal
from services.topology import FILLS, ORDERS, SIGNALS

_BLOCK_MS: Final = 500
_PAUSE_S: Final = 0.02
_AT_ONCE: Final = 1_000
_NEW, _UNACKNOWLEDGED = ">", "0"


class Witness:
    """As a context manager it reads in a thread of its own, and goes on by itself when Redis is back.

    *seen* has, for each stream, the id of each message and the Unix time at which it was first read. It reads as a
    group of its own, so that no entry is trimmed before; what a killed Redis loses within milliseconds can be missing.
    """

    def __init__(self, bot: Bot) -> None:
        self.seen: Mapping[str, dict[str, float]] = {SIGNALS: {}, ORDERS: {}, FILLS: {}}
        config = bot.stack.config
        self._redis = connect(host="127.0.0.1", port=config.ports.redis, password=config.environment["REDIS_PASSWORD"])
        self._bus = RedisBus(self._redis, group="witness", consumer="witness", clock=WallClock())
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
        after = _UNACKNOWLEDGED
        done: list[Entry] = []
        while not self._end.is_set():
            try:
                done = self._bus.read(list(self.seen), count=_AT_ONCE, block_ms=_BLOCK_MS, after=after, done=done)
            except ServerAway:
                after, done = _UNACKNOWLEDGED, []  # what was read and not acknowledged comes again
                time.sleep(_PAUSE_S)
                continue
            if not done:
                after = _NEW
            for entry in done:
                self._note(entry)

    def _note(self, entry: Entry) -> None:
        with suppress(BadMessage):
            match entry.read():
                case Signal(signal_id=name) | Order(order_id=name) | Fill(fill_id=name):
                    self.seen[entry.stream].setdefault(name, time.time())
