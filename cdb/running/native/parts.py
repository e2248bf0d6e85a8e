"""What a stack is made of, in the order in which it is shown."""

import sys
from collections.abc import Callable
from dataclasses import replace

from cdb.running.errors import StackError
from cdb.running.native import (
    alertmanager,
    collector,
    console,
    exporters,
    grafana,
    jaeger,
    postgres,
    probes,
    prometheus,
    redis_server,
)
from cdb.running.native.config import Kind, Part, StackConfig
from cdb.running.native.tools import ALERTMANAGER, COLLECTOR, JAEGER, PROMETHEUS, unless_debians
from services.topology import CONSOLE, NAMES, RISK, SERVICES, Service


def _module(name: str) -> Callable[[StackConfig], tuple[str, ...]]:
    return lambda _config: (sys.executable, "-m", name)


def _service(service: Service) -> Part:
    ledger = ("POSTGRES_PASSWORD",) if service.ledger else ()
    operator = ("CDB_OPERATOR_TOKEN",) if service == RISK else ()
    exchange = () if service.reads else ("MEXC_API_KEY", "MEXC_API_SECRET")  # whoever reads no stream has a source
    return Part(
        service.name,
        kind=Kind.SERVICE,
        command=_module(service.module),
        probe=probes.http_ok(service.name),
        ports=(service.name,),
        needs=("redis", "postgres", "migrate"),
        address="http://127.0.0.1:{port}/health and /metrics",
        secrets=("REDIS_PASSWORD", "CDB_OTLP_TOKEN", *exchange, *ledger, *operator),
    )


def _standby(service: Service) -> Part:
    """A second copy: the same program on another port."""
    return replace(
        _service(service),
        name=service.standby,
        probe=probes.http_ok(service.standby),
        ports=(service.standby,),
        environment=lambda config: {service.port_variable: str(config.ports.of(service.standby))},
        available=lambda: False,
    )


ALL_PARTS: tuple[Part, ...] = (
    Part(
        "redis",
        command=redis_server.command,
        prepare=redis_server.prepare,
        provides=redis_server.provides,
        data_dir=lambda config: config.layout.data_of("redis"),
        probe=probes.redis_ping,
        ports=("redis",),
        packages=("redis-server",),
        address="127.0.0.1:{port}, password REDIS_PASSWORD in .env",
    ),
    Part(
        "postgres",
        command=postgres.command,
        prepare=postgres.prepare,
        provides=postgres.provides,
        data_dir=postgres.data_dir,
        user=postgres.server_user,
        probe=probes.postgres_connect,
        ports=("postgres",),
        stop_signal="INT",  # fast: TERM would wait for every client to leave
        packages=("postgresql",),
        address="127.0.0.1:{port}, user and password in .env",
    ),
    Part(
        "migrate",
        kind=Kind.ONE_SHOT,
        command=_module("services.migrate"),
        needs=("postgres",),
        secrets=("POSTGRES_PASSWORD", "CDB_MONITORING_PASSWORD", "CDB_READER_PASSWORD"),
    ),
    *(_service(service) for service in SERVICES),
    *(_standby(service) for service in SERVICES),
    Part(
        "otel_collector",
        built=lambda: COLLECTOR,
        command=collector.command,
        environment=collector.environment,
        provides=collector.provides,
        probe=probes.http_ok("collector_health", "/"),
        ports=("exposition", "otlp_grpc", "otlp_http", "collector_telemetry", "collector_health"),
        secrets=("CDB_OTLP_TOKEN",),
        address="http://127.0.0.1:{port}/metrics, what Prometheus reads",
    ),
    Part(
        "redis_exporter",
        yields=True,
        command=exporters.redis_command,
        prepare=exporters.prepare_redis,
        probe=probes.http_ok("redis_exporter", "/metrics", shows="redis_up 1"),
        ports=("redis_exporter",),
        needs=("redis",),
        packages=("prometheus-redis-exporter",),
        address="http://127.0.0.1:{port}/metrics",
    ),
    Part(
        "postgres_exporter",
        yields=True,
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
        "prometheus",
        yields=True,
        built=lambda: unless_debians(PROMETHEUS),
        command=prometheus.command,
        prepare=prometheus.prepare,
        probe=probes.http_ok("prometheus", "/-/ready"),
        ports=("prometheus",),
        address="http://127.0.0.1:{port}/targets, /alerts and /graph",
    ),
    Part(
        "alertmanager",
        yields=True,
        built=lambda: unless_debians(ALERTMANAGER),
        command=alertmanager.command,
        prepare=alertmanager.prepare,
        probe=probes.http_ok("alertmanager", "/-/ready"),
        ports=("alertmanager",),
        address="http://127.0.0.1:{port}/api/v2/alerts; alerts: cdb_console, or cdb alerts",
    ),
    Part(
        "jaeger",
        yields=True,
        built=lambda: JAEGER,
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
        address="http://127.0.0.1:{port}/api/services; traces: cdb_console, or cdb trace",
    ),
    Part(
        CONSOLE.name,
        yields=True,
        command=_module(CONSOLE.module),
        environment=console.environment,
        probe=probes.http_ok(CONSOLE.name),
        ports=(CONSOLE.name,),
        secrets=("CDB_CONSOLE_PASSWORD", "CDB_READER_PASSWORD", "CDB_OPERATOR_TOKEN"),
        address="http://localhost:{port}",
    ),
    Part(
        "grafana",
        yields=True,
        command=grafana.command,
        environment=grafana.environment,
        prepare=grafana.prepare,
        probe=probes.http_ok("grafana", "/api/health"),
        ports=("grafana",),
        address="http://127.0.0.1:{port}, user admin, password GRAFANA_PASSWORD in .env",
        available=grafana.installed,
    ),
)
TRADING = ("redis", "postgres", "migrate", *NAMES)
"""The parts that trade; the others watch."""


def with_needs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Add to *names* the parts that they need, and what those need."""
    needed = tuple(name for part in select(names) if names for name in part.needs if name not in names)
    return with_needs((*names, *dict.fromkeys(needed))) if needed else names


def with_standbys(names: tuple[str, ...]) -> tuple[str, ...]:
    """Add to *names*, or to all that are available, a second copy of each service."""
    chosen = tuple(part.name for part in select(names))
    return (*chosen, *(service.standby for service in SERVICES if service.name in chosen))


def select(names: tuple[str, ...]) -> tuple[Part, ...]:
    """Choose parts by name; without a name, all that are available here. Raises StackError for an unknown name."""
    known = {part.name for part in ALL_PARTS}
    if unknown := [name for name in names if name not in known]:
        raise StackError(f"unknown part {', '.join(unknown)}; known: {', '.join(p.name for p in ALL_PARTS)}")
    return tuple(part for part in ALL_PARTS if (part.name in names if names else part.available()))
