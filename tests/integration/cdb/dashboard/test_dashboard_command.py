"""`cdb dashboard`, as an operator types it, in front of a server that answers as Prometheus does."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cdb.dashboard.model.dashboards import Dashboard, load_dashboards
from tests.integration.cdb.dashboard.fake_prometheus import FakePrometheus, fake_prometheus
from tests.support.cli import run_cdb
from tests.support.paths import ROOT

pytestmark = pytest.mark.integration

BOARDS: dict[str, Dashboard] = {board.uid.removeprefix("cdb-"): board for board in load_dashboards(ROOT).read.values()}


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with fake_prometheus() as server:
        yield server


def cdb(server: FakePrometheus, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_cdb("dashboard", *arguments, environment={"CDB_PROMETHEUS_PORT": str(server.port)})


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_of_a_dashboard_is_in_one_frame(prometheus: FakePrometheus, name: str) -> None:
    result = cdb(prometheus, name, "--once", "--width", "160")
    assert result.returncode == 0, result.stderr
    assert BOARDS[name].title in result.stdout
    assert [panel.title for panel in BOARDS[name].shown if panel.title not in result.stdout] == []
    assert "No data" not in result.stdout
    assert {len(line) for line in result.stdout.splitlines()[1:]} == {160}


def test_all_queries_of_a_frame_are_for_one_time(prometheus: FakePrometheus) -> None:
    assert cdb(prometheus, "risk-alerts", "--once", "--since", "10m").returncode == 0
    queries = prometheus.queries()
    assert len(queries) == sum(len(panel.targets) for panel in BOARDS["risk-alerts"].shown)
    (at,) = {sent.get("time") or sent["end"] for sent in queries}
    assert {float(at) - float(sent["start"]) for sent in queries if "start" in sent} == {600.0}


def test_a_panel_that_fails_says_why_and_the_others_go_on(prometheus: FakePrometheus) -> None:
    prometheus.refused = "cdb_daily_drawdown_pct"
    result = cdb(prometheus, "risk-alerts", "--once", "--width", "160")
    assert result.returncode == 0
    assert result.stdout.count("told to refuse") == 2  # gauge and history
    assert "ACTIVE" in result.stdout


def test_a_script_gets_the_values_of_each_panel(prometheus: FakePrometheus) -> None:
    prometheus.refused = "cdb_total_exposure_pct"
    shown = json.loads(cdb(prometheus, "cdb-risk-alerts", "--json").stdout)
    panels = {panel["title"]: panel for panel in shown["panels"]}
    assert list(panels) == [panel.title for panel in BOARDS["risk-alerts"].shown]
    assert panels["Circuit Breaker"]["values"][0]["value"] == 1
    assert panels["Circuit Breaker"]["values"][0]["text"] == "ACTIVE"
    assert panels["Total Exposure"]["error"] == "told to refuse"
    assert panels["Position Exposure by Symbol"]["rows"][0]["Exposure %"] == 1


def test_the_chosen_symbols_are_what_is_asked_for(prometheus: FakePrometheus) -> None:
    result = cdb(prometheus, "trading-overview", "--once", "--symbol", "BTCUSDT", "--symbol", "ETHUSDT")
    assert "symbol BTCUSDT, ETHUSDT" in result.stdout
    assert any('symbol=~"(BTCUSDT|ETHUSDT)"' in sent["query"] for sent in prometheus.queries())


def test_a_picture_is_one_file_that_loads_nothing(prometheus: FakePrometheus, tmp_path: Path) -> None:
    file = tmp_path / "board.svg"
    assert cdb(prometheus, "system-health", "--svg", str(file)).returncode == 0
    text = file.read_text()
    ET.fromstring(text)  # noqa: S314  our own file
    assert "HEALTHY" in text
    assert "font-face" not in text
    assert "url(http" not in text


def test_without_a_name_the_dashboards_are_listed(prometheus: FakePrometheus) -> None:
    listed = json.loads(cdb(prometheus, "--json").stdout)
    assert [one["name"] for one in listed] == sorted(BOARDS)
    assert all(board.title in cdb(prometheus).stdout for board in BOARDS.values())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("risk",),
            "'risk'; available: account-performance, risk-alerts, system-health, trading-overview; "
            "did you mean risk-alerts?",
        ),
        (("trading-overview", "--symbol", "BTC"), "BTC has no data; available: BTCUSDT, ETHUSDT"),
        (("risk-alerts", "--symbol", "BTCUSDT"), "risk-alerts cannot be filtered by symbol"),
        (("risk-alerts", "--since", "soon"), "is not a length of time: a number with"),
        (("risk-alerts", "--since", "15d"), "is out of range: 30s to 14d is allowed"),
        (("risk-alerts", "--svg", "/nonexistent/board.svg"), "/nonexistent/board.svg"),
    ],
)
def test_a_wrong_argument_is_one_clear_line(prometheus: FakePrometheus, arguments: tuple[str, ...], says: str) -> None:
    result = cdb(prometheus, *arguments)
    assert result.returncode != 0
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_a_running_stack_it_says_how_to_start_one() -> None:
    with fake_prometheus() as gone:
        pass
    result = cdb(gone, "risk-alerts", "--once")
    assert result.returncode == 3
    assert "does not answer" in result.stderr
    assert "cdb up" in result.stderr
    assert len(result.stderr.splitlines()) == 1


class Terminal:
    """A terminal of so many lines and columns in which a dashboard is watched."""

    def __init__(self, port: int, *, lines: int, columns: int) -> None:
        self.shown = ""
        self._fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "CDB_STATE_DIR": "/nonexistent"}
        self.program = subprocess.Popen(
            [sys.executable, "-m", "cdb", "dashboard", "risk-alerts"],
            cwd=ROOT,
            env={**environment, "CDB_PROMETHEUS_PORT": str(port)},
            stdin=inner,
            stdout=inner,
            stderr=inner,
        )
        os.close(inner)

    def press(self, key: str) -> None:
        os.write(self._fd, key.encode())

    def until(self, seen: Callable[[str], bool], within_s: float = 60.0) -> None:
        """Read until *seen* is true of all that was written."""
        deadline = time.monotonic() + within_s
        while not seen(self.shown):
            assert time.monotonic() < deadline, f"not seen; the terminal shows {self.shown[-2000:]!r}"
            if select.select([self._fd], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self._fd, 65_536).decode(errors="replace")
                except OSError:  # the program has ended
                    assert seen(self.shown), self.shown[-2000:]

    def ended(self) -> int:
        """Wait until the terminal is given back as it was, and return the exit code."""
        self.until(lambda shown: "\x1b[?1049l" in shown)
        return self.program.wait(timeout=60)

    def close(self) -> None:
        self.program.kill()
        self.program.wait()
        os.close(self._fd)


@pytest.fixture
def terminal(prometheus: FakePrometheus) -> Iterator[Terminal]:
    opened = Terminal(prometheus.port, lines=24, columns=100)
    yield opened
    opened.close()


def test_it_is_watched_until_q_is_pressed(terminal: Terminal) -> None:
    terminal.until(_drawn)
    terminal.press("q")
    assert terminal.ended() == 0


def test_ctrl_c_leaves_like_q(terminal: Terminal) -> None:
    terminal.until(_drawn)
    terminal.program.send_signal(signal.SIGINT)
    assert terminal.ended() == 0
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_given_back(terminal: Terminal, number: signal.Signals) -> None:
    terminal.until(_drawn)
    terminal.program.send_signal(number)
    assert terminal.ended() == 128 + number


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_shows_how_to_leave(prometheus: FakePrometheus, columns: int) -> None:
    narrow = Terminal(prometheus.port, lines=24, columns=columns)
    try:
        narrow.until(lambda shown: "q leave" in shown and "scroll" in shown)
    finally:
        narrow.close()


def test_a_low_terminal_is_scrolled(terminal: Terminal) -> None:
    terminal.until(_drawn)
    assert "Recent Alerts" not in terminal.shown
    terminal.press("G")
    terminal.until(lambda shown: "Recent Alerts" in shown)


def test_a_watched_dashboard_outlives_a_prometheus_that_fails(terminal: Terminal, prometheus: FakePrometheus) -> None:
    terminal.until(_drawn)
    prometheus.refused = ""
    terminal.until(lambda shown: "told to refuse" in shown)
    prometheus.refused = "nothing is refused"
    seen = len(terminal.shown)
    terminal.until(lambda shown: "ACTIVE" in shown[seen:])


def _drawn(shown: str) -> bool:
    return "q leave" in shown and "ACTIVE" in shown
