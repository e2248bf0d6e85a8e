"""The table of parts: what runs, in the order in which it is shown."""

import sys

from cdb.running.native import (
    alertmanager,
    collector,
    exporters,
    grafana,
    jaeger,
    postgres,
    probes,
    prometheus,
    redis_server,
)
from cdb.running.native.config import Kind, Part, StackConfig


def _service(name: str, module: str, *secrets: str) -> Part:
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
        secrets=("REDIS_PASSWORD", "CDB_OTLP_TOKEN", *secrets),
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
        command=lambda _config: (sys.executable, "-m", "services.migrate"),
        needs=("postgres",),
        secrets=("POSTGRES_PASSWORD", "CDB_MONITORING_PASSWORD"),
    ),
    _service("cdb_ws", "services.ws", "MEXC_API_KEY", "MEXC_API_SECRET"),
    _service("cdb_core", "services.core"),
    _service("cdb_risk", "services.risk", "POSTGRES_PASSWORD"),
    _service("cdb_execution", "services.execution", "POSTGRES_PASSWORD"),
    Part(
        name="otel_collector",
        kind=Kind.SERVER,
        command=collector.command,
        environment=collector.environment,
        provides=collector.provides,
        probe=probes.http_ok("collector_health", "/"),
        ports=("exposition", "otlp_grpc", "otlp_http", "collector_telemetry", "collector_health"),
        secrets=("CDB_OTLP_TOKEN",),
        address="http://127.0.0.1:{port}/metrics, what Prometheus reads",
    ),
    Part(
        name="jaeger",
        kind=Kind.SERVER,
        command=jaeger.command,
        environment=jaeger.environment,
        probe=probes.http_ok("jaeger_health", "/status"),
        ports=(
            "jaeger",
            "jaeger_grpc",
            "jaeger_otlp_grpc",
            "jaeger_otlp_http",
            "jaeger_telemetry",
            "jaeger_health",
        ),
        address="http://127.0.0.1:{port}/api/traces, the traces that were kept",
    ),
    Part(
        name="redis_exporter",
        kind=Kind.SERVER,
        command=exporters.redis_command,
        prepare=exporters.prepare_redis,
        probe=probes.http_ok("redis_exporter", "/metrics", shows="redis_up 1"),
        ports=("redis_exporter",),
        needs=("redis",),
        packages=("prometheus-redis-exporter",),
        address="http://127.0.0.1:{port}/metrics",
    ),
    Part(
        name="postgres_exporter",
        kind=Kind.SERVER,
        command=exporters.postgres_command,
        environment=exporters.postgres_environment,
        prepare=exporters.prepare_postgres,
        probe=probes.http_ok("postgres_exporter", "/metrics", shows="pg_up 1"),
        ports=("postgres_exporter",),
        needs=("postgres", "migrate"),
        packages=("prometheus-postgres-exporter",),
        address="http://127.0.0.1:{port}/metrics",
    ),
    Part(
        name="prometheus",
        kind=Kind.SERVER,
        command=prometheus.command,
        prepare=prometheus.prepare,
        probe=probes.http_ok("prometheus", "/-/ready"),
        ports=("prometheus",),
        packages=("prometheus",),
        address="http://127.0.0.1:{port}/classic/targets and /classic/alerts",  # Debian has no other pages
    ),
    Part(
        name="alertmanager",
        kind=Kind.SERVER,
        command=alertmanager.command,
        prepare=alertmanager.prepare,
        probe=probes.http_ok("alertmanager", "/-/ready"),
        ports=("alertmanager",),
        packages=("prometheus-alertmanager",),
        address="http://127.0.0.1:{port}/api/v2/alerts, or cdb alerts",
    ),
    Part(
        name="alert_receiver",
        kind=Kind.SERVER,
        command=lambda _config: (sys.executable, "-m", "monitoring.receiver"),
        environment=lambda config: {"CDB_ALERT_RECEIVER_DATA": str(config.layout.alert_receiver_data)},
        probe=probes.http_health("alert_receiver"),
        ports=("alert_receiver",),
        address="http://127.0.0.1:{port}, every notification",
    ),
    Part(
        name="grafana",
        kind=Kind.SERVER,
        command=grafana.command,
        environment=grafana.environment,
        prepare=grafana.prepare,
        probe=probes.http_ok("grafana", "/api/health"),
        ports=("grafana",),
        address="http://127.0.0.1:{port}, user admin, password GRAFANA_PASSWORD in .env",
        available=grafana.installed,
    ),
)
TRADING = ("redis", "postgres", "migrate", "cdb_ws", "cdb_core", "cdb_risk", "cdb_execution")
"""The parts that trade; the others watch."""


def select(names: tuple[str, ...]) -> tuple[Part, ...]:
    """Return the parts called *names*, without a name all that are available; raise ValueError for an unknown one."""
    known = {part.name for part in ALL_PARTS}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no part is called {', '.join(unknown)}: there are {', '.join(p.name for p in ALL_PARTS)}")
    return tuple(part for part in ALL_PARTS if (part.name in names if names else part.available()))
