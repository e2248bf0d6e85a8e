"""The stack's own Redis."""

import hashlib

from cdb.running.native.config import StackConfig
from cdb.running.native.files import write_private
from cdb.running.native.ports import HOST
from cdb.running.native.tools import redis_server


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
        "dir": _quoted(str(config.layout.data_of("redis"))),
        "daemonize": "no",
        "logfile": '""',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    accounts = monitoring_account(config.environment["CDB_MONITORING_PASSWORD"])
    lines = [*(f"{name} {value}" for name, value in settings.items()), accounts]
    write_private(config.layout.redis_conf, "".join(f"{line}\n" for line in lines))


def monitoring_account(password: str) -> str:
    """Return what the exporter's account may do: read figures, no key and no setting (one of these is the password)."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    return f"user monitoring on #{digest} -@all +ping +info +latency|latest +slowlog|len +slowlog|get +client|setname"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
