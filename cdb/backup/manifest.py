"""What an archive says about itself."""

from typing import Final

import msgspec

from cdb.running.errors import BackupError
from services.decoding import prepared
from services.ledger.connection import SCHEMA_VERSION

FORMAT: Final = 1


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the archive."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When and by what an archive was made, and what it holds.

    *ledger_rows* counts the rows of each table, *series* those that Prometheus had in memory.
    """

    format: int
    made_at: str  # ISO 8601, UTC
    project: str
    ledger_schema: str
    postgres: int  # the major version
    prometheus: str
    ledger_rows: dict[str, int]
    series: int
    notifications: int
    members: dict[str, Member]


class _Format(msgspec.Struct, frozen=True):
    format: int


def encode(manifest: Manifest) -> bytes:
    """Write a manifest as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2)


def decode(data: bytes) -> Manifest:
    """Read a manifest. Raises BackupError for another format or none."""
    try:
        found = msgspec.json.decode(data, type=prepared(_Format)).format
        if found != FORMAT:
            raise BackupError(f"the archive has format {found}, this version reads format {FORMAT}")
        return msgspec.json.decode(data, type=prepared(Manifest))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackupError(f"the manifest of the archive cannot be read: {error}") from error


def refuse_newer_versions(manifest: Manifest, *, postgres: int, prometheus: str) -> None:
    """Raise BackupError if this version of the project, or the running servers, cannot read what was saved.

    An older ledger can be migrated.
    """
    if manifest.ledger_schema > SCHEMA_VERSION:
        raise BackupError(
            f"the archive's ledger has schema {manifest.ledger_schema}, this version needs {SCHEMA_VERSION}: "
            "upgrade the project to the version that made the archive, then restore it"
        )
    if manifest.postgres > postgres:
        raise BackupError(
            f"the archive was made with PostgreSQL {manifest.postgres}; the running {postgres} may not read it"
        )
    if _numbers(manifest.prometheus) > _numbers(prometheus):
        raise BackupError(
            f"the archive was made with Prometheus {manifest.prometheus}; the running {prometheus} may not read it"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
