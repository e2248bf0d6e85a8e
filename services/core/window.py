"""What a strategy remembers of its look-back: a row for each trade, packed where there are many."""

from collections import deque
from typing import Any, Final, Generic, TypeVar

import msgspec

Row = TypeVar("Row", bound=tuple[Any, ...])
CHUNK: Final = 2_000
"""Rows that are packed together. Fewer stay as they are."""


class Window(Generic[Row]):
    """Rows in the order in which they came, of numbers and Decimals, at high rates hundreds of thousands of them.

    As an object a row takes some 300 bytes, packed a tenth. Only the oldest and the newest row are looked at; those
    between them are packed. *oldest* and *newest* are there as soon as there is a row. Whole numbers have 64 bits.
    """

    oldest: Row
    newest: Row

    def __init__(self, kind: type[Row]) -> None:
        self._pack = msgspec.msgpack.Encoder().encode
        self._unpack = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]
        self._leaving: deque[Row] = deque()
        """The oldest rows; only without any row there are none."""
        self._packed: deque[bytes] = deque()
        self._coming: list[Row] = []

    def __len__(self) -> int:
        return len(self._leaving) + CHUNK * len(self._packed) + len(self._coming)

    def append(self, row: Row) -> None:
        """Add the newest row."""
        self.newest = row
        if not self._leaving:
            self.oldest = row
            self._leaving.append(row)
            return
        self._coming.append(row)
        if len(self._coming) == CHUNK:
            self._packed.append(self._pack(self._coming))
            self._coming = []

    def popleft(self) -> Row:
        """Remove the oldest row; there must be a newer one."""
        leaving = self._leaving
        gone = leaving.popleft()
        if not leaving and self._packed:
            leaving.extend(self._unpack(self._packed.popleft()))
        elif not leaving:
            leaving.extend(self._coming)
            self._coming = []
        self.oldest = leaving[0]
        return gone
