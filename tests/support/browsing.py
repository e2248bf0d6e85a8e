"""Debian's Chromium without a window, and what a person sees in it."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.programs import required_program

WIDTH: Final = 1200
# Without the sandbox, which root cannot have and which takes more rights than some users have: the only pages that this
# browser can reach are the stack's.
_PATIENCE_MS: Final = 60_000
_LOOK_AGAIN_MS: Final = 150
_SAME: Final = 4
_LOOKS: Final = 60
_ARGUMENTS: Final = ("--no-sandbox", "--disable-lcd-text")


@dataclass(frozen=True)
class ShownPage:
    """A page as it was shown."""

    status: int
    text: str


@contextmanager
def running_browser(place: Path, within: Callable[[str], list[str]] = lambda program: [program]) -> Iterator[Browser]:
    """Run a browser; *place* takes the script that starts it. *within* gives the command that does so elsewhere."""
    chromium = required_program("chromium", package="chromium")
    script = place / "chromium"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(within(chromium))} "$@"\n')
    script.chmod(0o755)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=script, args=[*_ARGUMENTS])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[tuple[Page, int]]:
    """Open *url*; yield the page once it is loaded, and the status that it came with."""
    with browser.new_context(viewport={"width": WIDTH, "height": 900}) as context:
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        answer = page.goto(url)
        yield page, answer.status if answer else 0


def look(browser: Browser, url: str, *, click: str = "") -> ShownPage:
    """Open *url*, click on the text *click* if it is there, and return what is to be read then."""
    with opened(browser, url) as (page, status):
        text = settled(page)
        if click and page.get_by_text(click, exact=True).count():
            page.get_by_text(click, exact=True).first.click()
            text = settled(page)
        return ShownPage(status, text)


def settled(page: Page) -> str:
    """What is to be read once that has stayed the same for a while: a page may be made of what it asks for."""
    seen = [page.inner_text("body")]
    while len(seen) < _LOOKS and seen[-_SAME:] != [seen[-1]] * _SAME:
        page.wait_for_timeout(_LOOK_AGAIN_MS)
        seen.append(page.inner_text("body"))
    return seen[-1]


def rows(page: Page, selector: str) -> list[list[str]]:
    """The visible texts of the cells of each visible row that *selector* finds."""
    found = [row for row in page.locator(selector).all() if row.is_visible()]
    return [[cell.inner_text().strip() for cell in row.locator("th, td").all()] for row in found]
