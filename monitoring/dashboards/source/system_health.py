"""System Health: what runs, how fast it is, and what it uses."""

from typing import Final

from monitoring.dashboards.source import links
from monitoring.dashboards.source.board import board
from monitoring.dashboards.source.panels import GREEN, RED, About, AnyPanel, Query, limit_line, stat_panel, time_panel
from monitoring.dashboards.source.sdk import common, dashboard, kinds
from services import topology

UID: Final = "cdb-system-health"
_SERVICES: Final = {service.name: service.instance for service in topology.SERVICES}
_SIGNAL_TRACES: Final = topology.RISK.name
_NO_EXCHANGE: Final = "no live exchange"
"""What a panel says of a figure that only a live exchange has."""
_COLLECTOR: Final = ("cdb_otel_collector:9464", "cdb_otel_collector:8888")


def build() -> dashboard.Dashboard:
    """Build the dashboard."""
    return board(
        "System Health",
        UID,
        refresh="15s",
        description="The services, the servers they use, and what watches them.",
        panels=[_health(), *_events(), *_servers(), *_connection(), *_answers(), *_resources()],
    )


def _health() -> AnyPanel:
    return stat_panel(
        About(
            title="Service Health",
            description=(
                "HEALTHY: it answers, and its own check is passed. DOWN: it does not, its check fails, or nobody "
                "measures it any more."
            ),
            width=24,
            height=5,
            steps=((None, RED), (1, GREEN)),
            texts={"1": ("HEALTHY", GREEN), "0": ("DOWN", RED)},
            runbooks=(
                "ServiceDown",
                "ServiceWithoutStandby",
                "RedisUnavailable",
                "DatabaseConnectionFailures",
                "CollectorDown",
            ),
        ),
        *(Query(_service(name, instance), name) for name, instance in _SERVICES.items()),
        Query("min(redis_up) or vector(0)", "redis"),
        Query("min(pg_up) or vector(0)", "postgres"),
        Query(_up("prometheus", "cdb_prometheus:9090"), "prometheus"),
        Query(_up("otel_collector", *_COLLECTOR), "collector"),
        Query(_up("jaeger", "cdb_jaeger:8888"), "jaeger"),
    )


def _service(name: str, instance: str) -> str:
    answers = f'min(up{{job="cdb_services", instance="{instance}"}})'
    return f'{answers} * min(cdb_health_status{{service="{name}"}}) or vector(0)'


def _up(job: str, *instances: str) -> str:
    """1 if all targets answer, else 0; a missing target makes the product empty."""
    return " * ".join(f'min(up{{job="{job}", instance="{one}"}})' for one in instances) + " or vector(0)"


def _events() -> list[AnyPanel]:
    slow = time_panel(
        About(
            title="p95 Event Processing by Service",
            description=(
                "19 of 20 events take no longer, over 5 minutes. Milliseconds are normal; above the line at 1 s the "
                "service falls behind. A point leads to its trace. A service without events has no curve."
            ),
            unit="s",
            width=12,
            height=8,
            runbooks=("HighEventProcessingLatency",),
        ),
        Query(_p95("cdb_event_processing_duration_seconds", by="service"), "{{service}}", exemplars=True),
        line=1.0,
    )
    orders = time_panel(
        About(
            title="Time from Trade to Order",
            description=(
                "From the market's trade that a signal is made of to the order that the ledger has, through cdb_ws, "
                "cdb_core and cdb_risk: the median, and what 19 of 20 and 99 of 100 orders do not exceed. Over 5 "
                "minutes; while there are no orders, since cdb_risk started. Tens of milliseconds are normal; where it "
                "is more, the panel above says which service is slow. A point leads to its trace."
            ),
            unit="s",
            width=24,
            height=8,
            runbooks=("HighEventProcessingLatency",),
        ),
        *(Query(_trade_to_order(share), f"p{100 * share:.0f}", exemplars=True) for share in (0.5, 0.95, 0.99)),
    )
    for curves in (slow, orders):
        # From milliseconds to seconds: on an even scale most curves would lie on the axis.
        curves.scale_distribution(common.ScaleDistributionConfig().type(kinds.ScaleDistribution.LOG).log(10))
    return [
        slow.data_links([links.slow_traces()]),
        time_panel(
            About(
                title="Events per Second by Service",
                description=(
                    "What each service works off. cdb_ws, cdb_core and cdb_risk follow the market together; one that "
                    "falls to 0 alone is stuck, all at once have no market data."
                ),
                unit="cps",
                width=12,
                height=8,
                low=0,
                runbooks=("StaleMarketData", "ServiceDown"),
            ),
            Query(
                "sum by (service) (rate(cdb_event_processing_duration_seconds_count[$__rate_interval]))",
                "{{service}}",
            ),
        ),
        orders.data_links([links.slow_traces(_SIGNAL_TRACES)]),
        time_panel(
            About(
                title="Error Rate by Service",
                description=(
                    "Errors per second of the two services that count them, over 5 minutes. 0 is normal; their sum "
                    "above the line at 0.1 for 5 minutes is an alert."
                ),
                unit="cps",
                width=12,
                height=8,
                low=0,
                runbooks=("HighErrorRate",),
            ),
            Query("sum(rate(cdb_signal_errors_total[5m])) or vector(0)", "cdb_core"),
            Query("sum(rate(cdb_execution_errors_total[5m])) or vector(0)", "cdb_execution"),
            line=0.1,
        ),
    ]


def _p95(histogram: str, *, by: str) -> str:
    # Without events a quantile is NaN, which is not >= 0.
    return f"histogram_quantile(0.95, sum by ({by}, le) (rate({histogram}_bucket[5m]))) >= 0"


def _trade_to_order(share: float) -> str:
    # Without events a quantile is NaN, which is not >= 0.
    buckets = "cdb_trade_to_order_duration_seconds_bucket"
    recent = f"histogram_quantile({share}, sum by (le) (rate({buckets}[5m]))) >= 0"
    return f"{recent} or histogram_quantile({share}, sum by (le) ({buckets})) >= 0"


def _servers() -> list[AnyPanel]:
    connections = time_panel(
        About(
            title="PostgreSQL Connections",
            description=(
                "Open connections. A handful is normal; at the dashed line, 80 % of what the server allows, somebody "
                "does not close theirs."
            ),
            width=12,
            height=8,
            low=0,
            decimals=0,
            runbooks=("DatabaseConnectionFailures",),
        ),
        Query("sum(pg_stat_database_numbackends)", "connections"),
        Query("0.8 * max(pg_settings_max_connections)", "80 % of max_connections"),
    )
    return [
        time_panel(
            About(
                title="Redis Memory (MB)",
                description=(
                    "What the bus keeps in memory. Its streams are trimmed, so it levels off; one that grows for hours "
                    "has a group that does not acknowledge."
                ),
                unit="decmbytes",
                height=8,
                low=0,
                runbooks=("RedisUnavailable",),
            ),
            Query("sum(redis_used_memory_bytes) / 1e6", "used"),
        ),
        time_panel(
            About(
                title="Redis Commands per Second",
                description=(
                    "What the services ask of the bus. It follows the market; near 0 nobody reads, a jump without more "
                    "events is a service that turns in circles."
                ),
                unit="ops",
                height=8,
                low=0,
                runbooks=("RedisUnavailable",),
            ),
            Query("sum(rate(redis_commands_processed_total[$__rate_interval]))", "commands"),
        ),
        connections.override_by_name("80 % of max_connections", limit_line()),
        time_panel(
            About(
                title="PostgreSQL Transactions per Second",
                description=(
                    "What is written to and read from the ledger. It follows decisions and the services' own checks; "
                    "many rolled back are statements that fail."
                ),
                unit="ops",
                width=12,
                height=8,
                low=0,
                runbooks=("DatabaseConnectionFailures",),
            ),
            Query("sum(rate(pg_stat_database_xact_commit[$__rate_interval]))", "committed"),
            Query("sum(rate(pg_stat_database_xact_rollback[$__rate_interval]))", "rolled back"),
        ),
    ]


def _connection() -> list[AnyPanel]:
    return [
        time_panel(
            About(
                title="Exchange Connections",
                description=(
                    "Open WebSocket connections to the exchange, one for each 30 symbols, and how often one was opened "
                    "again within 5 minutes. Each is replaced once a day; more reconnections are losses. All is 0 with "
                    "a simulated market; with an exchange, 0 open means that no trades come."
                ),
                width=8,
                height=8,
                low=0,
                runbooks=("FeedReconnecting", "StaleMarketData"),
            ),
            Query("sum(cdb_websocket_connections_active)", "open"),
            Query("sum(increase(cdb_websocket_reconnects_total[5m]))", "opened again"),
        ),
        time_panel(
            About(
                title="Gaps in the Feed",
                description=(
                    "Time in which no connection told the trades, over 5 minutes, all symbols added up: what REST has "
                    "filled, and what it no longer had. Filled gaps are harmless; one that is not filled is an alert. "
                    "0 is normal."
                ),
                unit="s",
                width=8,
                height=8,
                low=0,
                runbooks=("FeedGapNotFilled", "FeedReconnecting"),
            ),
            Query('sum(increase(cdb_feed_gap_seconds_total{result="filled"}[5m]))', "filled"),
            Query('sum(increase(cdb_feed_gap_seconds_total{result="not_filled"}[5m]))', "not filled"),
        ),
        time_panel(
            About(
                title="Trades Filled and Dropped",
                description=(
                    "Trades per second that REST told before any connection did, and those that were dropped because "
                    "a connection had told them before. On MEXC REST is asked once a minute for the newest trades of "
                    "each symbol and may be quicker, so a few filled are normal there."
                ),
                unit="cps",
                width=8,
                height=8,
                low=0,
                runbooks=("FeedGapNotFilled",),
            ),
            Query("sum(rate(cdb_feed_gap_trades_filled_total[5m]))", "filled by REST"),
            Query("sum(rate(cdb_feed_duplicates_dropped_total[5m]))", "dropped as told before"),
        ),
    ]


def _answers() -> list[AnyPanel]:
    return [
        time_panel(
            About(
                title="Unreadable Frames",
                description=(
                    "Frames of the exchange that cdb_ws could not read, within 5 minutes, by reason. 0 is normal. Many "
                    "mean that the exchange has changed its protocol: the log of cdb_ws shows what came."
                ),
                height=8,
                low=0,
                runbooks=("FeedReconnecting",),
            ),
            Query("sum by (reason) (increase(cdb_feed_frames_unreadable_total[5m]))", "{{reason}}"),
        ),
        time_panel(
            About(
                title="REST Answers",
                description=(
                    "What the exchange has answered to requests within 5 minutes. Refused are the statuses 429, 418 "
                    "and 403: too many requests from this address; cdb_ws then waits as long as it is told. Errors and "
                    "no reply are repeated; while they last, gaps stay open."
                ),
                height=8,
                low=0,
                runbooks=("FeedGapNotFilled",),
            ),
            Query(_requests('status_code="200"'), "answered"),
            Query(_requests('status_code=~"403|418|429"'), "refused"),
            Query(_requests('status_code!~"200|403|418|429|no_reply"'), "errors"),
            Query(_requests('status_code="no_reply"'), "no reply"),
        ),
        time_panel(
            About(
                title="Exchange Clock Skew",
                description=(
                    "By how much the exchange's clock is ahead of ours (below 0: behind), measured once a minute. "
                    "Tenths of a second are normal; more than 1 s for 3 minutes is an alert. The times of trades are "
                    "corrected by it. A simulated market has no clock of its own."
                ),
                unit="s",
                height=8,
                no_value=_NO_EXCHANGE,
                runbooks=("ExchangeClockSkew", "ClockSkew"),
            ),
            Query("max by (source) (cdb_exchange_clock_skew_seconds)", "{{source}}"),
        ),
        time_panel(
            About(
                title="p95 Ingestion Latency",
                description=(
                    "19 of 20 trades are on the bus no later than this after the exchange's time, over 5 minutes. "
                    "Tenths of a second are normal for an exchange, milliseconds for a simulated market. Trades that "
                    "REST tells after a gap count with their age; it shows 1 s at most."
                ),
                unit="s",
                height=8,
                low=0,
                runbooks=("StaleMarketData", "ExchangeClockSkew"),
            ),
            Query(_p95("cdb_data_ingestion_latency_seconds", by="source"), "{{source}}"),
        ),
    ]


def _requests(answered: str) -> str:
    return f"sum(increase(cdb_rest_requests_total{{{answered}}}[5m]))"


def _resources() -> list[AnyPanel]:
    # The collector names its own in its own way.
    processor = (
        'process_cpu_seconds_total{job="cdb_services"}',
        'otelcol_process_cpu_seconds{job="otel_collector"}',
    )
    memory = (
        'process_resident_memory_bytes{job="cdb_services"}',
        'otelcol_process_memory_rss{job="otel_collector"}',
    )
    return [
        time_panel(
            About(
                title="CPU by Service",
                description=(
                    "In percent of one processor core. Single digits are normal; 100 is a service that can do no more "
                    "and falls behind, 0 one that has stopped."
                ),
                unit="percent",
                width=12,
                height=8,
                low=0,
            ),
            *(Query(_by_service(f"100 * rate({series}[$__rate_interval])"), "{{service}}") for series in processor),
        ),
        time_panel(
            About(
                title="Memory by Service",
                description=(
                    "What each process holds in memory. It levels off within minutes; one that grows for hours is a "
                    "leak."
                ),
                unit="bytes",
                width=12,
                height=8,
                low=0,
            ),
            *(Query(_by_service(series), "{{service}}") for series in memory),
        ),
    ]


def _by_service(expression: str) -> str:
    return f'sum by (service) (label_replace({expression}, "service", "$1", "instance", "(.+):.+"))'
