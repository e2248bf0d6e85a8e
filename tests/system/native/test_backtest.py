"""`cdb backtest`: the ledger that a replay gives, row for row, from one process."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from cdb.replay.saved import address_of
from cdb.running.native import Stack
from services.errors import ServerAway
from services.ledger.connection import Ledger
from tests.support.paths import ROOT
from tests.support.tapes import TIGHT, market_trades, write_lively, write_tape
from tests.support.waiting import until
from tests.system.native.replay_operator import QUIET_MARKET, REAL, Operator

pytestmark = pytest.mark.e2e

EVENTFUL: Final = "eventful"


def eventful(folder: Path) -> Path:
    """20,000 trades of six symbols: stop losses, a breaker that trips, a day's turn, refused rows."""
    return write_tape(folder / "eventful.csv", market_trades(20_000, seed=11, crash_at=13_300), refused_every=500)


TAPES: Final[dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]]] = {
    "real": (lambda _folder: REAL, QUIET_MARKET),
    "lively": (
        lambda folder: write_lively(folder / "lively.csv"),
        tuple(word for name, value in TIGHT.items() for word in ("--set", f"{name}={value}")),
    ),
    EVENTFUL: (eventful, ()),
}


@pytest.mark.parametrize("name", TAPES)
def test_a_backtest_gives_the_ledger_of_a_replay_row_for_row(operator: Operator, tmp_path: Path, name: str) -> None:
    make, settings = TAPES[name]
    file = make(tmp_path)
    replayed = operator.replay(file, *settings, "--into", "replayed")
    backtested = operator.backtest(file, *settings, "--into", "backtested")["summary"]
    assert backtested == {**replayed, "ledger": "backtested"}
    rows = operator.rows("backtested")
    assert rows == operator.rows("replayed")
    audit = operator.cdb("audit", "--replay", "backtested")
    assert audit.returncode == 0, audit.stdout + audit.stderr
    if name == EVENTFUL:
        assert replayed["refused"] == 40
        assert replayed["stop_losses"] > 0
        assert len(rows["equity"]) == 2
        assert rows["breaker"]


def test_files_are_merged_by_time(operator: Operator, tmp_path: Path) -> None:
    """Every other row is in another file, and the second file is given first."""
    header, *rows = REAL.read_text().splitlines()
    halves = [tmp_path / "ETHUSDT-one.csv", tmp_path / "ETHUSDT-two.csv"]
    for place, half in enumerate(halves):
        half.write_text("\n".join([header, *rows[place::2]]))
    whole = operator.backtest(REAL, *QUIET_MARKET, "--into", "whole")
    merged = operator.backtest(*reversed(halves), *QUIET_MARKET, "--into", "merged")
    assert merged["summary"] == {**whole["summary"], "ledger": "merged"}
    assert operator.rows("merged") == operator.rows("whole")


def test_ids_that_start_anew_in_the_next_file_cost_no_signal(operator: Operator, tmp_path: Path) -> None:
    header, *rows = REAL.read_text().splitlines()
    days = [tmp_path / "ETHUSDT-1.csv", tmp_path / "ETHUSDT-2.csv"]
    middle = next(place for place in range(500, 600) if rows[place].split(",")[0] > rows[place - 1].split(",")[0])
    for day, some in zip(days, (rows[:middle], rows[middle:]), strict=True):
        cells = [row.split(",") for row in some]
        numbered = [",".join([ts, str(place), *rest]) for place, (ts, _, *rest) in enumerate(cells)]
        day.write_text("\n".join([header, *numbered]))
    whole, parts = operator.backtest(REAL, *QUIET_MARKET), operator.backtest(*days, *QUIET_MARKET)
    assert parts["summary"]["signals"] == whole["summary"]["signals"] > 0
    note = "trade ids of ETHUSDT start anew from file to file; ids are made from the times"
    assert parts["summary"]["notes"] == [note, note]


def test_a_file_that_is_given_twice_is_told(operator: Operator) -> None:
    run = operator.cdb("backtest", str(REAL), str(REAL))
    assert run.returncode == 1
    assert "1,000 of 2,000 rows are no valid trades once the files are merged: do they overlap?" in run.stderr


def test_a_span_of_time_is_taken_and_the_page_shows_each_fill(operator: Operator, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    span = ("--from", "2023-02-02T09:20", "--to", "2023-02-02T09:25:00+00:00")
    found = operator.backtest(REAL, *QUIET_MARKET, *span, "--html", page)
    times = [int(row.split(",")[0]) for row in REAL.read_text().splitlines()[1:]]
    begin, end = 1_675_329_600_000, 1_675_329_900_000
    assert found["summary"]["trades_read"] == sum(begin <= time < end for time in times) > 0
    html = page.read_text()
    assert html.count("<title>2023") == found["summary"]["fills"] > 0
    assert "ETHUSDT and its fills" in html
    assert not [word for word in ("http", "<script", "<link", "src=") if word in html]


def test_the_report_of_a_saved_ledger_has_the_figures_of_its_backtest(operator: Operator) -> None:
    backtest = operator.backtest(REAL, *QUIET_MARKET, "--into", "reported")
    run = operator.cdb("report", "--replay", "reported", "--json")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout, parse_float=Decimal)
    assert report["performance"] == backtest["performance"]
    assert (report["by_symbol"], report["by_strategy"]) == (backtest["by_symbol"], backtest["by_strategy"])
    assert (report["fills"], report["fees"]) == (backtest["summary"]["fills"], backtest["fees"])
    account = ("realised_by_average_of_position", "unrealised", "equity")
    assert [round(report[name], 8) for name in account] == [
        backtest["summary"][name] for name in ("realised_pnl", "unrealised_pnl", "equity")
    ]
    held = json.loads(operator.cdb("positions", "--replay", "reported", "--json").stdout, parse_float=Decimal)
    assert held["equity"] == report["equity"]
    assert {one["stop_price"] for one in held["positions"]} == {None}


def test_ctrl_c_leaves_a_ledger_that_holds_and_says_where_it_ended(operator: Operator, tmp_path: Path) -> None:
    file = write_tape(tmp_path / "long.csv", market_trades(200_000, seed=3))
    command = [sys.executable, "-m", "cdb", "backtest", str(file), "--into", "early"]
    with subprocess.Popen(command, env=operator.environment, cwd=ROOT, stdout=-1, stderr=-1, text=True) as process:
        until(lambda: signals_of(operator.replays.directory / "early"), within_s=120, what="the first signals")
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=60)
    assert (process.returncode, complained) == (130, "")
    assert "Interrupted: trades until 2023-11-1" in said
    assert operator.rows("early")["signals"]
    audit = operator.cdb("audit", "--replay", "early")
    assert audit.returncode == 0, audit.stdout + audit.stderr


def signals_of(place: Path) -> int:
    """How many signals the ledger of a replay that runs in *place* has."""
    found = Stack.attach(place) if place.exists() else None
    if found is None:
        return 0
    ledger = Ledger(address_of(found.config), application="test")
    try:
        return int(ledger.execute("SELECT count(*) FROM signals")[0][0])
    except ServerAway:
        return 0
    finally:
        ledger.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "yesterday"], "--from 'yesterday' is no time: 2026-01-31 or 2026-01-31T12:00 is allowed"),
        (["--from", "2026-01-02", "--to", "2026-01-01"], "--from 2026-01-02 must be before --to 2026-01-01"),
        (["--html", "/no/such/place.html"], "--html /no/such/place.html: there is no directory /no/such"),
        (["--html", "/"], "--html / is a directory: give the name of a file"),
        (["--to", "1970-01-01"], "none of the trades is in the span"),
        (["--set", "STOP_LOSS=0.1"], "STOP_LOSS in --set is not a setting: did you mean STOP_LOSS_PCT?"),
        (["--strategy", "momentum"], "CDB_STRATEGIES='momentum' is refused: there are mean_reversion_v1, momentum_v1"),
        (["--from", "2020-01-01", "--to", "2020-01-02"], "none of the trades is in the span"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_stays(operator: Operator, options: list[str], said: str) -> None:
    run = operator.cdb("backtest", str(REAL), *options)
    assert run.returncode in {1, 2}
    assert said in run.stderr
    assert not [*operator.replays.directory.glob("*/")]
