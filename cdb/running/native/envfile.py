"""The file .env: the operator's settings and secrets."""

import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from cdb.running.errors import StackError

TEMPLATE: Final = Path(__file__).parents[3] / "deploy" / "env.template"
"""What a new .env is made from; deploy/containers/make-env reads it, too."""
_GENERATED: Final = "<generated>"
_FALSE_COMMENT: Final = re.compile(r"^\s+#|\t#")
_QUOTED: Final = "write the value in single quotes, NAME='value'"


@dataclass(frozen=True)
class Entry:
    """A line of the template that every .env has, and the comment above it."""

    name: str
    value: str
    comment: str

    @property
    def required(self) -> bool:
        """Whether it must not be empty: it has no default."""
        return self.value == _GENERATED

    def text(self, mark: str) -> str:
        """Comment and line; a secret is generated and begins with *mark*."""
        return _with_secrets(f"{self.comment}\n{self.name}={self.value}\n", mark)


def _with_secrets(text: str, mark: str) -> str:
    return re.sub(_GENERATED, lambda _: f"{mark}{secrets.token_urlsafe(24)}", text)


def _entries(template: str) -> tuple[Entry, ...]:
    found = re.findall(r"^(# .+)\n([A-Z][A-Z0-9_]*)=(.*)$", template, flags=re.MULTILINE)
    return tuple(Entry(name, value, comment) for comment, name, value in found)


ENTRIES: Final = _entries(TEMPLATE.read_text(encoding="utf-8"))
_SECRET_ENDINGS = ("_PASSWORD", "_TOKEN", "_KEY", "_SECRET", "_WEBHOOK_URL")
SECRETS = tuple(entry.name for entry in ENTRIES if entry.name.endswith(_SECRET_ENDINGS))
TEST_MARK = "test-"
"""Secrets that were generated for a test begin with this, so that `cdb doctor` finds them."""


@dataclass(frozen=True)
class EnvChange:
    """What `ensure` did to the file."""

    created: bool
    added: tuple[str, ...]
    mode_tightened: bool


def ensure(path: Path, *, mark: str = "") -> EnvChange:
    """Create the file from the template, or append what it lacks; keep what is there and set mode 600.

    Each secret that is generated begins with *mark*.
    """
    if not path.exists():
        _create(path, _with_secrets(TEMPLATE.read_text(encoding="utf-8"), mark))
        return EnvChange(created=True, added=tuple(entry.name for entry in ENTRIES), mode_tightened=False)
    tightened = _tighten(path)
    present = read(path)
    missing = [entry for entry in ENTRIES if entry.name not in present]
    if missing:
        _append(path, "".join(entry.text(mark) for entry in missing))
    return EnvChange(created=False, added=tuple(entry.name for entry in missing), mode_tightened=tightened)


def read(path: Path) -> dict[str, str]:
    """Read the settings; {} without a file. Raises StackError if it cannot be read."""
    return _values(_text(path))


def read_strictly(path: Path) -> dict[str, str]:
    """Read the settings, but refuse a line that is none, and a value that Docker Compose would read differently.

    Raises StackError.
    """
    text = _text(path)
    for line in parse_stream(StringIO(text)):
        if line.error or (line.key and line.value is None):
            begins = line.original.line + _leading(line.original.string).count("\n")
            raise StackError(f"line {begins} of {path} cannot be read: it must be NAME=VALUE, or begin with #")
        if line.key and (why := _misread(line)):
            raise StackError(f"{line.key} in {path} {why}")
    return _values(text)


def _values(text: str) -> dict[str, str]:
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value or "" for name, value in values.items()}


def _misread(line: Binding) -> str:
    """What Docker Compose reads differently in the value of *line*, and what to write instead; or ''."""
    written = line.original.string.partition("=")[2]
    quote = written.lstrip()[:1] if written.lstrip()[:1] in ("'", '"') else ""
    inside = written[: written.rfind(quote)] if quote else written
    if quote == "'":
        return "has \\\\ in single quotes, which Docker Compose keeps: leave the quotes out" if r"\\" in inside else ""
    if "$" in (line.value or ""):
        return f"has a $, which Docker Compose replaces: {_QUOTED}"
    if quote:
        return (
            f"has \\' or \\0 in double quotes, which Docker Compose changes: {_QUOTED}"
            if re.search(r"\\['0]", inside)
            else ""
        )
    return (
        f"has a #, which for Docker Compose begins no comment there: {_QUOTED}" if _FALSE_COMMENT.search(inside) else ""
    )


def _leading(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(
            f"{path} cannot be read ({_reason(error)}): it must be a text file that you own, mode 600"
        ) from error


def refuse_bad_values(environment: Mapping[str, str], *, source: str) -> None:
    """Refuse a secret that is missing or empty, and control characters. Raises StackError."""
    for entry in ENTRIES:
        value = environment.get(entry.name, "")
        if entry.required and not value:
            raise StackError(f"{entry.name} is empty in {source}: set it, or remove its line and run `cdb env`")
        if not value.isprintable():
            raise StackError(f"{entry.name} in {source} has a control character: only printable characters are allowed")


def _create(path: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        path.chmod(0o600)  # whatever the umask is
    except OSError as error:
        raise StackError(f"{path} cannot be created: {_reason(error)}") from error


def _append(path: Path, lines: str) -> None:
    try:
        text = path.read_text(encoding="utf-8")
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
        raise StackError(f"{path} has mode {mode:o} and must have 600, but another user owns it") from error
    return True


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
