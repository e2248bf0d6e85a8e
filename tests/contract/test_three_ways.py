"""The contract, every service's own page, the collector's exposition and Prometheus say the same of each metric."""

import pytest

from telemetry.contract import load_contract
from tests.contract.comparing import differences, moved
from tests.contract.conftest import Series, series
from tests.contract.evidence import MOVES_AT_REST, Evidence, prometheus
from tests.contract.facts import INSTANCES
from tests.contract.frozen import FROZEN
from tests.contract.shown import Side
from tests.e2e.bot import Bot

pytestmark = pytest.mark.e2e

def test_the_frozen_metrics_are_as_they_have_always_been() -> None:
    """Names, types, labels, bounds and help, in their order."""
    contract = [(m.prometheus, m.type, m.labels, m.buckets, m.brief) for m in load_contract().metrics if not m.extension]
    assert contract == list(FROZEN)
    assert len(FROZEN) == 37


def test_every_side_shows_exactly_the_contract(evidence: Evidence) -> None:
    """Names, types, labels, bounds, help, and each series from the one service that records it; nothing besides."""
    assert {side: found for side, found in evidence.deviations(load_contract()).items() if found} == {}


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


def test_nothing_of_opentelemetry_or_of_a_conflict_shows_in_any_name_or_label(whole_bot: Bot, evidence: Evidence) -> None:
    labels = prometheus(whole_bot, "labels")
    names = prometheus(whole_bot, "label/__name__/values")
    assert not [label for label in labels if label.startswith(("otel_scope", "exported_"))]
    assert not [name for name in names if name.startswith("otel_scope")]
    wrong = ("_ratio", "_percent", "_seconds_seconds", "_usd_USD", "_total_total")
    assert not [name for name in names if name.startswith("cdb") and name.endswith(wrong)]


def test_before_the_first_trade_exactly_the_known_series_are_there_as_0(
    beginning: Side, known_series: set[Series]
) -> None:
    """But for health, and for what risk has done and measured."""
    assert series(beginning) == known_series
    values = {(name, value) for name, shown in beginning.items() for value in shown.values.values()}
    assert {name for name, value in values if value != 0} <= {"cdb_health_status", *MOVES_AT_REST}
    assert ("cdb_health_status", 1.0) in values
