"""The table of parts: what runs, in the order in which it is shown. Prometheus and the others join here."""

import sys

from cdb.stack import postgres, probes, redis_server
from cdb.stack.config import Kind, Part, StackConfig


def _service(name: str, module: str) -> Part:
    def command(_config: StackConfig) -> tuple[str, ...]:
        return (sys.executable, "-m", module)

    return Part(
        name=name,
        kind=Kind.SERVICE,
        command=command,
        probe=probes.http_health(name),
        ports=(name,),
        needs=("redis", "postgres", "migrate"),
        address="http://127.0.0.1:{port}/health and /metrics",
    )


ALL_PARTS: tuple[Part, ...] = (
    Part(
        name="redis",
        kind=Kind.SERVER,
        command=redis_server.command,
        prepare=redis_server.prepare,
        data_dir=lambda config: config.layout.redis_data,
        probe=probes.redis_ping,
        ports=("redis",),
        packages=("redis-server",),
        address="127.0.0.1:{port}, password REDIS_PASSWORD in .env",
    ),
    Part(
        name="postgres",
        kind=Kind.SERVER,
        command=postgres.command,
        prepare=postgres.prepare,
        data_dir=postgres.data_dir,
        user=postgres.server_user,
        probe=probes.postgres_connect,
        ports=("postgres",),
        stop_signal="INT",  # fast: TERM would wait for every client to leave
        packages=("postgresql",),
        address="127.0.0.1:{port}, user and password in .env",
    ),
    Part(
        name="migrate",
        kind=Kind.ONE_SHOT,
        command=lambda _config: (sys.executable, "-m", "services.ledger.migrate"),
        needs=("postgres",),
    ),
    _service("cdb_ws", "services.ws"),
    _service("cdb_core", "services.core"),
    _service("cdb_risk", "services.risk"),
    _service("cdb_execution", "services.execution"),
)


def select(names: tuple[str, ...]) -> tuple[Part, ...]:
    """Return the parts called *names*, all without a name; raise ValueError naming an unknown one."""
    known = {part.name for part in ALL_PARTS}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no part is called {', '.join(unknown)}: there are {', '.join(p.name for p in ALL_PARTS)}")
    return tuple(part for part in ALL_PARTS if not names or part.name in names)
