"""What a file of trades leads to, by the ledger and the result of a backtest, which are those of a replay."""

from pathlib import Path

import pytest

from tests.system.native.replay_operator import HEADER, NOON, QUIET_MARKET, REAL, Operator

pytestmark = pytest.mark.e2e

MIDNIGHT = 1_700_092_800_000  # the next one


def test_ids_that_cannot_be_used_cost_no_signal_and_wrong_rows_no_good_one(operator: Operator, tmp_path: Path) -> None:
    """Every id is 0; one row is of the year 2096, one has the price of a billion."""
    expected = operator.backtested(REAL, *QUIET_MARKET)
    header, *good = REAL.read_text().splitlines()
    rows = [",".join(["0" if place == 1 else cell for place, cell in enumerate(line.split(","))]) for line in good]
    rows[500:500] = ["4000000000000,0,ETHUSDT,buy,1667,1", f"{rows[500].split(',')[0]},0,ETHUSDT,buy,1e9,1"]
    file = tmp_path / "zeros.csv"
    file.write_text("\n".join([header, *rows]))
    found = operator.backtested(file, *QUIET_MARKET)
    assert found["signals"] == expected["signals"] > 0
    assert [(one["where"], one["reason"]) for one in found["refusals"]] == [
        ("line 502", "out_of_order"),
        ("line 503", "malformed"),
    ]
    assert "ids are made from the times" in found["notes"][0]


def test_a_purchase_at_the_highest_price_that_a_trade_may_have_is_filled(operator: Operator, tmp_path: Path) -> None:
    """The fill's price exceeds it, and is no message that nobody can handle."""
    prices = ["990000000", "991000000", "1000000000", "1000000000"]
    rows = [f"{NOON + n * 1000},{n + 71},DEARUSDT,buy,{price},1\n" for n, price in enumerate(prices)]
    file = tmp_path / "dear.csv"
    file.write_text(HEADER + "".join(rows))
    found = operator.backtested(file, "--set", "MOMENTUM_THRESHOLD_PCT=0.01")
    assert (found["fills"], found["dead_letters"]) == (1, 0)


def test_the_result_adds_up(operator: Operator) -> None:
    """Equity is what the account was opened with plus what was realised and what was not yet."""
    result = operator.backtested(REAL, *QUIET_MARKET)
    assert result["equity"] == 100_000 + result["realised_pnl"] + result["unrealised_pnl"]


def test_rows_that_are_no_trades_are_refused_by_line_and_the_rest_goes_on(operator: Operator, tmp_path: Path) -> None:
    """Several symbols, eight decimals, hours without a trade, equal timestamps, rows out of order, a broken row."""
    file = tmp_path / "mixed.csv"
    file.write_text(
        HEADER
        + f"{NOON},1,BTCUSDT,buy,64000.5,0.01\n"  # line 2
        + f"{NOON},2,BTCUSDT,sell,64000.4,0.02\n"  # the same millisecond
        + f"{NOON + 5},1,SHIBUSDT,buy,0.00001234,1000000.5\n"
        + f"{NOON + 4},3,BTCUSDT,buy,64000.6,0.01\n"  # another symbol's order does not matter
        + f"{NOON - 9},4,BTCUSDT,buy,64000.6,0.01\n"  # line 6: out of order
        + "this is no row\n"  # line 7
        + f"{NOON + 10},5,BTCUSDT,buy,NaN,0.01\n"  # line 8
        + f"{NOON + 11},6,BTCUSDT,buy,-5,0.01\n"  # line 9
        + f"{NOON + 7_200_000},7,BTCUSDT,sell,65000,0.01\n"
    )
    result = operator.backtested(file, "--max-invalid", "50")
    assert (result["trades_read"], result["refused"]) == (9, 4)
    assert [(refusal["where"], refusal["reason"]) for refusal in result["refusals"]] == [
        ("line 6", "out_of_order"),
        ("line 7", "malformed"),
        ("line 8", "not_a_number"),
        ("line 9", "not_positive"),
    ]


def swing(symbol: str, prices: list[str], *, start_ms: int, step_ms: int) -> list[str]:
    return [f"{start_ms + n * step_ms},{n + 1},{symbol},buy,{price},100\n" for n, price in enumerate(prices)]


def test_a_loss_trips_the_breaker_and_the_next_utc_day_resets_it(operator: Operator, tmp_path: Path) -> None:
    """Event time decides: the same rise is bought before midnight and after it, but not with the breaker tripped."""
    rise = [str(100 + n) for n in range(6)]
    crash = ["106", "60", "60", "60"]
    file = tmp_path / "night.csv"
    evening = MIDNIGHT - 600_000
    rows = [
        *swing("AAAUSDT", [*rise, *crash], start_ms=evening, step_ms=1_000),
        *swing("BBBUSDT", rise, start_ms=evening + 60_000, step_ms=1_000),
        f"{MIDNIGHT + 500},99,AAAUSDT,buy,60,1\n",  # what is held has a price of today
        *swing("CCCUSDT", rise, start_ms=MIDNIGHT + 1_000, step_ms=1_000),
    ]
    file.write_text(HEADER + "".join(rows))
    settings = ("--set", "MAX_DAILY_DRAWDOWN_PCT=0.02", "--set", "STOP_LOSS_PCT=0.9", "--set", "MOMENTUM_COOLDOWN_S=60")
    result = operator.backtested(file, *settings, "--into", "night")
    assert result["rejected"] == {"CIRCUIT_BREAKER_ACTIVE": 1}
    assert result["approved"] == 2
    rows_of = operator.rows("night")
    assert [(active, cause) for _, active, cause, *_ in rows_of["breaker"]] == [(True, "mark"), (False, "day_turn")]
    assert len(rows_of["equity"]) == 2


def test_a_stop_loss_goes_before_a_signal_on_the_same_trade(operator: Operator, tmp_path: Path) -> None:
    """The price that makes core say SELL has closed the position already: nothing is left to sell."""
    file = tmp_path / "stop.csv"
    prices = [*(str(100 + n) for n in range(6)), "90", "90"]
    file.write_text(HEADER + "".join(swing("AAAUSDT", prices, start_ms=NOON, step_ms=1_000)))
    result = operator.backtested(file, "--set", "MOMENTUM_COOLDOWN_S=5", "--into", "stop")
    assert result["stop_losses"] == 1
    assert result["rejected"].get("NO_POSITION") == 1
    audit = operator.cdb("audit", "--replay", "stop")
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_an_account_that_goes_all_in_pays_with_cash_that_it_has(operator: Operator, tmp_path: Path) -> None:
    """What the venue may charge at worst is never spent."""
    file = tmp_path / "all-in.csv"
    file.write_text(HEADER + "".join(swing("ETHUSDT", [str(100 + n) for n in range(6)], start_ms=NOON, step_ms=1_000)))
    settings = [f"{name}=1" for name in ("MAX_EXPOSURE_PCT", "MAX_POSITION_PCT", "ORDER_SIZE_PCT")]
    result = operator.backtested(file, *(word for one in settings for word in ("--set", one)), "--into", "all-in")
    assert (result["approved"], result["fills"]) == (1, 1)
    ((_, _, cash, *_),) = operator.rows("all-in")["account"]
    assert 0 < cash < 10_000
    audit = operator.cdb("audit", "--replay", "all-in")
    assert audit.returncode == 0, audit.stdout + audit.stderr
