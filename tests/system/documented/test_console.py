"""The console in a browser: every page, without a fault that keeps somebody out, on a wide screen and on a phone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.support.console_pages import CONSOLE, PAGES, Scheme, log_in, looked_at
from tests.support.waiting import until
from tests.system.documented.documented_stack import Documented

pytestmark = pytest.mark.e2e

SERIOUS: Final = {"serious", "critical"}
every_page: Final = pytest.mark.parametrize("path", PAGES)


@pytest.fixture(autouse=True)
def calm(stack: Documented) -> None:
    """The account as it is without what other tests have tried."""
    stack.shell("curl -s -X POST http://localhost:8002/test/reset; cdb breaker reset --yes")


@contextmanager
def shown(
    browser: Browser, path: str, *, width: int = 1280, scheme: Scheme = "dark"
) -> Iterator[tuple[Page, list[str]]]:
    """Open *path*; yields the page and what the browser complains about."""
    with looked_at(browser, width=width, scheme=scheme) as (page, complaints):
        answer = page.goto(f"{CONSOLE}{path}")
        assert answer is not None
        assert answer.status == 200
        yield page, complaints


@every_page
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_page_opens_without_a_complaint_of_the_browser_or_of_axe(browser: Browser, path: str, scheme: Scheme) -> None:
    with shown(browser, path, scheme=scheme) as (page, complaints):
        page.wait_for_load_state("networkidle")
        violations = [one for one in Axe().run(page).response["violations"] if one["impact"] in SERIOUS]
        found = [f"{one['id']}: {node['html']:.200}" for one in violations for node in one["nodes"]]
    assert not found, "\n".join(found)
    assert not complaints


@every_page
def test_a_page_fits_a_phone(browser: Browser, path: str) -> None:
    with shown(browser, path, width=360) as (page, _):
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@every_page
def test_a_page_works_without_scripts(browser: Browser, path: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        answer = page.goto(f"{CONSOLE}{path}")
        assert answer is not None
        assert answer.status == 200
        assert page.locator("main h1").count() == 1


def test_the_menu_leads_to_every_page_by_keyboard(browser: Browser) -> None:
    with shown(browser, "/") as (page, _):
        names = page.locator(".bar nav a").all_inner_texts()
        assert len(names) == 8
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to the content")
        for name in names:
            page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True).focus()
            page.keyboard.press("Enter")
            expect(page.locator(".bar nav a[aria-current=page]")).to_have_text(name)


def test_a_page_renews_itself_and_says_so_when_the_console_is_away(stack: Documented, browser: Browser) -> None:
    with shown(browser, "/") as (page, _):
        page.wait_for_load_state("networkidle")
        stack.stop_part("cdb_console")
        expect(page.get_by_text("The console does not answer since")).to_be_visible(timeout=60_000)
        assert page.locator("main h1").inner_text() == "Overview"
        stack.start_part("cdb_console")
        expect(page.get_by_text("The console does not answer since")).to_be_hidden(timeout=60_000)


def test_a_server_that_is_away_is_named_and_the_rest_of_the_page_stays(stack: Documented, browser: Browser) -> None:
    with shown(browser, "/alerts") as (page, _):
        stack.stop_part("alertmanager")
        try:
            expect(page.get_by_text("Alertmanager at http").first).to_be_visible(timeout=60_000)
            assert page.get_by_role("heading", name="Notifications").is_visible()
        finally:
            stack.start_part("alertmanager")
        expect(page.get_by_text("Alertmanager at http").first).to_be_hidden(timeout=60_000)


@pytest.mark.parametrize("path", ["/act/trip", "/act/flatten", "/act/discard", "/act/silence?fingerprint=x"])
def test_nobody_acts_without_a_login(browser: Browser, path: str) -> None:
    with shown(browser, path) as (page, _):
        assert page.get_by_label("Password").is_visible()


def test_a_wrong_password_is_told_and_the_right_one_leads_on(stack: Documented, browser: Browser) -> None:
    with shown(browser, "/act/trip") as (page, _):
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_contain_text("CDB_CONSOLE_PASSWORD")
        log_in(page, stack.secret("CDB_CONSOLE_PASSWORD"))
        expect(page.locator("h1")).to_have_text("Trip the circuit breaker")


def test_the_breaker_is_tripped_and_reset_and_both_are_in_the_ledger(stack: Documented, browser: Browser) -> None:
    with shown(browser, "/act/trip") as (page, _):
        log_in(page, stack.secret("CDB_CONSOLE_PASSWORD"))
        page.get_by_label("Why").fill("trying the breaker")
        page.get_by_role("button", name="Trip the circuit breaker").click()
        expect(page.get_by_text("The circuit breaker has tripped")).to_be_visible()
        assert '"active":true' in stack.shell("cdb breaker status --json").stdout
        act(page, "reset", "Reset the circuit breaker", "The circuit breaker is reset")
        assert '"active":false' in stack.shell("cdb breaker status --json").stdout
        page.goto(CONSOLE)
        expect(page.locator("#actions")).to_contain_text("trying the breaker")
    assert_audited(stack)


def test_all_positions_are_closed(stack: Documented, browser: Browser) -> None:
    with shown(browser, "/act/trip") as (page, _):
        log_in(page, stack.secret("CDB_CONSOLE_PASSWORD"))
        until(lambda: held(stack) and is_held_while_stalled(stack), within_s=180, what="a position")
        act(page, "flatten", "Close all positions", "Orders to sell were placed")
        until(lambda: held(stack), holds=lambda number: not number, what="no position")
    assert_audited(stack)


def test_a_dead_letter_is_sent_again_and_then_discarded(stack: Documented, browser: Browser) -> None:
    bus = f"REDISCLI_AUTH={stack.secret('REDIS_PASSWORD')} redis-cli -p 16379"
    stack.shell(f"{bus} XADD signals '*' data 'no signal <b>at all</b>'")
    with shown(browser, "/act/trip") as (page, _):
        log_in(page, stack.secret("CDB_CONSOLE_PASSWORD"))

        def letters() -> str:
            page.goto(f"{CONSOLE}/system")
            return page.locator("#letters").text_content() or ""

        assert "no signal <b>at all</b>" in until(letters, holds=lambda said: "no signal" in said, what="the letter")
        before = stack.shell(f"{bus} XLEN dead_letters").stdout
        page.locator("#letters").get_by_role("link", name="send again…", exact=True).first.click()
        page.get_by_role("button", name="Send again").click()
        expect(page.get_by_text("Sent again: 1.")).to_be_visible()
        until(
            lambda: stack.shell(f"{bus} XLEN dead_letters").stdout,
            holds=lambda now: now == before,
            what="it comes back",
        )
        act(page, "discard", "Discard all dead letters", "Discarded: ")
        assert stack.shell(f"{bus} XLEN dead_letters").stdout.strip() == "0"
    assert_audited(stack)


def act(page: Page, what: str, button: str, said: str) -> None:
    """Do *what*, and wait for the word that it is done."""
    page.goto(f"{CONSOLE}/act/{what}")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_text(said)).to_be_visible()


def is_held_while_stalled(stack: Documented) -> bool:
    """Let no trade come for a while, so that no strategy buys or sells; whether something is held then."""
    stack.shell("curl -s -X POST 'http://localhost:8000/test/scenario?kind=stall&seconds=40'")
    return held(stack) > 0


def held(stack: Documented) -> int:
    """How many positions the account holds."""
    return stack.shell("cdb positions --json").stdout.count('"symbol"')


def assert_audited(stack: Documented) -> None:
    done = stack.shell("cdb audit")
    assert done.returncode == 0, done.stdout
