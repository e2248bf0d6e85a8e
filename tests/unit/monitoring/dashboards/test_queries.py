"""The committed queries that have to say something sensible also where there is nothing, tried with promtool."""

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from monitoring.dashboards.source.__main__ import FILES, ROOT
from tests.support.programs import promtool

TARGETS: Final[dict[tuple[str, str], str]] = {
    (panel["title"], target.get("legendFormat", "")): target["expr"]
    for name in FILES
    for panel in json.loads((ROOT / name).read_text(encoding="utf-8"))["panels"]
    for target in panel["targets"]
}
VARIABLES: Final = {"$symbol": ".*", "$__rate_interval": "1m", "$__range": "1h"}
AT: Final = "10m"  # every 15 s a sample: 41 of them
A_DAY_ON: Final = "25h"  # 6,001 of them

APPROVAL: Final = ("Order Approval Rate (%)", "approved")
OF_TRADABLE: Final = (APPROVAL[0], "approved, nothing to sell left out")
MEDIAN: Final = ("Signal Strength", "p50")
LATENCY: Final = ("p95 Event Processing by Service", "{{service}}")
ACTIVE: Final = ("Active Alerts", "")
RECENT: Final = ("Recent Alerts", "")
WS: Final = ("Service Health", "cdb_ws")
COLLECTOR: Final = ("Service Health", "collector")
JAEGER: Final = ("Service Health", "jaeger")
TO_ORDER: Final = ("Time from Trade to Order", "p50")
DRAWDOWN: Final = ("Drawdown", "below the peak of 24 h")
OF_A_DAY: Final = ("Best and Worst Symbols of 24 Hours", "")
REFUSED: Final = ("REST Answers", "refused")
ERRORS: Final = ("REST Answers", "errors")
INGESTED: Final = ("p95 Ingestion Latency", "{{source}}")
SKEW: Final = ("Exchange Clock Skew", "{{source}}")

UP: Final = 'up{job="cdb_services", instance="cdb_ws:8000"}'
OWN: Final = 'cdb_health_status{service="cdb_ws"}'
SHOWN: Final = 'up{job="otel_collector", instance="cdb_otel_collector:9464"}'
ITSELF: Final = 'up{job="otel_collector", instance="cdb_otel_collector:8888"}'
TRACES: Final = 'up{job="jaeger", instance="cdb_jaeger:8888"}'
FIRING: Final = 'ALERTS{alertname="ServiceDown", alertstate="firing", component="cdb_ws", severity="critical"}'
PENDING: Final = FIRING.replace("firing", "pending")


def decided(approved: str, all_of_them: str) -> dict[str, str]:
    """The series of a market in which signals are decided."""
    return {
        'cdb_orders_approved_total{symbol="BTCUSDT"}': approved,
        'cdb_signals_evaluated_total{symbol="BTCUSDT"}': all_of_them,
    }


def strengths(below_half: str, all_of_them: str) -> dict[str, str]:
    """The buckets of signals, some of a strength up to 0.4, the others up to 1."""
    name = 'cdb_signal_strength_bucket{symbol="BTCUSDT", le="%s"}'
    return {name % "0.4": below_half, name % "1": all_of_them, name % "+Inf": all_of_them}


def events(service: str, up_to_a_second: str, all_of_them: str) -> dict[str, str]:
    """The buckets of a service's events."""
    name = f'cdb_event_processing_duration_seconds_bucket{{service="{service}", le="%s"}}'
    return {name % "1": up_to_a_second, name % "+Inf": all_of_them}


def results(*bounds: str) -> dict[str, str]:
    """Sales of two symbols by their results: every 15 s one of each symbol in each bucket."""
    name = 'cdb_trade_pnl_usd_bucket{symbol="%s", le="%s"}'
    return {
        name % (symbol, bound): f"0+{count}x40"
        for symbol in "AB"
        for count, bound in enumerate((*bounds, "+Inf"), start=1)
    }


def orders(up_to_a_second: str, all_of_them: str) -> dict[str, str]:
    """The buckets of the times from a trade to its order."""
    name = 'cdb_trade_to_order_duration_seconds_bucket{le="%s"}'
    return {name % "1": up_to_a_second, name % "+Inf": all_of_them}


def earned(**by_symbol: str) -> dict[str, str]:
    """What each symbol has earned."""
    return {f'cdb_symbol_pnl_usd{{symbol="{symbol}"}}': values for symbol, values in by_symbol.items()}


def answers_of_rest(**by_status: str) -> dict[str, str]:
    """How often REST has answered with each status."""
    name = 'cdb_rest_requests_total{endpoint="/api/v3/trades", status_code="%s"}'
    return {name % status.removeprefix("_"): values for status, values in by_status.items()}


def nothing_to_sell(count: str) -> dict[str, str]:
    """The series of signals to sell what is not held."""
    return {'cdb_orders_rejected_total{symbol="BTCUSDT", reason_code="NO_POSITION"}': count}


Case = tuple[tuple[str, str], dict[str, str], dict[str, float]]
CASES: Final[dict[str, Case]] = {
    "nothing was ever decided: no share": (APPROVAL, decided("0x40", "0x40"), {}),
    "the share of the last minutes": (APPROVAL, decided("0x10 1+3x29", "0x10 1+4x29"), {"{}": 75}),
    "nothing decided lately: the share until then": (APPROVAL, decided("0 6x39", "0 10x39"), {"{}": 60}),
    "sales of nothing left out": (
        OF_TRADABLE,
        {**decided("0x10 1+3x29", "0x10 1+4x29"), **nothing_to_sell("0x10 0x29")},
        {"{}": 75},
    ),
    "half of what was decided were sales of nothing": (
        OF_TRADABLE,
        {**decided("0 3x39", "0 8x39"), **nothing_to_sell("0 4x39")},
        {"{}": 75},
    ),
    "only sales of nothing were decided: no share": (
        OF_TRADABLE,
        {**decided("0x40", "0 8x39"), **nothing_to_sell("0 8x39")},
        {},
    ),
    "there never was a signal: no strength": (MEDIAN, strengths("0x40", "0x40"), {}),
    "no signal lately: the strengths until then": (MEDIAN, strengths("0 1x39", "0 4x39"), {"{}": 0.6}),
    "a service without events has no curve": (
        LATENCY,
        {**events("cdb_risk", "0+9x40", "0+10x40"), **events("cdb_execution", "7x40", "7x40")},
        {'{service="cdb_risk"}': 1},
    ),
    "a bucket has what is above its lower and up to its upper bound": (
        ("Distribution of Results", "0 to 10"),
        results("-10", "0", "10"),
        {"{}": 80},
    ),
    "the lowest bucket has all below": (("Distribution of Results", "up to -1000"), results("-1000"), {"{}": 80}),
    "the highest bucket has all above": (("Distribution of Results", "over 1000"), results("1000"), {"{}": 80}),
    "the bounds as Prometheus 3 writes them": (
        ("Distribution of Results", "0 to 10"),
        results("-10.0", "0.0", "10.0"),
        {"{}": 80},
    ),
    "no position was closed yet: no bar": (("Distribution of Durations", "1s to 5s"), {}, {}),
    "there never was an order: no time": (TO_ORDER, orders("0x40", "0x40"), {}),
    "no order lately: the times until then": (TO_ORDER, orders("0 4x39", "0 4x39"), {"{}": 0.5}),
    "REST that refuses, and nothing else": (
        REFUSED,
        answers_of_rest(_200="0+1x40", _429="0+1x40", _418="0+1x40", _500="0+1x40", no_reply="0+1x40"),
        {"{}": 40},
    ),
    "every other status is an error, but for no reply": (
        ERRORS,
        answers_of_rest(_200="0+1x40", _429="0+1x40", _500="0+1x40", other="0+1x40", no_reply="0+1x40"),
        {"{}": 40},
    ),
    "REST that nobody asks: zero": (REFUSED, answers_of_rest(_429="0x40"), {"{}": 0}),
    "trades of two sources, one of them quiet": (
        INGESTED,
        {
            'cdb_data_ingestion_latency_seconds_bucket{source="mexc", le="0.5"}': "0+9x40",
            'cdb_data_ingestion_latency_seconds_bucket{source="mexc", le="+Inf"}': "0+10x40",
            'cdb_data_ingestion_latency_seconds_bucket{source="simulated", le="0.5"}': "7x40",
            'cdb_data_ingestion_latency_seconds_bucket{source="simulated", le="+Inf"}': "7x40",
        },
        {'{source="mexc"}': 0.5},
    ),
    "a clock that is behind": (
        SKEW,
        {'cdb_exchange_clock_skew_seconds{source="mexc"}': "-1.5x40"},
        {'{source="mexc"}': -1.5},
    ),
    "a market that is simulated has no clock": (SKEW, {}, {}),
    "equity below its peak": (DRAWDOWN, {"cdb_equity_usd": "100x10 200x10 150x20"}, {"{}": 25}),
    "equity at its peak": (DRAWDOWN, {"cdb_equity_usd": "100x10 200x30"}, {"{}": 0}),
    "no equity, no drawdown": (DRAWDOWN, {}, {}),
    "Prometheus has not stored a day: nothing of a day": (OF_A_DAY, earned(A="5x40"), {}),
    "no alert: zero": (ACTIVE, {}, {"{}": 0}),
    "a pending alert is none": (ACTIVE, {PENDING: "1x40"}, {"{}": 0}),
    "an alert that fires": (ACTIVE, {FIRING: "1x40"}, {"{}": 1}),
    "no alert: a row that says so": (RECENT, {PENDING: "1x40"}, {'{alertname="No alert fired in this time"}': 0}),
    "how long an alert fired that is over": (
        RECENT,
        {FIRING: "_x10 1x3 _x26"},
        {'{alertname="ServiceDown", component="cdb_ws", severity="critical"}': 60},
    ),
    "a service that answers and is well": (WS, {UP: "1x40", OWN: "1x40"}, {"{}": 1}),
    "a service that says it is ill": (WS, {UP: "1x40", OWN: "0x40"}, {"{}": 0}),
    "a service that does not answer": (WS, {UP: "0x40", OWN: "1x40"}, {"{}": 0}),
    "a service that is no target any more": (WS, {OWN: "1x40"}, {"{}": 0}),
    "a service whose figures do not arrive": (WS, {UP: "1x40"}, {"{}": 0}),
    "another service's health is no help": (WS, {UP: "1x40", OWN.replace("cdb_ws", "cdb_core"): "1x40"}, {"{}": 0}),
    "a collector of which both sides answer": (COLLECTOR, {SHOWN: "1x40", ITSELF: "1x40"}, {"{}": 1}),
    "a collector of which one side is no target": (COLLECTOR, {SHOWN: "1x40"}, {"{}": 0}),
    "a Jaeger that answers": (JAEGER, {TRACES: "1x40"}, {"{}": 1}),
    "a Jaeger that is no target": (JAEGER, {}, {"{}": 0}),
}


CASES_OF_A_DAY: Final[dict[str, Case]] = {
    "what was earned since yesterday": (OF_A_DAY, earned(A="5x400 12x5700"), {'{symbol="A"}': 7}),
    "a symbol that is new had earned nothing": (
        OF_A_DAY,
        earned(A="5x400 12x5700", B="_x5900 -3x200"),
        {'{symbol="A"}': 7, '{symbol="B"}': -3},
    ),
    "nobody knows what was earned before the bot was off": (OF_A_DAY, earned(A="5x100 _x400 12x5600"), {}),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_query_says(rule: str, tmp_path: Path) -> None:
    answers(CASES[rule], AT, tmp_path)


@pytest.mark.parametrize("rule", CASES_OF_A_DAY)
def test_a_query_says_a_day_later(rule: str, tmp_path: Path) -> None:
    answers(CASES_OF_A_DAY[rule], A_DAY_ON, tmp_path)


def answers(case: Case, at: str, folder: Path) -> None:
    """Let promtool try *case* at the time *at*."""
    target, series, wanted = case
    expression = TARGETS[target]
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    samples = [{"labels": labels, "value": value} for labels, value in wanted.items()]
    test = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expression, "eval_time": at, "exp_samples": samples}],
    }
    file = folder / "test.yml"
    file.write_text(yaml.safe_dump({"evaluation_interval": "15s", "tests": [test]}), encoding="utf-8")
    done = subprocess.run(
        [promtool(), "test", "rules", str(file)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
