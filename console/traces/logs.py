"""The services' log lines about one trace or one decision, from the newest end of their files.

The files are named after the services; nothing from an address becomes a name. Links are not followed.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from cdb.kit.printable import cut, printable
from console.ground import Ground
from console.knowledge import Known
from services import topology
from services.decoding import prepared

SERVICES: Final = (*topology.NAMES, *topology.STANDBYS, topology.CONSOLE.name)
MOST_LINES: Final = 200
MOST_BYTES: Final = 20_000_000
"""Read of each service's log, from its end."""
_ROTATED: Final = ("", *(f".{number}" for number in range(1, 10)))
_AROUND: Final = timedelta(minutes=1)
"""Lines about something are no older than it by more than this."""
_FOR_S: Final = 5
_BLOCK: Final = 1 << 18
_LONGEST_LINE: Final = 1 << 20
_SHOWN: Final = 4_000
_OWN: Final = ("timestamp", "service", "level", "event", "trace_id")


@dataclass(frozen=True)
class Line:
    """One line. One that is no JSON is all *event*, and *at* is None."""

    service: str
    event: str
    at: datetime | None = None
    level: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lines:
    """Lines in the order of time. *cut*: there were more; these are the newest of each service."""

    lines: tuple[Line, ...]
    cut: bool = False
    problems: tuple[str, ...] = ()


def known_lines(ground: Ground, wanted: str, *, at: datetime | None) -> Known[Lines] | None:
    """Log lines about *wanted*, which was *at* if that is known; None where the console sees no files."""
    folder = ground.settings.logs
    if folder is None:
        return None
    since = at - _AROUND if at else None
    return ground.knowledge.of(("log of", wanted), lambda: lines_about(folder, wanted, since=since), for_s=_FOR_S)


def lines_about(
    folder: Path, text: str, *, since: datetime | None = None, most: int = MOST_LINES, most_bytes: int = MOST_BYTES
) -> Lines:
    """Find the lines in which *text* stands by itself. Lines from before *since* need not be looked at."""
    # By itself: the id of a trade may be the beginning of another one's.
    wanted = re.compile(rb"(?<![0-9A-Za-z_])" + re.escape(text.encode()) + rb"(?![0-9A-Za-z_])")
    found: list[Line] = []
    problems: list[str] = []
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        return Lines((), problems=(f"the logs cannot be read: {error.strerror}",))
    try:
        for service in SERVICES:
            try:
                found += _of_service(opened, service, wanted, since=since, most=most, most_bytes=most_bytes)
            except OSError as error:
                problems.append(f"the log of {service} cannot be read: {error.strerror}")
    finally:
        os.close(opened)
    found.sort(key=lambda line: line.at or datetime.max.replace(tzinfo=UTC))
    return Lines(tuple(found[-most:]), cut=len(found) > most, problems=tuple(problems))


def _of_service(
    folder: int, service: str, wanted: re.Pattern[bytes], *, since: datetime | None, most: int, most_bytes: int
) -> list[Line]:
    """The newest lines of one service, oldest first, at most one more than *most*."""
    found: list[Line] = []
    left = most_bytes
    for suffix in _ROTATED:
        with _opened(folder, f"{service}.log{suffix}") as file:
            if file is None:
                if suffix:
                    break
                continue  # it is being rotated
            size = os.fstat(file).st_size
            for block in _backwards(file, size, max(size - left, 0)):
                found += _matching(block, service, wanted)
                if len(found) > most or _begins_before(block, since):
                    return found[most::-1]
            left -= size
        if left <= 0:
            break
    return found[most::-1]


@contextmanager
def _opened(folder: int, name: str) -> Iterator[int | None]:
    """Open a plain file, and nothing else that may be called so; None if there is none."""
    file = None
    with suppress(FileNotFoundError):
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        yield file if file is not None and stat.S_ISREG(os.fstat(file).st_mode) else None
    finally:
        if file is not None:
            os.close(file)


def _backwards(file: int, end: int, begin: int) -> Iterator[bytes]:
    """Yield blocks of whole lines, the last block first; what stands before *begin* is not read."""
    rest = b""
    while end > begin:
        start = max(begin, end - _BLOCK)
        block = os.pread(file, end - start, start) + rest
        end = start
        if start > 0:
            rest, _, block = block.partition(b"\n")
            rest = rest if len(rest) < _LONGEST_LINE else b""
        if block:
            yield block


def _matching(block: bytes, service: str, wanted: re.Pattern[bytes]) -> list[Line]:
    """The lines of *block* that say what is *wanted*, newest first."""
    if not wanted.search(block):
        return []
    return [parse(line, service) for line in reversed(block.split(b"\n")) if wanted.search(line)]


def parse(line: bytes, service: str) -> Line:
    """Read one line of the log of *service*."""
    try:
        read = msgspec.json.decode(line, type=prepared(dict[str, Any]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Line(service, _shown(line.decode(errors="replace")))
    texts = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode() for name, value in read.items()
    }
    return Line(
        service=_shown(texts.get("service", service)),
        event=_shown(texts.get("event", "")),
        at=_time(texts.get("timestamp", "")),
        level=_shown(texts.get("level", "")),
        fields={_shown(name): _shown(value) for name, value in texts.items() if name not in _OWN},
    )


def _begins_before(block: bytes, since: datetime | None) -> bool:
    if since is None:
        return False
    at = parse(block.partition(b"\n")[0], "").at
    return at is not None and at < since


def _time(text: str) -> datetime | None:
    with suppress(ValueError):
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else None
    return None


def _shown(text: str) -> str:
    return cut(printable(text, keep_lines=True), _SHOWN)
