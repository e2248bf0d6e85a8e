"""Draw the pictures in docs/images anew: `python -m tests.system.documented.pictures`, or `make pictures`.

Runs a whole stack of its own for seven minutes, with an alert that fires; nothing that runs is touched.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from cdb.running.native import StackError
from tests.support.browsing import WIDTH, opened, running_browser, settled
from tests.support.console_pages import DRAWN, looked_at
from tests.support.paths import ROOT
from tests.support.waiting import until
from tests.system.documented.documented_stack import Documented, documented_stack
from tests.system.documented.run_stack import START

IMAGES: Final = ROOT / "docs" / "images"
LARGEST: Final = 150_000
PAGES: Final = {
    "targets": "http://localhost:19090/targets",
    "alerts": "http://localhost:19090/alerts",
}
CONSOLE: Final = "http://localhost:8010"
CONSOLE_PAGES: Final = {
    "overview": "/",
    **{name: f"/d/cdb-{name}" for name in ("trading-overview", "risk-alerts", "system-health", "account-performance")},
    "decisions": "/decisions",
    "traces": "/traces",
    "trades": "/trades",
    "system": "/system",
    "metrics": "/metrics-reference",
}
"""Pictures of the console by name: docs/images/console-NAME.png."""
FIRST_LINKS: Final = {"decision": ("/decisions", "a[href^='/decisions/']"), "trace": ("/traces", "a[href^='/traces/']")}
"""Those of pages that a list leads to: where the list is, and its links."""
BOARDS: Final = ("trading-overview", "risk-alerts", "system-health", "account-performance")
_ZOOM: Final = "0.7"  # a whole page on a picture that is small enough
_SHORT_PATHS: Final = (
    "document.querySelectorAll('main *').forEach(part => {"
    " const text = part.innerText; if (!part.children.length && text)"  # a part of a drawing has none
    " part.innerText = text.replace(/\\S*\\/state\\//, '.cdb/') })"
)
"""Shows rules where they are in a checkout, not in this program's directory."""
_OLD_ENOUGH: Final = (
    "curl -sG http://localhost:19090/api/v1/query"
    """ --data-urlencode 'query=time() - process_start_time_seconds{instance="cdb_ws:8000"} > 300' | grep -c cdb_ws"""
)
_SLOW: Final = "curl -s -X POST 'http://localhost:8002/test/slow-decisions?delay_ms=120&seconds=90'"
_SLOW_STORED: Final = "curl -s http://localhost:8010/traces | grep -q 'href=./traces/[0-9a-f]'"
_TRIGGER: Final = "curl -s -X POST http://localhost:8002/test/trigger-drawdown"
_NOTIFIED: Final = (
    "curl -s 'http://localhost:8010/api/notifications?alertname=DailyDrawdownLimitExceeded' | grep -c firing"
)


def main(images: Path = IMAGES) -> None:
    """Write all pictures into *images*."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as place, documented_stack(Path(place) / "state") as stack:
        shutil.copy(stack.state / START, images)
        _say("the stack runs; waiting until it has traded a while")
        until(
            lambda: stack.shell(_OLD_ENOUGH).stdout.strip() == "1", within_s=600, every_s=5, what="5 minutes of trading"
        )
        for board in BOARDS:
            _draw_board(stack, board, images / f"{board}.svg")
        stack.shell(_SLOW)
        until(
            lambda: stack.shell(_SLOW_STORED).returncode == 0, within_s=120, every_s=1, what="a slow decision's trace"
        )
        with running_browser(Path(place), stack.command) as browser:
            for name, path in CONSOLE_PAGES.items():
                _draw_console(browser, path, images / f"console-{name}.png")
            for name, (path, link) in FIRST_LINKS.items():
                _draw_console(browser, path, images / f"console-{name}.png", click=link)
            _say("waiting for an alert to arrive")
            stack.shell(_TRIGGER)
            until(
                lambda: stack.shell(_NOTIFIED).stdout.strip() not in {"", "0"}, within_s=180, every_s=1, what="an alert"
            )
            _draw_console(browser, "/alerts", images / "console-alerts.png")
            for name, url in PAGES.items():
                _draw_page(browser, url, images / f"{name}.png")


def _draw_board(stack: Documented, board: str, file: Path) -> None:
    done = stack.shell(f"cdb dashboard {board} --since 5m --width 140 --svg {file}")
    if done.returncode != 0:
        raise StackError(f"cdb dashboard {board}: {done.stdout.strip()}")
    _say(f"{file.name} {file.stat().st_size // 1000} kB")


def _draw_page(browser: Browser, url: str, file: Path) -> None:
    with opened(browser, url) as (page, _):
        settled(page)
        page.evaluate(_SHORT_PATHS)
        page.add_style_tag(content=f"body {{ zoom: {_ZOOM} }}")
        page.screenshot(path=file, clip={"x": 0, "y": 0, "width": WIDTH, "height": _height(page)}, full_page=True)
    size = file.stat().st_size
    _say(f"{file.name} {size // 1000} kB")
    if size > LARGEST:
        raise StackError(f"{file} has {size} bytes; {LARGEST} are allowed")


def _draw_console(browser: Browser, path: str, file: Path, *, click: str = "") -> None:
    """Draw a page as it is once its charts are drawn, in a palette that is small enough."""
    with looked_at(browser, width=1200) as (page, _):
        page.goto(f"{CONSOLE}{path}")
        if click:
            page.locator(click).first.click()
        page.wait_for_load_state("networkidle")
        page.wait_for_function(DRAWN)
        page.screenshot(path=file, clip={"x": 0, "y": 0, "width": 1200, "height": 900})
    _say(f"{file.name} {file.stat().st_size // 1000} kB")


def _height(page: Page) -> float:
    return min(float(page.evaluate("document.body.getBoundingClientRect().height")) + 20, 1200)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
