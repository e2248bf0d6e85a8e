"""System: what Prometheus says of the parts, and what is away."""

from pathlib import Path
from typing import Any

import pytest

from console.ground import Ground
from console.system.bus import _time
from console.system.doctor import checklist
from console.system.parts import parts, rules
from services.clock import WallClock
from tests.support.answers import prometheus_of, with_servers
from tests.support.consoles import client_of, ground_of

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return ground_of(tmp_path, WallClock())


def a_target(instance: str, health: str = "up", **more: Any) -> dict[str, Any]:
    return {
        "labels": {"instance": instance, "job": "cdb_services"},
        "health": health,
        "lastError": "",
        "lastScrape": "2026-12-01T09:41:17.124392889Z",
        "lastScrapeDuration": 0.0025,
        **more,
    }


def health(service: str, value: int) -> dict[str, Any]:
    return {"metric": {"service": service}, "value": [0, str(value)]}


def a_prometheus(*targets: dict[str, Any], healths: list[dict[str, Any]] | None = None, **more: Any) -> Any:
    query = {"resultType": "vector", "result": healths or []}
    return prometheus_of(targets={"activeTargets": targets}, query=query, **more)


def page(ground: Ground) -> str:
    answer = client_of(ground).get("/system")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_with_all_servers_away_the_page_names_each(ground: Ground) -> None:
    shown = page(ground)
    assert shown.count('<span class="bad">away</span>') == 5
    for name in ("Prometheus at http://127.0.0.1:1", "Alertmanager at", "Jaeger at", "Redis: ", "PostgreSQL: "):
        assert name in shown


def test_a_part_that_is_not_well_is_first_with_its_error(ground: Ground) -> None:
    down = a_target("cdb_ws:8000", "down", lastError="connection refused")
    answers = a_prometheus(
        a_target("cdb_core:8001"),
        down,
        a_target("cdb_risk:8002"),
        healths=[health("cdb_core", 1), health("cdb_risk", 0)],
    )
    found = parts(with_servers(ground, prometheus=answers).prometheus)
    assert [(one.instance, one.state, one.health) for one in found] == [
        ("cdb_risk:8002", "up", False),
        ("cdb_ws:8000", "down", None),
        ("cdb_core:8001", "up", True),
    ]
    assert found[1].error == "connection refused"
    assert found[0].last_scrape is not None
    assert found[0].took_s == 0.0025


def test_a_part_that_was_never_scraped_has_no_time_of_it(ground: Ground) -> None:
    answers = a_prometheus(a_target("cdb_ws:8000", "unknown", lastScrape="0001-01-01T00:00:00Z"))
    (found,) = parts(with_servers(ground, prometheus=answers).prometheus)
    assert found.last_scrape is None


def test_a_rule_that_cannot_be_evaluated_is_named_with_why(ground: Ground) -> None:
    group = {
        "name": "alerts",
        "rules": [
            {"name": "Good", "type": "alerting", "query": "up", "health": "ok"},
            {"name": "Bad", "type": "alerting", "query": "up", "health": "err", "lastError": "many-to-many"},
            {"name": "new:rule", "type": "recording", "query": "up"},
        ],
    }
    (found,) = rules(with_servers(ground, prometheus=prometheus_of(rules={"groups": [group]})).prometheus)
    assert (found.alerts, found.recordings, found.unknown, found.faults) == (2, 1, 1, [("Bad", "many-to-many")])


def test_what_prometheus_says_is_text_on_the_page(ground: Ground) -> None:
    group = {"name": HOSTILE, "rules": [{"name": HOSTILE, "type": "alerting", "query": "up", "health": "err"}]}
    answers = a_prometheus(a_target(HOSTILE, HOSTILE, lastError=HOSTILE), rules={"groups": [group]})
    shown = page(with_servers(ground, prometheus=answers))
    assert "<script>alert" not in shown
    assert shown.count("&lt;script&gt;") >= 4


def test_the_doctor_looks_at_what_needs_only_servers_and_names_the_rest(ground: Ground) -> None:
    found = checklist(ground, wait_s=10.0)
    assert found.found.value is not None
    assert {finding.verdict for finding in found.found.value.values()} == {"fail"}, "all servers are away"
    assert "a notification arrives" in found.others, "a page never sends one"
    assert "secrets are set, and none is a test's" in found.others
    assert not set(found.others) & found.found.value.keys()


def test_without_the_projects_files_what_needs_them_is_left_to_the_command(ground: Ground, tmp_path: Path) -> None:
    """A container of the console has neither rules nor targets."""
    others = checklist(ground, wait_s=10.0, root=tmp_path).others
    assert {"Prometheus reaches all its targets", "the alerts are loaded and evaluated"} <= set(others)


@pytest.mark.parametrize("entry_id", ["0-0", "99999999999999999-0"])
def test_an_id_that_is_no_time_has_none(entry_id: str) -> None:
    assert _time(entry_id) is None
