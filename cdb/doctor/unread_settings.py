"""Settings that are set and that nothing reads, in this way to run and with these other settings."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cdb.running import configuration
from cdb.running.native import known_settings
from cdb.running.native.unknown_settings import unread

_MAIL: Final = ("CDB_SMTP_FROM", "CDB_SMTP_TO", "CDB_SMTP_USER", configuration.SMTP_PASSWORD)


def without_effect(settings: Mapping[str, str], env_file: Mapping[str, str], root: Path, *, way: str) -> list[str]:
    """Say of each of *settings* that has no effect why. *env_file* is what .env holds. Raises StackError."""
    said = unread(env_file, root)
    of_chosen = known_settings.of_trading(settings, root)
    for kind in known_settings.of_plugins_here(settings, root):
        for name, field in kind.variables().items():
            if name in settings and name not in of_chosen and settings[name] != str(field.default):
                said.append(f"{name}: neither CDB_SOURCE nor CDB_STRATEGIES names what reads it")
    if not settings.get(configuration.SMARTHOST):
        said += [f"{name}: {configuration.SMARTHOST} is empty" for name in _MAIL if settings.get(name)]
    elif settings.get(configuration.SMTP_PASSWORD) and not settings.get("CDB_SMTP_USER"):
        said.append(f"{configuration.SMTP_PASSWORD}: CDB_SMTP_USER is empty")
    elsewhere = _unread_in_containers(root) if way == "compose" else known_settings.OF_CONTAINERS
    reader = "only the native stack" if way == "compose" else "only the Docker stack"
    return said + [f"{name}: {reader} reads it" for name in sorted(elsewhere & settings.keys())]


def _unread_in_containers(root: Path) -> frozenset[str]:
    """Settings that docker-compose.yml passes to no container and does not use itself."""
    passed = set(re.findall(r"[A-Z][A-Z0-9_]+", (root / "docker-compose.yml").read_text(encoding="utf-8")))
    return known_settings.DOCUMENTED - passed
