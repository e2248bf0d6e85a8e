"""`cdb backtest --grid`: every line is what one backtest gives, and nothing that is finished is done again."""

import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from cdb.backtest.grid_kept import Kept
from tests.support.waiting import until
from tests.system.native.replay_operator import REAL, Operator

pytestmark = pytest.mark.e2e

FOUR: Final = ("--grid", "MOMENTUM_THRESHOLD_PCT=0.00008,0.0002", "--grid", "MOMENTUM_LOOKBACK_S=5,30", "--jobs", "2")
MANY: Final = (*FOUR, "--grid", "STOP_LOSS_PCT=0.01,0.02,0.03,0.04,0.05")
HALF: Final = "2023-02-02T09:21:45"


def kept_by(operator: Operator) -> Path:
    return operator.replays.directory.parent / "grid-results.jsonl"


def figures_of(single: dict[str, Any]) -> dict[str, Any]:
    """What one backtest says, as a line of a grid has it; but for fees, which it gives of closed trades alone."""
    summary, performance = single["summary"], single["performance"]
    names = ("trades_read", "signals", "approved", "fills", "stop_losses", "unrealised_pnl", "equity")
    shares = ("max_drawdown", "mean_exposure_share", "most_exposure_share")
    return {
        **{name: summary[name] for name in names},
        **{name: single[name] for name in shares},
        **{name: performance[name] for name in ("trades", "win_rate", "result")},
        "problem": None,
    }


def without_fees(outcome: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in outcome.items() if name != "fees"}


def as_options(settings: dict[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


def test_each_line_is_what_a_backtest_with_these_settings_gives_and_a_second_run_runs_none(operator: Operator) -> None:
    found = operator.backtest(REAL, *FOUR)
    lines = found["combinations"]
    assert len({tuple(line["settings"].items()) for line in lines}) == 4
    assert len({str(line["result"]) for line in lines}) == 4
    for line in lines:
        single = operator.backtest(REAL, *as_options(line["settings"]))
        assert without_fees(line["result"]) == figures_of(single)
        assert line["result"]["fees"] >= single["performance"]["fees"]
    results = [line["result"]["result"] for line in lines]
    assert results == sorted(results, reverse=True)
    assert (found["backtests"], found["interrupted"]) == ({"all": 4, "found": 0, "run": 4}, False)
    assert not list(operator.replays.directory.iterdir())

    kept = kept_by(operator).read_bytes()
    again = operator.backtest(REAL, *FOUR, "--sort", "drawdown")
    assert again["backtests"] == {"all": 4, "found": 4, "run": 0}
    falls = [line["result"]["max_drawdown"] for line in again["combinations"]]
    assert falls == sorted(falls)
    assert sorted(map(str, again["combinations"])) == sorted(map(str, lines))
    assert kept_by(operator).read_bytes() == kept


def test_a_walk_forward_shows_the_second_span_beside_the_first(operator: Operator) -> None:
    spans = ("--train", f"..{HALF}", "--test", f"{HALF}..")
    found = operator.backtest(REAL, "--grid", "MOMENTUM_THRESHOLD_PCT=0.00008,0.0002", "--jobs", "2", *spans)
    best, other = found["combinations"]
    assert best["train"]["result"] >= other["train"]["result"]
    for span, option in (("train", "--to"), ("test", "--from")):
        single = operator.backtest(REAL, *as_options(best["settings"]), option, HALF)
        assert without_fees(best[span]) == figures_of(single)
    assert best["train"]["trades_read"] + best["test"]["trades_read"] == Decimal(1000)


def interrupt(command: int) -> None:
    os.killpg(command, signal.SIGINT)  # as a terminal does: all processes of the command get it


def kill_the_command(command: int) -> None:
    os.kill(command, signal.SIGKILL)


def kill_a_worker(command: int) -> None:
    workers = [pid for pid in group(command) if "multiprocessing.spawn" in " ".join(psutil.Process(pid).cmdline())]
    os.kill(workers[0], signal.SIGKILL)


@pytest.mark.parametrize(
    ("end", "code", "complaint"),
    [
        (interrupt, 130, ""),
        (kill_the_command, -signal.SIGKILL, "(?s).*"),  # Python itself tells of semaphores that it cleaned up
        (kill_a_worker, 1, r"cdb: MOMENTUM_THRESHOLD_PCT=.*: a worker process was killed\. .* take fewer --jobs; .*\n"),
    ],
)
def test_an_ended_grid_leaves_nothing_running_and_goes_on_where_it_was(
    operator: Operator, end: Callable[[int], None], code: int, complaint: str
) -> None:
    kept = Kept(kept_by(operator))
    with operator.backtesting(REAL, *MANY, "--json") as process:
        until(kept.read, within_s=120, what="the first result is kept", every_s=0.02)
        end(process.pid)
        said, complained = process.communicate(timeout=120)
    assert process.returncode == code
    assert re.fullmatch(complaint, complained), complained
    until(lambda: not group(process.pid), what="no process of the command is left")
    done = len(kept.read())
    assert 1 <= done < 20
    if end is interrupt:
        assert f'"backtests":{{"all":20,"found":0,"run":{done}}},"interrupted":true' in said
    if end is not kill_the_command:
        assert not list(operator.replays.directory.iterdir())

    found = operator.backtest(REAL, *MANY)
    assert found["backtests"] == {"all": 20, "found": done, "run": 20 - done}
    assert len(found["combinations"]) == 20
    assert kept_by(operator).read_bytes().count(b"\n") == 20
    assert not list(operator.replays.directory.iterdir())


def group(number: int) -> list[int]:
    """Processes of a process group that are alive."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == number and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found
