"""The keys of Redis that the bus uses, and of which type each one must be."""

from typing import Any

from services.errors import BUS, ServerAway
from services.topology import DEAD_LETTERS, STREAMS


def check_keys(client: Any, group: str) -> None:
    """Raise ServerAway, naming the key and what to do, if something else stands where a key of ours should be."""
    streams = dict.fromkeys((*STREAMS, DEAD_LETTERS), b"stream")
    for key, wanted in {**streams, trials_of(group): b"hash", worker_of(group): b"string"}.items():
        found = client.type(key)
        if found not in {wanted, b"none"}:
            detail = f"key {key} is a {found.decode()} and must be a {wanted.decode()}"
            raise ServerAway(BUS, f"{detail}: look what it is, then remove it (redis-cli DEL {key})")


def trials_of(group: str) -> str:
    """The key that counts how often *group* has tried to handle a suspicious entry."""
    return f"trials:{group}"


def worker_of(name: str) -> str:
    """The key that tells which process has worked as *name* last."""
    return f"worker:{name}"


def offer_of(name: str) -> str:
    """The key that is there as long as another process could take over from the one that works as *name*."""
    return f"offer:{name}"
