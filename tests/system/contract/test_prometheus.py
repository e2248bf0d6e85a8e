"""Prometheus sees every part, and the accounts of its exporters can do nothing else."""

from contextlib import closing

import psycopg2
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from tests.support.bot import INSTANCES, Bot
from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.e2e

TARGETS = {
    **dict.fromkeys(INSTANCES.values(), "cdb_services"),
    "cdb_otel_collector:9464": "otel_collector",
    "cdb_otel_collector:8888": "otel_collector",
    "cdb_redis_exporter:9121": "redis",
    "cdb_postgres_exporter:9187": "postgres",
    "cdb_jaeger:8888": "jaeger",
    "cdb_prometheus:9090": "prometheus",
    "cdb_alertmanager:9093": "alertmanager",
}
ACCOUNT = "monitoring"


def value_of(bot: Bot, query: str) -> dict[str, float]:
    """The values of *query* by instance."""
    found = bot.prometheus("query", query=query)["result"]
    return {one["metric"].get("instance", ""): float(one["value"][1]) for one in found}


def test_every_target_is_up(whole_bot: Bot) -> None:
    """Each under its container's name, whatever its address here; and there are no others."""

    def targets() -> dict[str, tuple[str, str, str]]:
        active = whole_bot.prometheus("targets")["activeTargets"]
        return {one["labels"]["instance"]: (one["labels"]["job"], one["health"], one["lastError"]) for one in active}

    wanted = {instance: (job, "up", "") for instance, job in TARGETS.items()}
    until(targets, holds=lambda seen: seen == wanted, what="all targets up")


def test_prometheus_has_its_alertmanager(whole_bot: Bot) -> None:
    def found() -> list[str]:
        return [one["url"] for one in whole_bot.prometheus("alertmanagers")["activeAlertmanagers"]]

    wanted = [whole_bot.url("alertmanager", "/api/v2/alerts")]
    until(found, holds=lambda seen: seen == wanted, what=f"Alertmanager at {wanted}")


def test_of_a_services_own_page_only_the_process_is_stored(whole_bot: Bot) -> None:
    """Its cdb_* would go into the very series that come through the collector."""
    until_of_every_service(whole_bot, "process_resident_memory_bytes")
    kept = until_of_every_service(whole_bot, "scrape_samples_post_metric_relabeling")
    for service, instance in INSTANCES.items():
        families = text_string_to_metric_families(whole_bot.ask(service, "/metrics")[1])
        samples = [sample.name for family in families for sample in family.samples]
        assert kept[instance] == len([name for name in samples if not name.startswith("cdb_")])


def until_of_every_service(bot: Bot, name: str) -> dict[str, float]:
    """Wait until Prometheus has *name* from every service's own page, and return its values."""
    return until(
        lambda: value_of(bot, f'{name}{{job="cdb_services"}}'),
        holds=lambda seen: set(seen) == set(INSTANCES.values()),
        what=f"{name} of every service",
    )


def test_memory_of_redis_has_the_name_people_query_beside_the_exporters(whole_bot: Bot) -> None:
    """The rule is evaluated on what was scraped before, so that is what it is compared with."""
    until(lambda: value_of(whole_bot, "redis_used_memory_bytes"), what="redis_used_memory_bytes")
    same = "redis_used_memory_bytes == on(instance, job) last_over_time(redis_memory_used_bytes[1m])"
    until(lambda: value_of(whole_bot, same), holds=lambda seen: list(seen) == ["cdb_redis_exporter:9121"], what="equal")


def test_exporters_show_their_servers(whole_bot: Bot) -> None:
    until(lambda: value_of(whole_bot, "redis_up"), holds=lambda seen: seen == {"cdb_redis_exporter:9121": 1})
    until(lambda: value_of(whole_bot, "pg_up"), holds=lambda seen: seen == {"cdb_postgres_exporter:9187": 1})


@pytest.mark.parametrize(
    "command",
    [
        ("GET", "market_data"),
        ("KEYS", "*"),
        ("SCAN", "0"),
        ("XRANGE", "market_data", "-", "+"),
        ("XADD", "market_data", "*", "data", "x"),
        ("SET", "a", "b"),
        ("DEL", "market_data"),
        ("FLUSHALL",),
        ("CONFIG", "GET", "requirepass"),
        ("CONFIG", "SET", "maxmemory", "1"),
        ("ACL", "LIST"),
        ("EVAL", "return 1", "0"),
        ("MONITOR",),
        ("SHUTDOWN", "NOSAVE"),
    ],
    ids=" ".join,
)
def test_redis_exporters_account_reads_no_key_and_no_setting(whole_bot: Bot, command: tuple[str, ...]) -> None:
    config = whole_bot.stack.config
    password = config.environment["CDB_MONITORING_PASSWORD"]
    with closing(redis.Redis(port=config.ports.redis, username=ACCOUNT, password=password)) as client:
        assert client.ping()
        with pytest.raises(redis.exceptions.NoPermissionError, match="no permissions"):
            client.execute_command(*command)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM {table}",
        "SELECT count(*) FROM {table}",
        "INSERT INTO {table} DEFAULT VALUES",
        "UPDATE {table} SET {column} = DEFAULT",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
        "COPY {table} TO STDOUT",
    ],
)
def test_postgres_exporters_account_reads_no_row_of_the_ledger(whole_bot: Bot, statement: str) -> None:
    """Of no table, those included that later migrations add."""
    found = whole_bot.query(
        "SELECT table_name, table_type, min(column_name) FROM information_schema.columns "
        "JOIN information_schema.tables USING (table_schema, table_name) WHERE table_schema = 'public' GROUP BY 1, 2"
    )
    assert {"fills", "orders", "closed_trades"} <= {table for table, *_ in found}
    for table, kind, column in found:
        if kind == "VIEW" and not statement.startswith(("SELECT", "COPY")):
            continue  # nobody can change it
        assert_refused(whole_bot, statement.format(table=table, column=column))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a int)",
        "CREATE ROLE another",
        "ALTER SYSTEM SET log_statement = 'all'",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/hostname')",
        "SELECT * FROM pg_authid",
    ],
)
def test_postgres_exporters_account_changes_nothing_and_reads_no_file(whole_bot: Bot, statement: str) -> None:
    assert_refused(whole_bot, statement)


def assert_refused(bot: Bot, statement: str) -> None:
    """Fail unless PostgreSQL refuses *statement* to the exporter's account for want of rights."""
    config = bot.stack.config
    with (
        closing(
            psycopg2.connect(
                host="127.0.0.1",
                port=config.ports.postgres,
                user=ACCOUNT,
                password=config.environment["CDB_MONITORING_PASSWORD"],
                dbname=config.environment["POSTGRES_DB"],
            )
        ) as connection,
        connection.cursor() as cursor,
    ):
        connection.autocommit = True
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)


def test_it_shows_every_runbook_as_it_is(whole_bot: Bot) -> None:
    """Dashboards lead there. They are templates to Prometheus, so a runbook with `{{` would come out changed."""
    runbooks = sorted((ROOT / "monitoring/runbooks").glob("*.md"))
    assert runbooks
    for file in runbooks:
        assert whole_bot.ask("prometheus", f"/consoles/{file.name}") == (200, file.read_text(encoding="utf-8"))
