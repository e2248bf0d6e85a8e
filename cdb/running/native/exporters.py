"""The exporters that show Redis and PostgreSQL to Prometheus; their accounts may only read figures."""

from pathlib import Path

from cdb.running.configuration import MONITORING_USER, redis_exporter_passwords
from cdb.running.native.config import StackConfig
from cdb.running.native.files import write_private
from cdb.running.native.ports import HOST
from cdb.running.native.tools import debian_program


def redis_command(config: StackConfig) -> tuple[str, ...]:
    """Command line of the Redis exporter; the password is in a file."""
    return (
        debian_program("prometheus-redis-exporter", package="prometheus-redis-exporter"),
        f"-web.listen-address={HOST}:{config.ports.redis_exporter}",
        f"-redis.addr=redis://{_redis_address(config)}",
        f"-redis.user={MONITORING_USER}",
        f"-redis.password-file={_redis_passwords(config)}",
        "-set-client-name=false",
        "-config-command=-",  # it would show the passwords, and is refused
        "-log-format=txt",
    )


def prepare_redis(config: StackConfig) -> None:
    """Write the password file, in the exporter's own form."""
    password = config.environment["CDB_MONITORING_PASSWORD"]
    write_private(_redis_passwords(config), redis_exporter_passwords(_redis_address(config), password))


def postgres_command(config: StackConfig) -> tuple[str, ...]:
    """Command line of the PostgreSQL exporter; its environment names the file of the password."""
    return (
        debian_program("prometheus-postgres-exporter", package="prometheus-postgres-exporter"),
        f"--web.listen-address={HOST}:{config.ports.postgres_exporter}",
        "--log.level=warn",
    )


def postgres_environment(config: StackConfig) -> dict[str, str]:
    """Where the server is, and which file holds the password."""
    database = config.environment["POSTGRES_DB"]
    return {
        "DATA_SOURCE_URI": f"{HOST}:{config.ports.postgres}/{database}?sslmode=disable",
        "DATA_SOURCE_USER": MONITORING_USER,
        "DATA_SOURCE_PASS_FILE": str(_postgres_password(config)),
    }


def prepare_postgres(config: StackConfig) -> None:
    """Write the password file."""
    write_private(_postgres_password(config), config.environment["CDB_MONITORING_PASSWORD"])


def _redis_address(config: StackConfig) -> str:
    return f"{HOST}:{config.ports.redis}"


def _redis_passwords(config: StackConfig) -> Path:
    return config.layout.exporters / "redis.json"


def _postgres_password(config: StackConfig) -> Path:
    return config.layout.exporters / "postgres"
