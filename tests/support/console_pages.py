"""Working with the console in a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=30_000)
Scheme = Literal["dark", "light"]
CONSOLE: Final = "http://localhost:8010"
PAGES: Final = (
    *("/", "/dashboards", "/decisions", "/traces", "/trades", "/alerts", "/system", "/metrics-reference", "/login"),
    *(f"/d/cdb-{name}" for name in ("trading-overview", "risk-alerts", "system-health", "account-performance")),
)
DRAWN: Final = (
    "[...document.querySelectorAll('[data-live=drawn]:has(script)')].every(part => part.querySelector('canvas'))"
)
"""Tells in a page whether all its charts are drawn."""


@contextmanager
def looked_at(browser: Browser, *, width: int = 1280, scheme: Scheme = "dark") -> Iterator[tuple[Page, list[str]]]:
    """Yield a new page and the list of what the browser complains about: errors of scripts, refusals of the policy."""
    with browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme) as context:
        context.set_default_timeout(30_000)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page, complaints


def log_in(page: Page, password: str) -> None:
    """Log in where *page* asks for it."""
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
