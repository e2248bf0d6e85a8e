"""The bot of the handbook's section 4 as processes, before and after its move, and what its pages show."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from prometheus_client.core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.telemetry.migration.guide import block
from tests.support.paths import ROOT
from tests.support.waiting import until

SOURCE: Final = Path(__file__).with_name("bot")
"""Written as a user of the handbook writes: without types."""

SERVICES: Final = ("signal_engine", "risk_manager", "execution_service")

_SIGNAL: Final = {"direction": "BUY", "strength": 0.82}
_BUY: Final = {"symbol": "BTCUSDT", "side": "BUY", "quantity": 0.05, "price": 50_000.0}
WORK: Final[Mapping[str, tuple[tuple[str, Any], ...]]] = {
    "signal_engine": (
        ("/health", None),
        ("/market_data", {"symbol": "BTCUSDT", "price": 50_000.0}),
        ("/market_data", {"symbol": "BTCUSDT", "price": 50_400.0}),
        ("/market_data", {"symbol": "BTCUSDT", "price": 50_410.0}),
        ("/market_data", {"symbol": "ETHUSDT", "price": 3_000.0}),
        ("/market_data", {"symbol": "ETHUSDT", "price": 2_985.0}),
        ("/health", None),
    ),
    "risk_manager": (
        ("/signals", {**_SIGNAL, "symbol": "BTCUSDT", "size": 0.05}),
        ("/signals", {**_SIGNAL, "symbol": "ETHUSDT", "size": 0.02}),
        ("/signals", {**_SIGNAL, "symbol": "BTCUSDT", "size": 0.25}),
        ("/portfolio", {"opening_equity": 10_000, "equity": 9_900, "notionals": {"BTCUSDT": 850, "ETHUSDT": 620}}),
        ("/portfolio", {"opening_equity": 10_000, "equity": 9_400, "notionals": {"BTCUSDT": 800, "ETHUSDT": 0}}),
        ("/signals", {**_SIGNAL, "symbol": "BTCUSDT", "size": 0.05}),
        ("/health", None),
    ),
    "execution_service": (
        ("/orders", _BUY),
        ("/orders", {**_BUY, "symbol": "ETHUSDT", "quantity": 0.12, "price": 3_000.0}),
        ("/orders", {**_BUY, "side": "SELL", "price": 48_000.0, "cost": 50_000.0}),
        ("/orders", {**_BUY, "symbol": "ETHUSDT", "side": "SELL", "quantity": 0.06, "price": 3_700.0, "cost": 3_000.0}),
        ("/health", None),
    ),
}
"""What each service is asked: a gain and a loss, an approval and two kinds of rejection, a breaker that trips."""

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@dataclass(frozen=True)
class Outcome:
    """What one service answered to its work, and its page afterwards."""

    answers: list[Any]
    page: str
    content_type: str

    @cached_property
    def families(self) -> dict[str, Family]:
        """All families by name, without prometheus_client's times of creation."""
        families = text_string_to_metric_families(self.page)
        return {family.name: family for family in families if not family.name.endswith("_created")}

    @cached_property
    def series(self) -> Series:
        """Every sample of the bot's own families."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for name, family in self.families.items()
            if name.startswith("cdb_")
            for sample in family.samples
        }


def bot_before(folder: Path) -> Path:
    """Put the bot into *folder* as the handbook has it."""
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def bot_after(folder: Path) -> Path:
    """Put the bot into *folder* and move it by the guide's own command; its old metrics module is gone."""
    bot_before(folder)
    run_shell(block("sh", "Change the import 2"), folder)
    shutil.rmtree(folder / "services_common")
    return folder


def run_shell(script: str, folder: Path) -> str:
    """Run *script* in *folder* and return what it printed; fail if it printed an error.

    The exit code says nothing: that of a grep which finds nothing is 1.
    """
    ran = subprocess.run(["bash", "-uc", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert not ran.stderr, ran.stderr
    return ran.stdout


def work(service: str, bot: Path) -> Outcome:
    """Run *service* of *bot*, have it do its work, and return what it showed."""
    with running(bot / "backoffice" / "services" / service / "service.py", bot / f"{service}.log") as address:
        answers = [json.loads(ask(address + path, body)[0]) for path, body in WORK[service]]
        page, content_type = ask(f"{address}/metrics")
    return Outcome(answers, page.decode(), content_type)


def ask(url: str, body: Any = None) -> tuple[bytes, str]:
    """Body and content type of the answer; with *body*, post it as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310  loopback
    with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310
        return reply.read(), reply.headers["Content-Type"]


@contextmanager
def running(script: Path, log: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a Flask *script* in a process of its own, on a port that the system picks; yield its address."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(script)],
            cwd=script.parent,
            env={**os.environ, "PORT": "0", "PYTHONPATH": str(ROOT), **(environment or {})},
            stdout=output,
            stderr=output,
        )
    try:
        yield until(lambda: _address(process, log), what=f"an address in {log}")
    finally:
        process.terminate()
        process.wait(10)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    said = log.read_text()
    assert process.poll() is None, f"the bot has ended:\n{said}"
    found = re.search(r"Running on (http://127\.0\.0\.1:\d+)", said)
    return found[1] if found else ""
