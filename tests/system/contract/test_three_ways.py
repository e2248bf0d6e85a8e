"""The contract, every service's own page, the collector's exposition and Prometheus say the same of each metric."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from telemetry.contract import load_contract
from tests.support.bot import INSTANCES, Bot
from tests.support.frozen_metrics import FROZEN
from tests.system.contract.comparison import differences, moved
from tests.system.contract.evidence import MOVES_AT_REST, Evidence
from tests.system.contract.exposed import Key, Series, Side, series

pytestmark = pytest.mark.e2e

HAVE_A_VALUE = {"cdb_equity_usd", "cdb_max_drawdown_pct"}


def test_the_frozen_metrics_are_as_they_have_always_been() -> None:
    """Names, types, labels, bounds and help, in their order."""
    frozen = [metric for metric in load_contract().metrics if not metric.extension]
    assert [(m.prometheus, m.type, m.labels, m.buckets, m.brief) for m in frozen] == list(FROZEN)
    assert len(FROZEN) == 37


def test_every_side_shows_exactly_the_contract(evidence: Evidence) -> None:
    """Names, types, labels, bounds, help, and each series from the one service that records it; nothing besides."""
    found = [f"{side}: {line}" for side, lines in evidence.deviations(load_contract()).items() for line in lines]
    assert not found, "\n".join(found)


def test_prometheus_has_the_values_that_the_pages_show(evidence: Evidence) -> None:
    """The very same of every metric but the two that move while the bot is at rest, and the losses are among them."""
    assert differences(evidence.pages, evidence.stored, evidence.pages_after) == []
    assert moved(evidence.pages, evidence.pages_after) <= MOVES_AT_REST
    results = evidence.stored["cdb_trade_pnl_usd"].values
    assert [key for key, value in results.items() if key.bound == 0 and value > 0], "no trade was closed with a loss"


def test_every_page_has_at_least_ten_metrics(evidence: Evidence) -> None:
    assert {service: len(side) >= 10 for service, side in evidence.pages.items()} == dict.fromkeys(INSTANCES, True)


def test_all_37_are_in_prometheus(evidence: Evidence) -> None:
    assert {name for name, *_ in FROZEN} <= {name for name, shown in evidence.stored.items() if shown.values}


@pytest.mark.usefixtures("evidence")
def test_nothing_of_opentelemetry_or_of_a_conflict_shows_in_any_name_or_label(whole_bot: Bot) -> None:
    labels = whole_bot.prometheus("labels")
    names = whole_bot.prometheus("label/__name__/values")
    assert not [label for label in labels if label.startswith(("otel_scope", "exported_"))]
    assert not [name for name in names if name.startswith("otel_scope")]
    wrong = ("_ratio", "_percent", "_seconds_seconds", "_usd_USD", "_total_total")
    assert not [name for name in names if name.startswith("cdb") and name.endswith(wrong)]


def test_before_the_first_trade_exactly_the_known_series_are_there_as_0(
    beginning: Side, known_series: set[Series]
) -> None:
    """But for health, the limits, and what risk has done and measured; and equity, which has a value already.

    A service may have sent its first figures before the collector was there, and counts that.
    """
    assert {one for one in series(beginning) if one[0] not in HAVE_A_VALUE} == known_series
    values = {(name, value) for name, shown in beginning.items() for value in shown.values.values()}
    assert {name for name, value in values if value != 0} <= {
        "cdb_health_status",
        "cdb_risk_limit_pct",
        "cdb_telemetry_export_failures_total",
        *HAVE_A_VALUE,
        *MOVES_AT_REST,
    }
    assert ("cdb_health_status", 1.0) in values


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda values, key: {**values, key: values[key] + 1}, "must be {value:g}, is {more:g}"),
        (lambda values, key: {other: value for other, value in values.items() if other != key}, "it is missing"),
        (lambda values, key: {**values, replace(key, place=("cdb_services", "cdb_ws:8000")): 0}, "must not be there"),
    ],
    ids=["another value", "a series missing", "a series twice"],
)
def test_one_value_that_differs_is_found(
    evidence: Evidence, change: Callable[[Mapping[Key, float], Key], dict[Key, float]], finding: str
) -> None:
    """Of a histogram, too; the finding names the series."""
    for name in ("cdb_orders_received_total", "cdb_trade_pnl_usd", "cdb_open_positions"):
        shown = evidence.stored[name]
        key, value = max(shown.values.items(), key=lambda item: item[1])
        changed = {**evidence.stored, name: replace(shown, values=change(shown.values, key))}
        (found,) = differences(evidence.pages, changed, evidence.pages_after)
        assert found.startswith(f"{key.sample}{{")
        assert finding.format(value=value, more=value + 1) in found
