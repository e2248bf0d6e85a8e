"""What a replay shows on a terminal."""

from decimal import Decimal

import pytest

from cdb.replay.summary import Summary
from cdb.replay.unhandled import Unhandled
from cdb.replay.view import progress_bar, show

ZERO = Decimal(0)
NOTHING = Summary(
    trades_read=12,
    refused=0,
    signals=0,
    approved=0,
    rejected={},
    fills=0,
    stop_losses=0,
    realised_pnl=ZERO,
    unrealised_pnl=ZERO,
    equity=Decimal(100_000),
)


def test_terminal_shows_rows_and_rate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    with progress_bar(quiet=False) as progress:
        progress.update(progress.add_task("trades.csv", total=100), completed=40)
        progress.refresh()
    shown = capsys.readouterr().err
    assert "trades.csv" in shown
    assert "40/100" in shown
    assert "rows/s" in shown


def test_what_is_no_terminal_gets_no_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with progress_bar(quiet=False) as progress:
        progress.update(progress.add_task("trades.csv", total=100), completed=40)
    assert capsys.readouterr().err == ""


def test_rows_and_messages_that_are_missing_are_listed_the_first_ones(capsys: pytest.CaptureFixture[str]) -> None:
    refusals = tuple({"where": f"line {n}", "reason": "malformed", "detail": "side [x]"} for n in range(12))
    letter = Unhandled("fills", "cdb_risk", "bad_message", "price", "ETHUSDT", 7, "line 9")
    summary = Summary(
        **{**vars(NOTHING), "refused": 12, "refusals": refusals, "dead_letters": 1, "unhandled": (letter,)}
    )
    show(summary)
    shown = capsys.readouterr().out.splitlines()
    assert shown.count("invalid trade at line 9: malformed, side [x]") == 1
    assert "and 2 more invalid trades" in shown
    assert not [line for line in shown if "line 10:" in line]
    assert "not handled: trade 7 of ETHUSDT (line 9), on fills, for cdb_risk: bad_message, price" in shown
    assert summary.problem is not None
    assert summary.problem.endswith("the first: " + str(letter))


def test_reason_for_no_signal_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    show(Summary(**{**vars(NOTHING), "why_no_signal": "no signal: the largest move"}))
    assert "no signal: the largest move" in capsys.readouterr().out.splitlines()


def test_sales_of_nothing_stand_apart_from_what_limits_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    rejected = {"NO_POSITION": 31, "EXPOSURE_LIMIT": 4}
    show(Summary(**{**vars(NOTHING), "signals": 42, "approved": 7, "rejected": rejected}))
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["rejected:", "EXPOSURE_LIMIT", "4"] in rows
    assert ["nothing", "to", "sell", "31"] in rows
    assert not [row for row in rows if "NO_POSITION" in row]
