"""Types that several threads may decode.

msgspec works out what a type is made of when it is first asked for. If another thread then asks for the same type, or
for one that contains it, the process crashes (msgspec 0.22.0). So each type is worked out before it is used, by one
thread at a time.
"""

import threading
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_lock: Final = threading.Lock()
_prepared: Final[set[Any]] = set()


def prepared(kind: type[T]) -> type[T]:
    """*kind*, which any thread may hand to msgspec.convert or a decoder from now on."""
    if kind not in _prepared:
        with _lock:
            msgspec.json.Decoder(kind)
            _prepared.add(kind)
    return kind
