"""Mistakes in what is asked: names, labels, and expressions that cannot be meant."""

from typing import Final

from tests.support.copies import ALERTS, CONTRACT, HEALTH, NAMES, OTHER_METRICS, RISK, TRADING, Replaced, query
from tests.unit.cdb.check.mutation import Mutation, panel_of, target

SUM_FIRST: Final = "rate(sum(redis_commands_processed_total)[$__rate_interval:])"

NAMES_AND_LABELS: Final = (
    Mutation(
        "a metric renamed in the contract",
        Replaced(CONTRACT, "cdb_daily_drawdown_pct", "cdb_daily_drawdown_percent", once=False),
        ALERTS,
        "alert DailyDrawdownLimitExceeded",
        "there is no metric cdb_daily_drawdown_pct",
        "cdb_daily_drawdown_percent",
    ),
    Mutation(
        "a renamed metric, in a panel",
        Replaced(CONTRACT, "cdb_daily_drawdown_pct", "cdb_daily_drawdown_percent", once=False),
        RISK,
        panel_of("Daily Drawdown"),
        "there is no metric cdb_daily_drawdown_pct",
        "cdb_daily_drawdown_percent",
    ),
    Mutation(
        "a misspelt metric",
        query(TRADING, "Total Signals", "cdb_signals_generated_total", "cdb_signal_generated_total"),
        TRADING,
        panel_of("Total Signals"),
        "there is no metric cdb_signal_generated_total",
        "cdb_signals_generated_total",
    ),
    Mutation(
        "a histogram without its suffix",
        Replaced(ALERTS, "cdb_cumulative_pnl_usd > 1000", "cdb_trade_pnl_usd > 1000"),
        ALERTS,
        "alert PositivePnLMilestone",
        "cdb_trade_pnl_usd is a histogram",
        "cdb_trade_pnl_usd_sum",
    ),
    Mutation(
        "a misspelt label in by",
        query(HEALTH, "Events per Second by Service", "by (service)", "by (sevice)"),
        HEALTH,
        panel_of("Events per Second by Service"),
        "has no label sevice",
        "service",
    ),
    Mutation(
        "a misspelt label in a matcher",
        query(TRADING, "Orders Approved", "{symbol=~", "{symbl=~"),
        TRADING,
        panel_of("Orders Approved"),
        "cdb_orders_approved_total has no label symbl",
        "symbol",
    ),
    Mutation(
        "a misspelt label in on",
        Replaced(ALERTS, "unless on (service) cdb_health_status", "unless on (servce) cdb_health_status"),
        ALERTS,
        "alert ServiceMetricsMissing",
        "cdb_health_status has no label servce",
        "service",
    ),
    Mutation(
        "a misspelt source of label_replace",
        query(HEALTH, "Memory by Service", '"instance"', '"instanze"'),
        HEALTH,
        panel_of("Memory by Service"),
        "label_replace: process_resident_memory_bytes has no label instanze",
        "instance",
    ),
    Mutation(
        "a misspelt label in a legend",
        target(TRADING, "Top Traded Symbols", legendFormat="{{symbl}}"),
        TRADING,
        panel_of("Top Traded Symbols"),
        "legend asks for the label symbl",
        "symbol",
    ),
    Mutation(
        "a label that the sum has taken away, in a summary",
        Replaced(ALERTS, "summary: cdb_core and cdb_execution have many", 'summary: "{{ $labels.service }} has"  # '),
        ALERTS,
        "alert HighErrorRate",
        "$labels.service: what it alerts on has no such label",
    ),
    Mutation(
        "a label value that does not exist",
        query(RISK, "Violations by Risk Layer", 'layer="6"', 'layer="0"'),
        RISK,
        panel_of("Violations by Risk Layer"),
        "cdb_risk_violations_total has no layer='0'",
        "one of 1, 2, 3",
    ),
    Mutation(
        "a service that does not exist",
        query(HEALTH, "Service Health", 'service="cdb_execution"', 'service="cdb_executor"'),
        HEALTH,
        panel_of("Service Health"),
        "cdb_health_status has no service='cdb_executor'",
        "cdb_execution",
    ),
    Mutation(
        "a target that is not scraped",
        Replaced(ALERTS, 'instance="cdb_risk:8002"', 'instance="cdb_risk:8001"'),
        ALERTS,
        "alert ServiceDown",
        "up has no instance='cdb_risk:8001'",
        "cdb_risk:8002",
    ),
    Mutation(
        "an alert that does not exist, in a panel about alerts",
        query(RISK, "Active Alerts", "ALERTS{", 'ALERTS{alertname="ServicesDown",'),
        RISK,
        panel_of("Active Alerts"),
        "ALERTS has no alertname='ServicesDown'",
        "ServiceDown",
    ),
    Mutation(
        "a recording rule on a metric that does not exist",
        Replaced(NAMES, "expr: redis_memory_used_bytes", "expr: redis_memory_use_bytes"),
        NAMES,
        "record redis_used_memory_bytes",
        "there is no metric redis_memory_use_bytes",
        "redis_memory_used_bytes",
    ),
    Mutation(
        "a recording rule that is gone",
        Replaced(NAMES, "record: redis_used_memory_bytes", "record: redis_memory_bytes"),
        HEALTH,
        panel_of("Redis Memory (MB)"),
        "there is no metric redis_used_memory_bytes",
        "redis_memory_bytes",
    ),
    Mutation(
        "a metric of others that is not listed",
        Replaced(OTHER_METRICS, "pg_stat_database_numbackends", "pg_stat_database_backends"),
        HEALTH,
        panel_of("PostgreSQL Connections"),
        "there is no metric pg_stat_database_numbackends",
        "pg_stat_database_backends",
    ),
    Mutation(
        "a variable's query on a metric that does not exist",
        Replaced(
            TRADING, "label_values(cdb_signals_generated_total", "label_values(cdb_signals_made_total", once=False
        ),
        TRADING,
        "variable $symbol",
        "there is no metric cdb_signals_made_total",
        "",
    ),
    Mutation(
        "a variable that the dashboard does not have",
        query(TRADING, "Total Signals", "$symbol", "$symbols"),
        TRADING,
        panel_of("Total Signals"),
        "$symbols is not a variable of Trading Overview",
        "$symbol",
    ),
    Mutation(
        "a query in a runbook on a metric that does not exist",
        Replaced(
            "monitoring/runbooks/StaleMarketData.md", "cdb_data_staleness_seconds", "cdb_data_age_seconds", once=False
        ),
        "monitoring/runbooks/StaleMarketData.md",
        "cdb_data_age_seconds",
        "there is no metric cdb_data_age_seconds",
        "",
    ),
)

MEANING: Final = (
    Mutation(
        "rate of a gauge",
        query(RISK, "Total Exposure History", "cdb_total_exposure_pct", "rate(cdb_total_exposure_pct[5m])"),
        RISK,
        panel_of("Total Exposure History"),
        "cdb_total_exposure_pct is a gauge and has no rate",
        "delta",
    ),
    Mutation(
        "rate of a sum that can fall",
        query(RISK, "Position Exposure by Symbol", "cdb_symbol_pnl_usd", "increase(cdb_trade_pnl_usd_sum[1h])"),
        RISK,
        panel_of("Position Exposure by Symbol"),
        "cdb_trade_pnl_usd_sum is a gauge and has no increase",
    ),
    Mutation(
        "rate of what is summed up already",
        query(
            HEALTH,
            "Redis Commands per Second",
            "sum(rate(redis_commands_processed_total[$__rate_interval]))",
            SUM_FIRST,
        ),
        HEALTH,
        panel_of("Redis Commands per Second"),
        "rate of a sum sees no restart",
    ),
    Mutation(
        "delta of a counter",
        query(HEALTH, "PostgreSQL Transactions per Second", "rate(", "delta("),
        HEALTH,
        panel_of("PostgreSQL Transactions per Second"),
        "pg_stat_database_xact_commit is a counter and has no delta",
        "rate or increase",
    ),
    Mutation(
        "a rate over less than two scrapes",
        query(TRADING, "Signals per Minute", "$__rate_interval", "20s"),
        TRADING,
        panel_of("Signals per Minute"),
        "rate over 20 s never has two values",
    ),
    Mutation(
        "a quantile without le",
        Replaced(ALERTS, "sum by (service, le) (rate(cdb_event", "sum by (service) (rate(cdb_event"),
        ALERTS,
        "alert HighEventProcessingLatency",
        "histogram_quantile: its argument has lost the label le",
    ),
    Mutation(
        "a quantile in percent",
        Replaced(ALERTS, "histogram_quantile(0.95", "histogram_quantile(95"),
        ALERTS,
        "alert HighEventProcessingLatency",
        "the quantile 95 is not between 0 and 1",
        "0.95",
    ),
    Mutation(
        "two metrics added whose series never meet",
        Replaced(
            ALERTS,
            "(sum(rate(cdb_signal_errors_total[5m])) or vector(0))\n"
            "          + (sum(rate(cdb_execution_errors_total[5m])) or vector(0))",
            "rate(cdb_signal_errors_total[5m]) + rate(cdb_execution_errors_total[5m])",
        ),
        ALERTS,
        "alert HighErrorRate",
        "no series on the two sides of + can meet: instance is cdb_core:8001 on the left",
    ),
    Mutation(
        "a gauge and a counter with other labels divided",
        query(
            RISK, "Total Exposure", "max(cdb_total_exposure_pct)", "cdb_total_exposure_pct / cdb_orders_received_total"
        ),
        RISK,
        panel_of("Total Exposure"),
        "no series on the two sides of / can meet: the left side has the labels (instance, job)",
    ),
    Mutation(
        "a set of labels that does not exist",
        Replaced(ALERTS, "expr: cdb_cumulative_pnl_usd", 'expr: cdb_dead_letters_total{stream="orders", reason="x"}'),
        ALERTS,
        "alert PositivePnLMilestone",
        "cdb_dead_letters_total has no reason='x'",
    ),
    Mutation(
        "an expression that is none",
        Replaced(ALERTS, "cdb_data_staleness_seconds > 30", "cdb_data_staleness_seconds >> 30"),
        ALERTS,
        "alert StaleMarketData",
        "is not PromQL for promql-parser",
    ),
)
