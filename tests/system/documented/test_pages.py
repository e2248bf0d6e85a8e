"""What a person sees in a browser who looks after the bot: targets, alerts, and what was received of them."""

from itertools import pairwise

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsing import look, opened, rows, settled
from tests.support.waiting import until
from tests.system.contract.test_prometheus import TARGETS
from tests.system.documented.documented_stack import Documented

pytestmark = pytest.mark.e2e

PROMETHEUS = "http://localhost:19090"
ALERTS = "http://localhost:8010/alerts"
WITHIN_S = 120.0
BREACH = {"DailyDrawdownLimitExceeded", "CircuitBreakerActivated"}


@pytest.fixture(scope="module", autouse=True)
def breached(stack: Documented) -> None:
    """Let the account lose more than it may."""
    trigger = "curl -s -X POST http://localhost:8002/test/trigger-drawdown"
    until(lambda: stack.shell(trigger).stdout, holds=lambda said: "drawdown" in said, what="an answer to the trigger")


def test_the_targets_page_shows_every_target_up(browser: Browser) -> None:
    def targets() -> dict[str, str]:
        with opened(browser, f"{PROMETHEUS}/targets") as (page, _):
            settled(page)
            return {" ".join(labels.split()): state for _, labels, _, state in rows(page, "tr:has(a)")}

    def expected(seen: dict[str, str]) -> bool:
        return seen.keys() >= wanted and set(seen.values()) == {"UP"}

    wanted = {f'instance="{instance}" job="{job}"' for instance, job in TARGETS.items()}
    until(targets, holds=expected, within_s=WITHIN_S, what="the targets page")


def test_the_alerts_page_shows_which_fire_and_which_do_not(browser: Browser) -> None:
    def alerts() -> dict[str, str]:
        lines = look(browser, f"{PROMETHEUS}/alerts").text.split("\n\n")
        return {name: state if "(" in state else "inactive" for name, state in pairwise(lines)}

    wanted = {**dict.fromkeys(BREACH, "FIRING (1)"), "RedisUnavailable": "inactive", "CollectorDown": "inactive"}
    until(alerts, holds=lambda seen: seen.items() >= wanted.items(), within_s=WITHIN_S, what="the alerts page")


def test_the_console_shows_what_was_received_and_where_to_go_on(browser: Browser) -> None:
    def received() -> list[str]:
        with opened(browser, ALERTS) as (page, status):
            assert status == 200
            return page.locator("article").all_inner_texts()

    def expected(seen: list[str]) -> bool:
        return all(any(name in one and one.startswith("FIRING") for one in seen) for name in BREACH)

    seen = until(received, holds=expected, within_s=WITHIN_S, what="the page of alerts")
    drawdown = next(one for one in seen if "DailyDrawdownLimitExceeded" in one)
    assert "critical" in drawdown
    assert "%" in drawdown
    assert "in Prometheus" in drawdown


@pytest.mark.parametrize(
    ("link", "address", "shows"),
    [
        ("in Prometheus", f"{PROMETHEUS}/**", 'cdb_daily_drawdown_pct{instance="cdb_risk:8002"'),
        ("dashboard", "http://localhost:8010/d/cdb-risk-alerts", "Risk & Alerts"),
        ("what to do", "http://localhost:8010/runbooks/**", "DailyDrawdownLimitExceeded"),
    ],
    ids=["expression", "dashboard", "runbook"],
)
def test_a_notification_leads_to_what_it_is_about(browser: Browser, link: str, address: str, shows: str) -> None:
    with opened(browser, ALERTS) as (page, _):
        article = page.locator("article", has_text="DailyDrawdownLimitExceeded").first
        article.get_by_text(link).click(timeout=WITHIN_S * 1000)
        page.wait_for_url(address)
        expect(page.get_by_text(shows).first).to_be_visible(timeout=WITHIN_S * 1000)
