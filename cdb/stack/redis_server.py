"""The stack's own Redis."""

import os

from cdb.stack.config import StackConfig
from cdb.stack.ports import HOST
from cdb.stack.tools import redis_server


def command(config: StackConfig) -> tuple[str, ...]:
    """Return the server's command line; the password is in the file it names."""
    return (redis_server(), str(config.layout.redis_conf))


def prepare(config: StackConfig) -> None:
    """Write the configuration, readable by its owner only."""
    settings = {
        "bind": HOST,
        "port": str(config.ports.redis),
        "protected-mode": "yes",
        "requirepass": _quoted(config.environment["REDIS_PASSWORD"]),
        "dir": _quoted(str(config.layout.redis_data)),
        "daemonize": "no",
        "logfile": '""',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    write_private(config.layout.redis_conf, "".join(f"{name} {value}\n" for name, value in settings.items()))


def write_private(path: "os.PathLike[str]", text: str) -> None:
    """Write *text* to a file that was never readable for others."""
    partial = f"{os.fspath(path)}.new"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
    os.replace(partial, path)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
