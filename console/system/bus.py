"""The bus: its streams with who reads them, and Redis' memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import redis
from redis.exceptions import ResponseError

from services.bus.client import reply_of, translated
from services.bus.entries import stream_position
from services.clock import to_datetime
from services.topology import DEAD_LETTERS, READERS, STREAMS

_MS_NS: Final = 1_000_000


@dataclass(frozen=True)
class Group:
    """A service that reads a stream: entries that it has not read yet (None: unknown), and not acknowledged."""

    name: str
    lag: int | None
    pending: int
    oldest_pending: datetime | None
    consumers: int
    is_missing: bool = False


@dataclass(frozen=True)
class Stream:
    """One stream. *problem* says why nothing is known of it."""

    name: str
    length: int
    size: int | None
    newest: datetime | None
    groups: Sequence[Group]
    problem: str = ""


@dataclass(frozen=True)
class Memory:
    """Of Redis, in bytes; *limit* is 0 without one."""

    used: int
    peak: int
    limit: int
    policy: str


def streams(client: redis.Redis) -> list[Stream]:
    """All streams as they are now. Raises ServerAway."""
    names = (*STREAMS, DEAD_LETTERS)
    with translated():
        asked: Any = client.pipeline(transaction=False)
        for name in names:
            asked.xinfo_stream(name).xinfo_groups(name).memory_usage(name)
        answers = asked.execute(raise_on_error=False)
        found = []
        for place, name in enumerate(names):
            about, groups, size = answers[3 * place : 3 * place + 3]
            found.append(_stream(client, name, about, groups, size))
    return found


def memory(client: redis.Redis) -> Memory:
    """Ask for it. Raises ServerAway."""
    with translated():
        found: dict[str, Any] = client.info("memory")
    return Memory(
        used=int(found["used_memory"]),
        peak=int(found["used_memory_peak"]),
        limit=int(found["maxmemory"]),
        policy=str(found.get("maxmemory_policy", "")),
    )


def _stream(client: Any, name: str, about: Any, groups: Any, size: Any) -> Stream:
    if isinstance(about, ResponseError):
        said = reply_of(about)
        problem = "nothing has been sent on it yet" if "no such key" in said else said
        return Stream(name, 0, None, None, _missing(name, set()), problem)
    for answer in (about, groups):
        if isinstance(answer, Exception):
            raise answer
    known = [_group(client, name, row) for row in groups]
    return Stream(
        name=name,
        length=int(about["length"]),
        size=size if isinstance(size, int) else None,
        newest=_time(about["last-generated-id"].decode()),
        groups=[*known, *_missing(name, {group.name for group in known})],
    )


def _group(client: Any, stream: str, row: dict[str, Any]) -> Group:
    oldest = client.xpending(stream, row["name"])["min"] if row["pending"] else None
    return Group(
        name=row["name"].decode("utf-8", "replace"),
        lag=row.get("lag"),
        pending=int(row["pending"]),
        oldest_pending=_time(oldest.decode()) if oldest else None,
        consumers=int(row["consumers"]),
    )


def _missing(stream: str, known: set[str]) -> list[Group]:
    """Services that should read *stream* and have no group there."""
    return [Group(name, None, 0, None, 0, is_missing=True) for name in READERS.get(stream, ()) if name not in known]


def _time(entry_id: str) -> datetime | None:
    """When an entry was put on its stream, as its id says."""
    milliseconds, _ = stream_position(entry_id)
    try:
        return to_datetime(milliseconds * _MS_NS) if milliseconds else None
    except OverflowError:
        return None  # an id that somebody has chosen
