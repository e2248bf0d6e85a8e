"""Every alert fires when it should, says what it should, and is quiet otherwise; promtool computes it."""

from pathlib import Path

import pytest

from tests.integration.monitoring.alerts import (
    cases_feed,
    cases_market,
    cases_standing_still,
    cases_system,
    cases_telemetry,
    cases_trading,
)
from tests.integration.monitoring.alerts.promtool import Case, alerts, outcome

pytestmark = pytest.mark.integration

CASES = (
    *cases_trading.CASES,
    *cases_standing_still.CASES,
    *cases_market.CASES,
    *cases_feed.CASES,
    *cases_system.CASES,
    *cases_telemetry.CASES,
)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.alert}: {case.rule}" for case in CASES])
def test_alert(case: Case, tmp_path: Path) -> None:
    right, said = outcome([case], tmp_path)
    assert right, said


def test_every_alert_is_seen_firing_and_seen_quiet() -> None:
    for alert in alerts():
        seen = [firing for case in CASES if case.alert == alert for firing in case.at.values()]
        assert any(seen), alert
        assert not all(seen), alert
