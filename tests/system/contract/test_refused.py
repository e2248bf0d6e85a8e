"""What is not in the contract does not reach the exposition: the real collector, sent right and wrong points."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.contract import load_contract
from tests.support.collectors import OPENMETRICS, Collector, fetch, running_collector
from tests.support.points import all_wrong, point, send
from tests.system.contract.comparison import deviations
from tests.system.contract.exposed import exposition, openmetrics
from tests.system.contract.facts import EXPOSED, facts
from tests.system.contract.valid_points import valid_points

pytestmark = pytest.mark.integration

CONTRACT = load_contract()


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    with running_collector(tmp_path / "log") as running:
        yield running


def test_right_points_arrive_under_the_names_and_with_the_help_of_the_contract(collector: Collector) -> None:
    """The sender's help text is none of them."""
    send(collector.endpoint, valid_points(CONTRACT))
    assert deviations(facts(CONTRACT), exposition(collector.exposition()), EXPOSED) == []
    strict = fetch(collector.ports.exposition, "/metrics", accept=OPENMETRICS)
    assert deviations(facts(CONTRACT), openmetrics(strict), EXPOSED) == []


def test_no_wrong_point_arrives(collector: Collector) -> None:
    """Unknown names, labels too many, too few or others, other types and bounds: nothing, not even target_info."""
    for what, sent in all_wrong(CONTRACT):
        send(collector.endpoint, {"cdb_ws": [sent]})
        assert collector.exposition() == "", what


def test_the_right_points_of_a_request_arrive_without_its_wrong_ones(collector: Collector) -> None:
    """Whether the wrong ones come first or last."""
    wrong = [sent for _, sent in all_wrong(CONTRACT)]
    requests = valid_points(CONTRACT)
    half = len(wrong) // 2
    send(
        collector.endpoint,
        {service: [*wrong[:half], *points, *wrong[half:]] for service, points in requests.items()},
    )
    assert deviations(facts(CONTRACT), exposition(collector.exposition()), EXPOSED) == []


def test_no_name_comes_in_beside_the_dotted_ones(collector: Collector) -> None:
    """A point that already has the name that Prometheus knows would pass for one that was renamed."""
    named = [point(metric, name=metric.prometheus) for metric in CONTRACT.metrics]
    send(collector.endpoint, {"cdb_ws": named})
    assert collector.exposition() == ""
