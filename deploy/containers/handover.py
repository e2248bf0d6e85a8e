"""Hand the secrets over to the containers, as files in volumes: `python -m deploy.containers.handover [VOLUME]`.

Compose copies secrets from .env into a container, which it cannot do if the container's root is read-only. So one
container gets them that way and writes each into a volume, which only those containers mount that need it. Only that
protects a file: any user of a container must be able to read its own.

Kubernetes mounts secrets itself. There an init container asks for one volume: that of a server whose file is made from
several secrets. `settings` asks for none: it only checks the settings of servers that are not ours.
"""

import hashlib
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from cdb.running import configuration, server_settings
from cdb.running.errors import StackError
from cdb.running.settings import read_settings
from services.topology import CONSOLE

SECRETS: Final = Path("/run/secrets")
HANDOVER: Final = Path("/handover")
COMMITTED: Final = Path("/app/monitoring/alertmanager")
ALERTMANAGER_CONF: Final = Path("/etc/alertmanager")
ALERTMANAGER_FILE: Final = "alertmanager.yml"
REDIS_ADDRESS: Final = "cdb_redis:6379"
NEEDED: Final = {
    "redis": "REDIS_PASSWORD",
    "postgres": "POSTGRES_PASSWORD",
    "otlp": "CDB_OTLP_TOKEN",
    "operator": "CDB_OPERATOR_TOKEN",
    "monitoring": "CDB_MONITORING_PASSWORD",
    "reader": "CDB_READER_PASSWORD",
    "console": "CDB_CONSOLE_PASSWORD",
    "grafana": "GRAFANA_PASSWORD",
}
"""For each volume the secret that is in it, in a file called as its variable is."""
MADE_FROM: Final = {
    "redis": ("REDIS_PASSWORD", "CDB_MONITORING_PASSWORD", "CDB_READER_PASSWORD"),
    "monitoring": ("CDB_MONITORING_PASSWORD",),
    "alertmanager": (),
    "settings": (),
}
"""What can be asked for alone, and the secrets that it needs."""
VOLUMES: Final = frozenset({*NEEDED, "alertmanager"})
_OPTIONAL: Final = (configuration.SLACK_URL, configuration.SMTP_PASSWORD)


def read_secrets(folder: Path, needed: Iterable[str] = tuple(NEEDED.values())) -> dict[str, str]:
    """Read what is mounted in *folder*; raises StackError naming a secret that is missing or wrong."""
    found = {name: _content(folder / name) for name in (*needed, *_OPTIONAL)}
    for name, value in found.items():
        if not value and name not in _OPTIONAL:
            raise StackError(f"{name} is empty: `make env` writes it into .env")
        if not value.isprintable():
            raise StackError(f"{name} has a control character: only printable characters are allowed")
    _refuse_misspelt(found)
    return found


def files(
    secrets: Mapping[str, str],
    settings: Mapping[str, str],
    committed: Path,
    *,
    volumes: Collection[str] = VOLUMES,
) -> dict[Path, str]:
    """Make each file's content for *volumes*, by its path below the directory of all volumes.

    *committed* is the directory of Alertmanager's configuration. Raises StackError naming a wrong setting, or a file
    that may not be read.
    """
    handed = {Path(volume, name): secrets[name] for volume, name in NEEDED.items() if volume in volumes}
    if "redis" in volumes:
        handed[Path("redis/users.acl")] = _redis_accounts(secrets)
    if "monitoring" in volumes:
        handed[Path("monitoring/redis_exporter.json")] = configuration.redis_exporter_passwords(
            _redis_address(settings), secrets["CDB_MONITORING_PASSWORD"]
        )
    if "alertmanager" not in volumes:
        return handed
    try:
        return handed | _alertmanager(secrets, settings, committed)
    except PermissionError as error:
        raise StackError(
            f"{error.filename} cannot be read by user {os.geteuid()}, who works in the containers: in the checkout, "
            "run chmod -R a+rX deploy monitoring otel-collector"
        ) from error


def write(handed: Mapping[Path, str], folder: Path) -> None:
    """Make *handed* all the files of its volumes below *folder*, each whole at every moment. Raises StackError."""
    try:
        for path, text in handed.items():
            _replace(folder / path, text)
        for volume in {path.parts[0] for path in handed}:
            for old in (folder / volume).rglob("*"):
                if old.is_file() and old.relative_to(folder) not in handed:
                    old.unlink()
    except OSError as error:
        raise StackError(f"{error.filename} cannot be written: {error.strerror}") from error


def main() -> None:
    """Write all files, or those of the volume that is asked for, or end with one line that says what is wrong."""
    try:
        server_settings.refuse_unreadable_in_containers(os.environ)
        handed = _asked_for(sys.argv[1:])
        write(handed, HANDOVER)
    except StackError as error:
        sys.exit(f"handover failed: {error}")
    sys.stdout.write(f"{len(handed)} files are in their volumes\n")


def _asked_for(words: list[str]) -> dict[Path, str]:
    if not words:
        return files(read_secrets(SECRETS), os.environ, COMMITTED)
    [word, *more] = words
    if more or word not in MADE_FROM:
        raise StackError(f"{' '.join(words)!r} cannot be asked for: one of {', '.join(MADE_FROM)} can")
    return files(read_secrets(SECRETS, MADE_FROM[word]), os.environ, COMMITTED, volumes={word})


def _content(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""  # Compose copies no empty secret


def _refuse_misspelt(found: Mapping[str, str]) -> None:
    """Those that were not read count as well spelt."""
    read_settings(server_settings.Secrets, dict.fromkeys(NEEDED.values(), "x") | dict(found))


def _redis_address(settings: Mapping[str, str]) -> str:
    """Where Redis is: Compose's name for it unless REDIS_HOST says another."""
    host = settings.get("REDIS_HOST")
    return f"{host}:{settings['REDIS_PORT']}" if host else REDIS_ADDRESS


def _webhook(settings: Mapping[str, str]) -> str:
    """Where Alertmanager sends notifications: to Compose's name of the console unless CDB_CONSOLE_HOST says another."""
    return f"http://{settings.get('CDB_CONSOLE_HOST') or CONSOLE.name}:{CONSOLE.port}/webhook"


def _redis_accounts(secrets: Mapping[str, str]) -> str:
    password = hashlib.sha256(secrets["REDIS_PASSWORD"].encode()).hexdigest()
    accounts = (f"user default on #{password} ~* &* +@all", *configuration.redis_accounts(secrets))
    return "".join(f"{account}\n" for account in accounts)


def _alertmanager(secrets: Mapping[str, str], settings: Mapping[str, str], committed: Path) -> dict[Path, str]:
    place = Path("alertmanager")
    text = (committed / ALERTMANAGER_FILE).read_text(encoding="utf-8")
    effective: dict[str, Any] = configuration.alertmanager(
        yaml.safe_load(text), {**settings, **secrets}, ALERTMANAGER_CONF, webhook=_webhook(settings)
    )
    handed = {place / ALERTMANAGER_FILE: yaml.safe_dump(effective)}
    for template in sorted((committed / "templates").iterdir()):
        handed[place / "templates" / template.name] = template.read_text(encoding="utf-8")
    return handed | {place / name: secrets[name] for name in _OPTIONAL if secrets[name]}


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name(f"{path.name}.new")
    partial.write_text(text, encoding="utf-8")
    partial.chmod(0o444)
    partial.replace(path)


if __name__ == "__main__":
    main()
