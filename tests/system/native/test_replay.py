"""Trades that happened, through the whole bot: the same file and settings give the same ledger, row for row."""

import gzip
import json
import shlex
import signal
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from cdb.running.native import Stack, processes
from tests.system.native.replay_operator import HEADER, NOON, QUIET_MARKET, REAL, Operator, reads

pytestmark = pytest.mark.e2e


def test_a_real_file_gives_the_same_ledger_every_time(operator: Operator) -> None:
    """A thousand trades; again into a new ledger; again into the first one, changing nothing."""
    first = operator.replay(REAL, *QUIET_MARKET, "--into", "first")
    assert (first["trades_read"], first["refused"]) == (1000, 0)
    assert min(first["signals"], first["approved"], first["fills"]) > 0
    assert first["signals"] == first["approved"] + sum(first["rejected"].values())
    assert operator.replay(REAL, *QUIET_MARKET, "--into", "second") == {**first, "ledger": "second"}
    rows = operator.rows("first")
    assert rows == operator.rows("second")
    assert operator.replay(REAL, *QUIET_MARKET, "--into", "first") == first
    assert operator.rows("first") == rows
    audit = operator.cdb("audit", "--replay", "first")
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_another_form_of_the_same_trades_gives_the_same_ledger(operator: Operator, tmp_path: Path) -> None:
    """Binance's form without a header, packed, in microseconds, the newest first, through a pipe of the shell."""
    expected = operator.backtested(REAL, *QUIET_MARKET, "--into", "ours")
    rows = [
        f"{trade},{price},{quantity},1,{ts}000,{side == 'sell'},True\n"
        for ts, trade, _, side, price, quantity in (line.split(",") for line in REAL.read_text().splitlines()[1:])
    ]
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress("".join(reversed(rows)).encode()))
    options = ["--symbol", "eth/usdt", *QUIET_MARKET, "--into", "theirs", "--json"]
    command = shlex.join([sys.executable, "-m", "cdb", "replay"])
    done = operator.run("bash", "-c", f"{command} <(zcat {packed}) {shlex.join(options)}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout, parse_float=Decimal)
    notes = ["times are microseconds", "the newest trade comes first; the file is read from its end"]
    assert found == {**expected, "ledger": "theirs", "notes": notes}
    assert operator.rows("theirs") == operator.rows("ours")
    assert not [path for path in (operator.replays.directory).iterdir() if path.name not in {"ours", "theirs"}]


def test_a_kept_ledger_gets_a_name_of_its_own(operator: Operator) -> None:
    """Without being told one; the audit takes it."""
    names = [run(REAL, "--keep")["ledger"] for run in (operator.backtested, operator.replay)]
    assert names == [REAL.stem, f"{REAL.stem}-2"]
    audit = operator.cdb("audit", "--replay", names[1])
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_an_unkept_replay_leaves_nothing_behind(operator: Operator, tmp_path: Path) -> None:
    """Nothing but its result; here that no price moved far enough for a signal, and how far one did."""
    result = operator.replay(REAL)
    assert result["signals"] == 0
    assert "MOMENTUM_THRESHOLD_PCT=0.004 asks for 0.4 %" in result["why_no_signal"]
    assert operator.replays.names() == []
    assert not list((tmp_path / "replays").glob("*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_replay_like_ctrl_c_and_until_then_nobody_else_uses_it(
    operator: Operator, tmp_path: Path, number: signal.Signals
) -> None:
    name = () if number == signal.SIGHUP else ("--into", "eth")
    with operator.replaying(*name) as process:
        [place] = (tmp_path / "replays").iterdir()
        stack = Stack.attach(place)
        assert stack
        left = processes.of_stack(stack.config)
        others = [["clean", "--yes"]]
        if name:
            others += [["replays", "remove", "eth", "--yes"], ["replay", str(REAL), *name]]
            others += [["audit", "--replay", "eth"]]
        for words in others:
            refused = operator.cdb(*words)
            assert refused.returncode == (3 if "audit" in words else 1), refused.stderr
            busy = f"replay {place.name} is in use by `cdb replay` (pid {process.pid}): try again when it has finished"
            assert refused.stderr == f"cdb: {busy}\n"
        assert reads(place)
        process.send_signal(number)
        process.communicate(timeout=120)
    assert process.returncode == 128 + number
    assert [one for one in left if one.is_running()] == []
    assert not list((tmp_path / "replays").iterdir())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "line 1"),
        ("a,b,c\n1,2,3\n", "ts_ms,trade_id,symbol,side,price,quantity"),
        (HEADER, "none of its 0 rows"),
        (HEADER + "rubbish\n", "none of its 1 rows"),
        (HEADER + f"{NOON},1,XUSDT,buy,1,1\nrubbish\n", "1 of its 2 rows are no valid trades"),
    ],
)
def test_a_file_that_is_no_tape_is_refused_in_one_line(
    operator: Operator, tmp_path: Path, text: str, named: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    result = operator.cdb("replay", str(file))
    assert result.returncode == 1
    assert named in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["missing.csv"], "missing.csv"),
        ([str(REAL), "--speed", "0"], "--speed"),
        ([str(REAL), "--set", "nonsense"], "NAME=VALUE"),
        ([str(REAL), "--symbol", "no pair!"], "--symbol"),
        ([str(REAL), "--time-unit", "fortnights"], "--time-unit"),
        ([str(REAL), "--max-invalid", "101"], "--max-invalid"),
        ([str(REAL), "--into", "../outside"], "../outside"),
        ([str(REAL), "--set", "MAX_POSITION_PCT=5"], "MAX_POSITION_PCT='5' is refused"),
        ([str(REAL), "--set", "STOP_LOSS=0.01"], "STOP_LOSS in --set is not a setting: did you mean STOP_LOSS_PCT?"),
        ([str(REAL), "--set", "MAX_POSITION_PCT=0.05"], "ORDER_SIZE_PCT=0.085 and MAX_POSITION_PCT=0.05 cannot work"),
        ([str(REAL), "--set", "CDB_SOURCE=simulated"], "--set CDB_SOURCE is refused: a replay sets it itself"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(operator: Operator, arguments: list[str], named: str) -> None:
    result = operator.cdb("replay", *arguments)
    assert result.returncode != 0
    assert named in result.stderr
    assert "Traceback" not in result.stderr
