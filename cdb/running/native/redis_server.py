"""The stack's own Redis."""

from cdb.running.configuration import redis_accounts
from cdb.running.native.config import StackConfig
from cdb.running.native.files import write_private
from cdb.running.native.ports import HOST
from cdb.running.native.tools import redis_server


def command(config: StackConfig) -> tuple[str, ...]:
    """Command line; the password is in the file that it names."""
    return (redis_server(), str(config.layout.redis_conf))


def provides(config: StackConfig) -> dict[str, str]:
    """How the other parts reach it."""
    return {"REDIS_HOST": str(config.layout.redis_socket)}


def prepare(config: StackConfig) -> None:
    """Write the configuration, readable by its owner only."""
    settings = {
        "bind": HOST,
        "port": str(config.ports.redis),
        "unixsocket": _quoted(str(config.layout.redis_socket)),
        "unixsocketperm": "700",
        "protected-mode": "yes",
        "requirepass": _quoted(config.environment["REDIS_PASSWORD"]),
        "dir": _quoted(str(config.layout.data_of("redis"))),
        "daemonize": "no",
        "logfile": '""',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    lines = [*(f"{name} {value}" for name, value in settings.items()), *redis_accounts(config.environment)]
    write_private(config.layout.redis_conf, "".join(f"{line}\n" for line in lines))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
