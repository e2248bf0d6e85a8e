"""The file .env: the operator's settings and secrets."""

import os
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from cdb.running.errors import StackError


def _secret() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class _Entry:
    name: str
    comment: str
    value: Callable[[], str]
    required: bool = True

    def text(self, mark: str) -> str:
        """Return what is written, *mark* before what is generated."""
        return f"{mark if self.value is _secret else ''}{self.value()}"


def _fixed(value: str) -> Callable[[], str]:
    return lambda: value


ENTRIES = (
    _Entry("POSTGRES_USER", "PostgreSQL: the ledger's owner", _fixed("claire")),
    _Entry("POSTGRES_PASSWORD", "generated", _secret),
    _Entry("POSTGRES_DB", "PostgreSQL: the ledger's database", _fixed("claire_de_binaire")),
    _Entry("REDIS_PASSWORD", "Redis: the bus; generated", _secret),
    _Entry("CDB_OTLP_TOKEN", "what services show to the collector; generated", _secret),
    _Entry("CDB_MONITORING_PASSWORD", "the exporters' accounts in PostgreSQL and Redis; generated", _secret),
    _Entry("GRAFANA_PASSWORD", "Grafana's user admin; generated", _secret),
    _Entry("MEXC_API_KEY", "the exchange; paper trading needs no key", _fixed(""), required=False),
    _Entry("MEXC_API_SECRET", "the exchange; paper trading needs no secret", _fixed(""), required=False),
    _Entry("CDB_SLACK_WEBHOOK_URL", "alerts go to this Slack webhook, too; empty: not", _fixed(""), required=False),
    _Entry("CDB_SMTP_SMARTHOST", "critical alerts go by e-mail, too: host:port", _fixed(""), required=False),
    _Entry("CDB_SMTP_FROM", "their sender", _fixed(""), required=False),
    _Entry("CDB_SMTP_TO", "their readers, separated by commas", _fixed(""), required=False),
    _Entry("CDB_SMTP_USER", "the account at the mail server; empty: none is needed", _fixed(""), required=False),
    _Entry("CDB_SMTP_PASSWORD", "its password", _fixed(""), required=False),
    _Entry("CDB_SMTP_REQUIRE_TLS", "0 sends in the clear where the server has no TLS", _fixed("1"), required=False),
    _Entry("MAX_DAILY_DRAWDOWN_PCT", "the breaker trips at this loss since 00:00 UTC; 0.05 is 5 %", _fixed("0.05")),
    _Entry("MAX_POSITION_PCT", "largest position, as a part of equity", _fixed("0.10")),
    _Entry("MAX_EXPOSURE_PCT", "largest sum of positions, as a part of equity", _fixed("0.50")),
)
_SECRET_ENDINGS = ("_PASSWORD", "_TOKEN", "_KEY", "_SECRET", "_WEBHOOK_URL")
SECRETS = tuple(entry.name for entry in ENTRIES if entry.name.endswith(_SECRET_ENDINGS))
TEST_MARK = "test-"
"""What secrets begin with that were generated for a test, so that `cdb doctor` can tell them."""
_HEADER = "# Settings and secrets of this machine. Made once, never overwritten; not for version control.\n"


@dataclass(frozen=True)
class EnvChange:
    """What `ensure` did to the file."""

    created: bool
    added: tuple[str, ...]
    mode_tightened: bool


def ensure(path: Path, *, mark: str = "") -> EnvChange:
    """Create the file with generated secrets, or append the keys it lacks; keep what is there and set mode 600.

    Each secret that is generated begins with *mark*.
    """
    created = not path.exists()
    if created:
        _create(path)
    tightened = _tighten(path)
    present = read(path)
    missing = [entry for entry in ENTRIES if entry.name not in present]
    if missing:
        _append(path, missing, mark)
    return EnvChange(created=created, added=tuple(entry.name for entry in missing), mode_tightened=tightened)


def read(path: Path) -> dict[str, str]:
    """Return the file's settings, {} without a file; raise StackError if it cannot be read."""
    if not path.exists():
        return {}
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(
            f"{path} cannot be read ({_reason(error)}): it must be your own text file, mode 600"
        ) from error
    return {name: value or "" for name, value in values.items()}


def refuse_bad_values(environment: Mapping[str, str], *, source: str) -> None:
    """Raise StackError for a needed setting that is missing or empty, or that no configuration file can hold."""
    for entry in ENTRIES:
        value = environment.get(entry.name, "")
        if entry.required and not value:
            raise StackError(f"{entry.name} is empty in {source}: set it, or remove its line and run `cdb env`")
        if not value.isprintable():
            raise StackError(f"{entry.name} in {source} has a control character: printable characters are allowed")


def _create(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        path.write_text(_HEADER, encoding="utf-8")
    except OSError as error:
        raise StackError(f"{path} cannot be created: {_reason(error)}") from error


def _append(path: Path, entries: list[_Entry], mark: str) -> None:
    try:
        text = path.read_text(encoding="utf-8")
        lines = "".join(f"# {entry.comment}\n{entry.name}={entry.text(mark)}\n" for entry in entries)
        with path.open("a", encoding="utf-8") as file:
            file.write(lines if text.endswith("\n") or not text else f"\n{lines}")
    except OSError as error:
        raise StackError(f"{path} cannot be written: {_reason(error)}") from error


def _tighten(path: Path) -> bool:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode == 0o600:
        return False
    try:
        path.chmod(0o600)
    except OSError as error:
        raise StackError(f"{path} has mode {mode:o} and must have 600, but it is not yours to change") from error
    return True


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
