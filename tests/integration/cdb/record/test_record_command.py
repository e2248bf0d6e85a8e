"""`cdb record` on a real Redis: what it writes, what it refuses, and a bus that goes away meanwhile."""

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from services.bus.entries import Outgoing
from services.bus.streams import RedisBus
from services.clock import WallClock
from services.errors import ServerAway
from services.messages import MarketData
from services.topology import MARKET_DATA
from tests.support.cli import run_cdb
from tests.support.paths import ROOT
from tests.support.servers import Servers
from tests.support.waiting import until

pytestmark = pytest.mark.integration

EVERY_S = 0.01


@pytest.fixture
def environment(servers: Servers) -> dict[str, str]:
    return {**servers.environment(), "CDB_SYMBOLS": "BTCUSDT,ETHUSDT"}


class Market:
    """Publishes a trade of one and of the other symbol in turn, as cdb_ws does: what the bus does not take is lost."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._bus = RedisBus(client, group="cdb_ws", consumer="cdb_ws", clock=WallClock())
        self._sequence = count(1)
        self._stop = Event()
        self._thread = Thread(target=self._run)

    def publish(self, trades: int = 1) -> None:
        self._bus.publish([Outgoing(MARKET_DATA, self._trade(next(self._sequence))) for _ in range(trades)])

    def _trade(self, sequence: int) -> MarketData:
        return MarketData(
            ts_event=time.time_ns(),
            ts_init=time.time_ns(),
            symbol="ETHUSDT" if sequence % 2 else "BTCUSDT",
            trade_id=sequence,
            side="BUY",
            price=Decimal("100.5"),
            quantity=Decimal(1),
            source="test",
            feed=7,
            sequence=sequence,
        )

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                self.publish()
            except ServerAway:
                self._stop.wait(EVERY_S)

    def __enter__(self) -> "Market":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def market(bus_client: Any) -> Iterator[Market]:
    with Market(bus_client) as market:
        yield market


@contextmanager
def recording(environment: dict[str, str], *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Record in another process; the block begins when it has begun to write."""
    take_ctrl_c = ("env", "--default-signal=INT")  # a shell has its programs in the background ignore it
    command = [*take_ctrl_c, sys.executable, "-m", "cdb", "record", *arguments]
    folder = Path(arguments[-1]).parent
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=-1, stderr=-1, text=True) as process:
        try:
            until(lambda: [*folder.glob(".*.part")] or process.poll() is not None, what="the recording begins")
            yield process
        finally:
            process.kill()


def ids(file: Path) -> list[int]:
    opened = gzip.open if file.name.endswith(".gz") else open
    with opened(file, "rt") as lines:
        return [int(line.split(",")[1]) for line in lines.readlines()[1:]]


def test_the_trades_of_some_time_are_in_the_file_and_nobody_else_notices(
    market: Market, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "hour.csv.gz"
    run = run_cdb("record", "--for", "2s", "--lead-in", "0s", "--json", str(file), environment=environment)
    assert (run.returncode, run.stderr) == (0, "")
    said = json.loads(run.stdout)
    found = ids(file)
    assert found == [*range(found[0], found[-1] + 1)]
    assert said["trades"] == len(found) == sum(said["by_symbol"].values()) > 50
    assert 2 <= said["seconds"] < 4
    assert (said["gaps"], said["lead_in"], said["repeated"], said["interrupted"]) == ([], 0, 0, False)
    assert market.client.xinfo_groups(MARKET_DATA) == []
    assert [one.name for one in tmp_path.iterdir()] == ["hour.csv.gz"]


def test_one_symbol_is_recorded_with_what_the_bus_has_of_the_time_before(
    market: Market, environment: dict[str, str], tmp_path: Path
) -> None:
    until(lambda: market.client.xlen(MARKET_DATA) > 50, what="trades before")
    file = tmp_path / "hour.csv"
    run = run_cdb("record", "--for", "1s", "--symbols", "eth/usdt", str(file), environment=environment)
    assert run.returncode == 0, run.stderr
    marks = [line.split(",")[2::4] for line in file.read_text().splitlines()[1:]]
    late = sum(mark == "late" for _, mark in marks)
    assert {symbol for symbol, _ in marks} == {"ETHUSDT"}
    assert [mark for _, mark in marks] == ["late"] * late + [""] * (len(marks) - late)
    assert late > 20
    assert f"before them stand {late} trades of the time before" in run.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("options", "code"), [([], 0), (["--for", "1h"], 130)])
def test_ctrl_c_leaves_a_whole_file(
    market: Market, environment: dict[str, str], tmp_path: Path, number: int, options: list[str], code: int
) -> None:
    file = tmp_path / "hour.csv.gz"
    with recording(environment, *options, "--json", str(file)) as process:
        before = market.client.xlen(MARKET_DATA)
        until(lambda: market.client.xlen(MARKET_DATA) > before + 30, what="trades")
        process.send_signal(number)
        said, complained = process.communicate(timeout=20)
    assert (process.returncode, complained) == (code, "")
    assert len(ids(file)) == json.loads(said)["trades"] + json.loads(said)["lead_in"]
    assert [one.name for one in tmp_path.iterdir()] == ["hour.csv.gz"]


def test_a_bus_that_was_away_is_waited_for_and_the_gap_is_told(
    market: Market, servers: Servers, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "hour.csv.gz"
    with recording(environment, "--lead-in", "0s", "--json", str(file)) as process:
        until(lambda: market.client.xlen(MARKET_DATA) > 30, what="trades")
        servers.stack.stop_part("redis")
        servers.stack.start_part("redis")
        until(lambda: published(market) > 60, what="trades again")
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=20)
    assert (process.returncode, complained) == (0, "")
    found, gaps = ids(file), json.loads(said)["gaps"]
    assert [gap for gap in gaps if gap["away_seconds"] > 0 and gap["from"] < gap["to"]], gaps
    assert found == sorted(set(found))
    assert sum(gap["lost"] for gap in gaps) == len(range(found[0], found[-1] + 1)) - len(found), gaps
    assert found[-1] > 60


def published(market: Market) -> int:
    try:
        rows = market.client.xrevrange(MARKET_DATA, count=1)
    except Exception:  # noqa: BLE001  it is being started
        return 0
    return int(json.loads(rows[0][1][b"data"])["trade_id"]) if rows else 0


def test_what_was_trimmed_before_it_could_be_read_is_counted(
    bus_client: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "hour.csv"
    market = Market(bus_client)
    with recording(environment, "--json", str(file)) as process:
        market.publish(10)
        until(lambda: is_waiting(bus_client), what="all was read")
        process.send_signal(signal.SIGSTOP)
        market.publish(100)
        bus_client.xtrim(MARKET_DATA, maxlen=40, approximate=False)
        process.send_signal(signal.SIGCONT)
        market.publish(1)
        until(lambda: is_waiting(bus_client), what="all was read")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    found = ids(file)
    assert found[-40:] == [*range(72, 112)]
    assert [(gap["lost"], gap["at_least"]) for gap in json.loads(said)["gaps"]] == [(111 - len(found), False)]
    assert 55 < 111 - len(found) <= 60  # an entry that a reader waits for is sent to it before anybody can trim it


def is_waiting(client: Any) -> bool:
    """Whether somebody has read the whole stream and waits for more."""
    return any(one["cmd"] == "xread" and "b" in one["flags"] for one in client.client_list())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["hour.txt"], 2, "FILE hour.txt must end in .csv.gz or .csv"),
        (["/no/such/hour.csv"], 2, "FILE /no/such/hour.csv: there is no directory /no/such"),
        (["--for", "soon", "hour.csv"], 2, "--for 'soon' is not a length of time"),
        (["--symbols", "?", "hour.csv"], 2, "--symbols: symbol '?' is no pair such as BTCUSDT"),
        (["--json", "-"], 2, "--json and - both write to standard output"),
        (
            ["--symbols", "BTCUSD", "hour.csv"],
            1,
            "the running stack does not publish BTCUSD (did you mean BTCUSDT?); CDB_SYMBOLS is BTCUSDT,ETHUSDT",
        ),
    ],
)
def test_what_cannot_be_is_one_line(
    bus_client: Any, environment: dict[str, str], arguments: list[str], code: int, said: str
) -> None:
    del bus_client
    run = run_cdb("record", *arguments, environment=environment)
    assert (run.returncode, run.stdout) == (code, "")
    assert said in run.stderr
    assert not (ROOT / "hour.csv").exists()


def test_an_existing_file_stays(bus_client: Any, environment: dict[str, str], tmp_path: Path) -> None:
    del bus_client
    file = tmp_path / "hour.csv"
    file.write_text("mine")
    run = run_cdb("record", "--for", "1s", str(file), environment=environment)
    assert (run.returncode, run.stderr) == (1, f"cdb: {file} already exists: choose another name\n")
    assert file.read_text() == "mine"


def test_without_a_trade_there_is_no_file(bus_client: Any, environment: dict[str, str], tmp_path: Path) -> None:
    del bus_client
    run = run_cdb("record", "--for", "1s", str(tmp_path / "hour.csv"), environment=environment)
    assert run.returncode == 1
    assert run.stderr.startswith("cdb: no trade came in 1.")
    assert not [*tmp_path.iterdir()]


def test_without_a_bus_the_exit_code_is_3(environment: dict[str, str], tmp_path: Path) -> None:
    run = run_cdb("record", str(tmp_path / "hour.csv"), environment={**environment, "REDIS_PORT": "1"})
    assert run.returncode == 3
    assert run.stderr.startswith("cdb: Redis: ")
    assert not [*tmp_path.iterdir()]


def test_standard_output_has_the_tape_and_nothing_else(market: Market, environment: dict[str, str]) -> None:
    del market
    run = run_cdb("record", "--for", "1s", "-", environment=environment)
    assert run.returncode == 0
    assert run.stdout.startswith("ts_ns,trade_id,symbol,side,price,quantity,late\n")
    assert run.stdout.count("\n") > 30
    assert run.stderr.startswith("recorded ")
