"""The operator's commands up, status, down, env and clean, as an operator types them."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cdb.running.native import Ports
from cdb.running.native.config import STACK_ID
from tests.exchange.market import Market
from tests.exchange.mexc import MexcServer
from tests.exchange.running import running as exchange
from tests.exchange.tape import Tape
from tests.support.cli import on_a_terminal
from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.integration


def run_cdb(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ports = Ports.free().environment() if arguments[0] == "up" else {}
    inherited = {name: value for name, value in os.environ.items() if name != STACK_ID}
    return subprocess.run(
        [sys.executable, "-m", "cdb", *arguments],
        cwd=checkout,
        env={**inherited, **ports, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """Copy the command and the template of .env, so that .env and state are its own."""
    shutil.copytree(ROOT / "cdb", tmp_path / "cdb")
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "env.template", tmp_path / "deploy")
    yield tmp_path
    run_cdb(tmp_path, "clean", "--yes")


def test_the_operators_day_from_up_to_clean(checkout: Path) -> None:
    assert run_cdb(checkout, "status").returncode == 3
    up = run_cdb(checkout, "up", "--part", "redis", "--part", "postgres")
    assert up.returncode == 0, up.stderr
    assert "created" in up.stdout
    assert run_cdb(checkout, "status", "--json").stdout.startswith('{"running":true,"healthy":true')
    again = run_cdb(checkout, "up", "--part", "redis", "--part", "postgres")
    assert again.returncode == 0
    assert "REDIS_PORT" not in again.stderr
    assert run_cdb(checkout, "down").stdout.startswith("stopped; the data is kept")
    assert run_cdb(checkout, "down").stdout.startswith("nothing was running")
    assert run_cdb(checkout, "clean").returncode == 1
    assert run_cdb(checkout, "clean", "--yes").returncode == 0
    assert not (checkout / ".cdb").exists()
    assert (checkout / ".env").exists()


def test_a_part_comes_with_what_it_needs_and_beside_what_runs(checkout: Path) -> None:
    fresh = run_cdb(checkout, "up", "--part", "migrate")
    assert fresh.returncode == 0, fresh.stderr
    parts = {part["name"]: part for part in json.loads(run_cdb(checkout, "status", "--json").stdout)["parts"]}
    assert {name: part["state"] for name, part in parts.items()} == {"postgres": "running", "migrate": "done"}
    again = run_cdb(checkout, "up", "--part", "postgres")
    assert again.returncode == 0, again.stderr
    assert "started with the parts" not in again.stdout
    missing = run_cdb(checkout, "up", "--part", "cdb_ws")
    assert missing.returncode == 1
    place = checkout / ".cdb"
    assert missing.stderr.splitlines()[-1] == (
        f"cdb: the stack in {place} was started without redis, cdb_ws: run `cdb down`, then `cdb up`"
    )
    now = {part["name"]: part for part in json.loads(run_cdb(checkout, "status", "--json").stdout)["parts"]}
    assert now["postgres"]["pid"] == parts["postgres"]["pid"]


def test_who_starts_a_stack_keeps_others_away_and_can_be_ended(checkout: Path) -> None:
    """Ended, it leaves the stack to the next command."""
    lock = checkout / ".cdb" / "lock"
    run_cdb(checkout, "env")
    environment = {**os.environ, **Ports.free().environment()}
    command = [sys.executable, "-m", "cdb", "up", "--part", "redis"]
    with subprocess.Popen(command, cwd=checkout, env=environment, stdout=-1, stderr=-1, text=True) as first:
        until(lambda: lock.exists() and lock.read_text(), what="the first one is at work", every_s=0.01)
        first.send_signal(signal.SIGSTOP)
        for words in (["up", "--part", "redis"], ["down"], ["clean", "--yes"]):
            second = run_cdb(checkout, *words)
            assert second.returncode == 1
            assert f"is in use by `cdb up` (pid {first.pid}): try again" in second.stderr
        first.terminate()
        first.send_signal(signal.SIGCONT)
        first.communicate(timeout=60)
        assert first.returncode == 128 + signal.SIGTERM
    assert run_cdb(checkout, "down").returncode == 0


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("relative", "CDB_STATE_DIR='relative' must be an absolute path, such as {checkout}/relative"),
        ("~/state", "CDB_STATE_DIR='~/state' must be an absolute path, such as {checkout}/~/state"),
        ("{checkout}/file", "{checkout}/file cannot hold a stack: it is not a directory; choose another CDB_STATE_DIR"),
        ("/proc/x", "/proc/x cannot hold a stack: No such file or directory; choose another CDB_STATE_DIR"),
    ],
)
def test_a_state_directory_that_cannot_be_one_is_said_in_one_line(checkout: Path, state: str, said: str) -> None:
    (checkout / "file").touch()
    run_cdb(checkout, "env")
    up = run_cdb(checkout, "up", CDB_STATE_DIR=state.format(checkout=checkout))
    assert (up.returncode, up.stderr) == (1, f"cdb: {said.format(checkout=checkout)}\n")


def test_a_checkout_that_was_copied_with_its_settings_does_not_meet_the_stack_of_the_other(checkout: Path) -> None:
    """Its .env has the same passwords, and its stack would have the same ports."""
    run_cdb(checkout, "env")
    audit = run_cdb(checkout, "audit")
    assert audit.returncode == 3
    assert audit.stderr.startswith(f"cdb: the stack in {checkout / '.cdb'} is not running: `make up` starts it")


def test_clean_asks_on_a_terminal(checkout: Path) -> None:
    run_cdb(checkout, "env")
    for answer, code in (("n\n", 1), ("y\n", 0)):
        (checkout / ".cdb").mkdir(exist_ok=True)
        (checkout / ".cdb" / "redis.conf").touch()
        asked = on_a_terminal("clean", environment=os.environ, answer=answer, columns=200, checkout=checkout)
        assert "Delete the ledger, the bus, the logs and saved replays in" in asked.stdout
        assert (asked.returncode, (checkout / ".cdb").exists()) == (code, bool(code))


def test_a_wrong_setting_is_one_line_and_a_failure(checkout: Path) -> None:
    up = run_cdb(checkout, "up", CDB_RISK_PORT="risk")
    assert up.returncode == 1
    assert up.stderr.splitlines() == [
        "cdb: CDB_RISK_PORT='risk' is not a port: it must be a whole number from 1 to 65535"
    ]


def test_a_misspelt_line_of_env_is_one_line_and_a_failure_and_a_strangers_is_told(checkout: Path) -> None:
    assert run_cdb(checkout, "env").returncode == 0
    made = (checkout / ".env").read_text()
    for wrong, near in (("STOP_LOSS=0.01", "STOP_LOSS_PCT"), ("CDB_TRACE_RETENTION_H=24", "CDB_TRACE_RETENTION")):
        (checkout / ".env").write_text(f"{made}{wrong}\n")
        for command in ("up", "env"):
            done = run_cdb(checkout, command)
            assert done.returncode == 1
            name = wrong.partition("=")[0]
            assert done.stderr.splitlines() == [f"cdb: {name} in .env is not a setting: did you mean {near}?"]
    (checkout / ".env").write_text(f"{made}MY_OWN=1\n")
    told = run_cdb(checkout, "env")
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.endswith("MY_OWN in .env is not a setting and has no effect\n")


@pytest.mark.parametrize("command", [["up"], ["down"], ["clean", "--yes"], ["audit"], ["dead-letters", "list"]])
def test_what_is_meant_for_containers_is_not_done_to_the_other_stack(checkout: Path, command: list[str]) -> None:
    done = run_cdb(checkout, *command, CDB_STACK="compose")
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "docker compose " in done.stderr
    assert not (checkout / ".env").exists()


@pytest.mark.parametrize("command", ["up", "down", "status", "env", "clean"])
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    help_text = run_cdb(ROOT, command, "--help")
    assert help_text.returncode == 0
    assert "Example: " in help_text.stdout


@contextmanager
def hanging_port() -> Iterator[int]:
    """A port that answers nobody: whoever connects waits, as for a host that drops all packets."""
    with ExitStack() as sockets:
        server = sockets.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):  # fills what waits to be accepted
            client = sockets.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def market_at(port: int) -> dict[str, str]:
    places = {"MEXC_WS_URL": f"ws://127.0.0.1:{port}", "MEXC_REST_URL": f"http://127.0.0.1:{port}"}
    return {"CDB_SOURCE": "mexc", "CDB_SYMBOLS": "BTCUSDT,ETHUSDT", **places}


def test_a_market_that_cannot_be_reached_is_one_line_and_all_is_healthy(checkout: Path) -> None:
    up = run_cdb(checkout, "up", "--part", "cdb_ws", **market_at(1))
    line = (
        "cdb: cdb_ws waits for mexc: cannot connect to ws://127.0.0.1:1: Connection refused; it keeps trying"
        " (docs/live.md)\n"
    )
    assert (up.returncode, up.stderr) == (0, line)
    status = run_cdb(checkout, "status")
    assert (status.returncode, status.stderr) == (0, line)
    found = json.loads(run_cdb(checkout, "status", "--json").stdout)
    assert (found["healthy"], found["market"]["source"], found["market"]["published"]) == (True, "mexc", 0)


def test_a_market_that_does_not_answer_does_not_hold_up_the_start(checkout: Path) -> None:
    with hanging_port() as port:
        up = run_cdb(checkout, "up", "--part", "cdb_ws", **market_at(port))
    assert up.returncode == 0, up.stderr
    assert up.stderr.startswith("cdb: cdb_ws waits for mexc: ")
    assert up.stderr.count("\n") == 1


def test_an_account_that_meets_another_source_is_told_at_every_start(checkout: Path) -> None:
    """The setting of the first start is forgotten at the second, as in another shell."""
    parts = ("--part", "cdb_ws", "--part", "cdb_risk")
    up = run_cdb(checkout, "up", *parts, **market_at(1))
    assert (up.returncode, "Trades come from: mexc (CDB_SOURCE; docs/live.md)" in up.stdout) == (0, True), up.stderr
    assert "account" not in up.stderr
    run_cdb(checkout, "down")
    up = run_cdb(checkout, "up", *parts)
    said = "cdb: the account was opened on mexc, but trades come from simulated now (CDB_SOURCE): its coins will be"
    assert (up.returncode, up.stderr.count("\n")) == (0, 1)
    assert up.stderr.startswith(said)
    assert "Trades come from: simulated" in up.stdout
    status = run_cdb(checkout, "status")
    assert (status.returncode, status.stderr) == (0, up.stderr)
    assert "Trades come from: simulated" in status.stdout
    assert json.loads(run_cdb(checkout, "status", "--json").stdout)["warnings"] == [up.stderr[5:].rstrip()]


def test_a_market_without_rest_is_one_line_though_trades_come(checkout: Path) -> None:
    """An address with a path of its own, such as the exchange's documentation shows, answers 404."""
    market = Market(["BTCUSDT", "ETHUSDT"], rest_keeps=1000)
    with exchange(MexcServer(market), Tape(market)) as mexc:
        wrong = f"{mexc.server.rest_url}/api/v3"
        place = {"MEXC_WS_URL": mexc.server.ws_url, "MEXC_REST_URL": wrong, "CDB_SOURCE": "mexc"}
        up = run_cdb(checkout, "up", "--part", "cdb_ws", **place, CDB_SYMBOLS="BTCUSDT,ETHUSDT")
        line = up.stderr
        assert (up.returncode, line.count("\n")) == (0, 1)
        assert re.fullmatch(
            r"cdb: REST of mexc does not answer: /api/v3/\w+: answered 404\. Until it does, gaps are not filled,"
            r" symbols are not checked and the clock is not compared: is MEXC_REST_URL right\? \(docs/live.md\)\n",
            line,
        )
        status = run_cdb(checkout, "status")
        assert (status.returncode, status.stderr.count("REST of mexc does not answer")) == (0, 1)
        found = json.loads(run_cdb(checkout, "status", "--json").stdout)["market"]
        assert (found["published"] > 0, found["failure"]) == (True, "")


def test_a_market_that_answers_needs_no_line_and_an_unknown_symbol_is_refused_by_name(checkout: Path) -> None:
    market = Market(["BTCUSDT", "ETHUSDT"], rest_keeps=1000)
    with exchange(MexcServer(market), Tape(market)) as mexc:
        place = {"MEXC_WS_URL": mexc.server.ws_url, "MEXC_REST_URL": mexc.server.rest_url, "CDB_SOURCE": "mexc"}
        up = run_cdb(checkout, "up", "--part", "cdb_ws", **place, CDB_SYMBOLS="BTCUSDT,ETHUSDT")
        assert (up.returncode, up.stderr) == (0, "")
        assert json.loads(run_cdb(checkout, "status", "--json").stdout)["market"]["published"] > 0
        run_cdb(checkout, "down")
        refused = run_cdb(checkout, "up", "--part", "cdb_ws", **place, CDB_SYMBOLS="BTCUSDT,ETHUSTD")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-2] == (
        "cdb: cdb_ws is not ready: keeps exiting: CDB_SYMBOLS is refused: mexc does not have ETHUSTD"
        " (did you mean ETHUSDT?)"
    )
