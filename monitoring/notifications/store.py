"""The newest notifications, in SQLite: one row for each state of each alert, however often it is repeated."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from monitoring.notifications.webhook import Alert, Status
from services.clock import Clock, to_datetime

FILE: Final = "notifications.sqlite"
_BUSY_S: Final = 5.0
_DAMAGED: Final = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_NS: Final = 1_000  # in a microsecond
# Times are microseconds since 1970.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS notifications (
    id INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    receiver TEXT NOT NULL,
    alertname TEXT NOT NULL,
    labels TEXT NOT NULL,
    annotations TEXT NOT NULL,
    generator_url TEXT NOT NULL,
    ends_at INTEGER,
    received_at INTEGER NOT NULL,
    last_received_at INTEGER NOT NULL,
    times INTEGER NOT NULL,
    UNIQUE (fingerprint, starts_at, status, receiver)
) STRICT
"""
# A repeat updates the texts and keeps the time of the first.
_PUT: Final = """
INSERT INTO notifications VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (fingerprint, starts_at, status, receiver) DO UPDATE SET
    annotations = excluded.annotations, ends_at = excluded.ends_at,
    last_received_at = excluded.last_received_at, times = times + 1
"""
_TRIM: Final = """
DELETE FROM notifications
WHERE id <= (SELECT id FROM notifications ORDER BY id DESC LIMIT 1 OFFSET ?)
"""
_FIND: Final = """
SELECT n.*, (SELECT max(r.ends_at) FROM notifications r
             WHERE r.fingerprint = n.fingerprint AND r.starts_at = n.starts_at AND r.status = 'resolved') AS ended_at
FROM notifications n
WHERE n.last_received_at >= :since
  AND (:alertname IS NULL OR n.alertname = :alertname)
  AND (:status IS NULL OR n.status = :status)
ORDER BY n.id DESC LIMIT :limit
"""
_OPEN: Final = """n.status = 'firing' AND NOT EXISTS (
    SELECT 1 FROM notifications r
    WHERE r.fingerprint = n.fingerprint AND r.starts_at = n.starts_at AND r.status = 'resolved')
"""
_COUNT: Final = "SELECT count(*) FROM notifications"
_COUNT_OPEN: Final = f"SELECT count(*) FROM notifications n WHERE {_OPEN}"  # noqa: S608  our own text
_FIND_OPEN: Final = f"SELECT n.*, NULL AS ended_at FROM notifications n WHERE {_OPEN} ORDER BY n.id"  # noqa: S608


class StoreFailed(Exception):
    """The file cannot be read or written; the message says which and why."""


class StoreDamaged(StoreFailed):
    """What is in the file is no database, or not a whole one."""


@dataclass(frozen=True)
class Notification:
    """One state of one alert, received *times* times, first at *received_at*.

    *ended_at* is when the alert ended (also on the firing notification); None while that is not known.
    """

    id: int
    status: Status
    receiver: str
    labels: dict[str, str]
    annotations: dict[str, str]
    generator_url: str
    fingerprint: str
    starts_at: datetime
    ended_at: datetime | None
    received_at: datetime
    last_received_at: datetime
    times: int

    @property
    def alertname(self) -> str:
        """Name of the alert; "" if it has none."""
        return self.labels.get("alertname", "")

    @property
    def severity(self) -> str:
        """Severity of the alert; "" if it has none."""
        return self.labels.get("severity", "")


class Store:
    """Notifications in one file. Every method can be called from any thread, and raises StoreFailed.

    A file that is damaged when it is opened is put aside, at *damaged*, and a new one begun: what was in it is not
    worth a console that does not start.
    """

    def __init__(self, folder: Path, *, keep: int, clock: Clock) -> None:
        self._file = folder / FILE
        self._keep = keep
        self._clock = clock
        self.damaged: Path | None = None
        try:
            self._begin()
        except StoreDamaged:
            self.damaged = self._put_aside()
            self._begin()

    def _begin(self) -> None:
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_SCHEMA)

    def _put_aside(self) -> Path:
        aside = self._file.with_name(f"{FILE}.damaged-{to_datetime(self._clock.now_ns()):%Y%m%dT%H%M%S}")
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self._file.with_name(FILE + end).rename(aside.with_name(aside.name + end))
        return aside

    def put(self, receiver: str, alerts: Iterable[Alert]) -> None:
        """Store all of *alerts* or none, and delete the oldest above the limit."""
        now = self._clock.now_ns() // _NS
        with self._connected() as connection:
            connection.executemany(_PUT, [_row(alert, receiver, now) for alert in alerts])
            connection.execute(_TRIM, (self._keep,))

    def newest(
        self, limit: int, *, since_ns: int = 0, alertname: str | None = None, status: Status | None = None
    ) -> list[Notification]:
        """At most *limit* notifications, newest first, received or repeated since *since_ns*."""
        asked = {"limit": limit, "since": since_ns // _NS, "alertname": alertname, "status": status}
        with self._connected() as connection:
            return [_notification(row) for row in connection.execute(_FIND, asked)]

    def open_ones(self) -> list[Notification]:
        """Notifications of alerts that have not ended, oldest first."""
        with self._connected() as connection:
            return [_notification(row) for row in connection.execute(_FIND_OPEN)]

    def count(self, *, open_only: bool = False) -> int:
        """Count the notifications; with *open_only*, only those of alerts that have not ended."""
        with self._connected() as connection:
            return int(connection.execute(_COUNT_OPEN if open_only else _COUNT).fetchone()[0])

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._file, timeout=_BUSY_S)) as connection, connection:
                connection.row_factory = sqlite3.Row
                yield connection
        except sqlite3.Error as error:
            kind = StoreDamaged if getattr(error, "sqlite_errorcode", None) in _DAMAGED else StoreFailed
            raise kind(f"{self._file}: {error}") from error


def _row(alert: Alert, receiver: str, now: int) -> tuple[object, ...]:
    return (
        alert.fingerprint,
        _us(alert.starts_at),
        alert.status,
        receiver,
        alert.labels.get("alertname", ""),
        json.dumps(alert.labels),
        json.dumps(alert.annotations),
        alert.generator_url,
        _us(alert.ends_at) if alert.status == "resolved" else None,
        now,
        now,
    )


def _notification(row: Any) -> Notification:
    return Notification(
        id=row["id"],
        status=row["status"],
        receiver=row["receiver"],
        labels=json.loads(row["labels"]),
        annotations=json.loads(row["annotations"]),
        generator_url=row["generator_url"],
        fingerprint=row["fingerprint"],
        starts_at=to_datetime(row["starts_at"] * _NS),
        ended_at=None if row["ended_at"] is None else to_datetime(row["ended_at"] * _NS),
        received_at=to_datetime(row["received_at"] * _NS),
        last_received_at=to_datetime(row["last_received_at"] * _NS),
        times=row["times"],
    )


def _us(moment: datetime) -> int:
    """Microseconds since 1970, of the nearest moment that UTC's calendar has."""
    near = min(max(moment, datetime.min.replace(tzinfo=UTC)), datetime.max.replace(tzinfo=UTC))
    return (near - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
