"""The console's pages in a browser, as the containers serve them, and an operator's deed that goes through them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from cdb.running.native import envfile
from tests.support.browsing import running_browser
from tests.support.console_pages import DRAWN, PAGES, log_in, looked_at
from tests.support.paths import ROOT
from tests.system.containers.running import Containers


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="module")
def console(stack: Containers) -> str:
    """Where it is."""
    stack.wait_well()
    return f"http://localhost:{stack.ports.of('cdb_console')}"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_server_away_and_no_complaint_of_the_browser(browser: Browser, console: str, path: str) -> None:
    with looked_at(browser) as (page, complaints):
        answer = page.goto(f"{console}{path}")
        page.wait_for_function(DRAWN)
        assert answer is not None
        assert answer.status == 200
        assert page.locator(".problem:visible").all_inner_texts() == []
        assert page.locator("main h1").count() == 1
    assert complaints == []


def test_a_decision_leads_to_what_it_was_based_on(browser: Browser, console: str) -> None:
    with looked_at(browser) as (page, _):
        page.goto(f"{console}/decisions?verdict=approved")
        page.locator("#decisions a[href^='/decisions/']").first.click()
        expect(page.get_by_role("heading", name="What each layer answered")).to_be_visible()
        expect(page.get_by_text("docker compose logs")).to_be_visible()


def test_the_breaker_is_tripped_and_reset(browser: Browser, console: str) -> None:
    with looked_at(browser) as (page, _):
        page.goto(f"{console}/act/trip")
        log_in(page, envfile.read(ROOT / ".env")["CDB_CONSOLE_PASSWORD"])
        page.get_by_role("button", name="Trip the circuit breaker").click()
        expect(page.get_by_text("The circuit breaker has tripped")).to_be_visible()
        page.goto(f"{console}/act/reset")
        page.get_by_role("button", name="Reset the circuit breaker").click()
        expect(page.get_by_text("The circuit breaker is reset")).to_be_visible()
