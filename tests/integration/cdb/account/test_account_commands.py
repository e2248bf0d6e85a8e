"""`cdb positions`, `trades`, `pnl` and `report` as an operator reads them."""

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from services.risk.limits import Limits
from tests.support.cli import run_cdb
from tests.support.servers import Database, Servers
from tests.support.trading import TradingDay, trade_a_day

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def traded(servers: Servers) -> Iterator[Database]:
    """Give a ledger with a gain, a loss, a stop loss, a position closed by an operator and two open ones."""
    database = servers.make_database()
    day = TradingDay(database)
    trade_a_day(day)
    day.close()
    yield database
    servers.drop_database(database)


def shown(database: Database, *words: str, **environment: str) -> str:
    run = run_cdb(*words, environment=database.environment(**environment))
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_position_is_shown_with_all_that_it_is_worth(traded: Database) -> None:
    found = json.loads(shown(traded, "positions", "--json", STOP_LOSS_PCT="0.05"))
    held = traded.query(
        "SELECT symbol, quantity, cost, price FROM positions JOIN marks USING (symbol) WHERE quantity > 0"
    )
    ((cash,),) = traded.query("SELECT cash FROM account")
    equity = cash + sum(quantity * price for _, quantity, _, price in held)
    assert {one["symbol"] for one in found["positions"]} == {symbol for symbol, *_ in held} == {"SOLUSDT", "LTCUSDT"}
    for symbol, quantity, cost, price in held:
        (one,) = (one for one in found["positions"] if one["symbol"] == symbol)
        assert one["strategy"] == "momentum_v1"
        assert (one["quantity"], one["price"]) == (float(quantity), float(price))
        expected = {
            "entry": cost / quantity,
            "value": quantity * price,
            "share_of_equity": quantity * price / equity,
            "unrealised": quantity * price - cost,
            "stop_price": cost / quantity * Decimal("0.95"),
        }
        assert {name: one[name] for name in expected} == pytest.approx({name: float(x) for name, x in expected.items()})
        assert one["price_age_s"] > 24 * 3600
        assert one["opened_at"].startswith("2026-11-20T12:00:")
    assert found["total"]["unrealised"] == pytest.approx(sum(one["unrealised"] for one in found["positions"]))
    assert found["equity"] == pytest.approx(float(equity))


def test_the_stop_loss_shown_is_the_price_at_which_risk_sells(database: Database) -> None:
    day = TradingDay(database, Limits(stop_loss=Decimal("0.03")))
    day.price("BTCUSDT", "100")
    day.trade("BUY", "BTCUSDT")
    (one,) = json.loads(shown(database, "positions", "--json", STOP_LOSS_PCT="0.03"))["positions"]
    stop = Decimal(str(one["stop_price"]))
    day.price("BTCUSDT", str(round(stop, 6) + Decimal("0.0001")))
    assert not day.waiting
    day.price("BTCUSDT", str(round(stop, 6) - Decimal("0.0001")))
    assert len(day.waiting) == 1
    day.close()


def test_people_read_positions_trades_and_results(traded: Database) -> None:
    positions = shown(traded, "positions")
    assert "total" in positions
    assert "Equity 9" in positions
    *_, xrp, ltc = shown(traded, "trades").splitlines()
    assert [line.split()[:2] for line in (xrp, ltc)] == [["momentum_v1", "XRPUSDT"], ["momentum_v1", "LTCUSDT"]]
    assert xrp.endswith("stop loss")
    assert ltc.split()[-1] == "operator"
    *_, account = shown(traded, "pnl", "--by", "symbol").splitlines()
    ((kept, fees),) = traded.query("SELECT realised_pnl, (SELECT sum(fee) FROM fills) FROM account")
    assert account.split() == ["realised", "by", "the", "account", f"{kept:,.2f}", f"{fees:,.2f}"]


def test_the_last_trades_are_the_newest(traded: Database) -> None:
    whole = json.loads(shown(traded, "trades", "--json"))["trades"]
    assert [trade["symbol"] for trade in whole] == ["BTCUSDT", "ETHUSDT", "XRPUSDT", "LTCUSDT"]
    assert json.loads(shown(traded, "trades", "--last", "2", "--json"))["trades"] == whole[2:]
    assert "These are the newest 2 of 4" in shown(traded, "trades", "--last", "2")


@pytest.mark.parametrize("command", ["positions", "trades", "pnl"])
def test_csv_has_the_rows_of_json(traded: Database, command: str) -> None:
    found = json.loads(shown(traded, command, "--json"))
    rows = [*csv.DictReader(io.StringIO(shown(traded, command, "--csv")))]
    of_json = {"positions": "positions", "trades": "trades", "pnl": "groups"}[command]
    assert len(rows) == len(found[of_json]) > 0
    if command == "pnl":
        assert {row["day"]: float(row["result"]) for row in rows} == {
            day: figures["result"] for day, figures in found["groups"].items()
        }
    else:
        assert [row["position_id"] for row in rows] == [one["position_id"] for one in found[of_json]]


def test_the_report_says_what_there_is_and_dashes_what_there_is_not(traded: Database) -> None:
    said = shown(traded, "report")
    cells = [line.strip().rsplit("  ", 1) for line in said.splitlines() if "  " in line.strip()]
    lines = {name.strip(): value for name, value in cells}
    assert (lines["closed trades"], lines["won"]) == ("4", "25.00 %")
    assert lines["sharpe ratio"] == "- (not enough data)"
    assert "SOLUSDT" not in said.split("Symbol")[1]  # not closed


def test_the_page_needs_no_network_and_the_files_are_written(traded: Database, tmp_path: Path) -> None:
    page, rows = tmp_path / "page.html", tmp_path / "rows.csv"
    shown(traded, "report", "--html", str(page), "--csv", str(rows))
    html = page.read_text()
    assert "<h1>Report of" in html
    assert "XRPUSDT" in html
    assert html.count("<svg") >= 1
    assert not [word for word in ("http", "<script", "<link", "src=") if word in html]
    ((fills,),) = traded.query("SELECT count(*) FROM fills")
    assert rows.read_bytes().count(b"\r\n") == fills + 1
    assert shown(traded, "report", "--csv", "-").splitlines() == rows.read_text().splitlines()


@pytest.fixture
def unopened(database: Database) -> Database:
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.close()
    return database


def test_an_account_that_has_not_traded_says_so(unopened: Database) -> None:
    assert shown(unopened, "positions") == "Nothing is held. Cash: 100,000.00.\n"
    assert shown(unopened, "trades") == "No trade has been closed.\n"
    assert json.loads(shown(unopened, "report", "--json"))["performance"]["win_rate"] is None
    *_, closed, _, _ = shown(unopened, "pnl").splitlines()
    assert closed.split() == ["closed", "trades", "0", "-", "0.00", "0.00"]
    assert shown(unopened, "report", "--csv", "-").count("\n") == 1


def test_a_ledger_without_an_account_is_not_there_yet(database: Database) -> None:
    run = run_cdb("report", environment=database.environment())
    assert (run.returncode, run.stderr) == (
        3,
        "cdb: PostgreSQL: the ledger has no account yet; cdb_risk opens it when it first runs\n",
    )


def test_results_that_do_not_add_up_are_told(traded: Database, servers: Servers) -> None:
    copy = servers.make_database(template=traded.name)
    copy.query("UPDATE account SET realised_pnl = realised_pnl + 1")
    run = run_cdb("pnl", environment=copy.environment())
    assert run.returncode == 1
    assert "do not add up to the account's realised result" in run.stderr
    servers.drop_database(copy)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["positions", "--since", "soon"], "--since 'soon' is not a length of time"),
        (["trades", "--since", "2026-13-01"], "--since '2026-13-01' is no time"),
        (["pnl", "--json", "--csv"], "--json and --csv cannot be used together"),
        (["report", "--html", "/no/such/place.html"], "--html /no/such/place.html: there is no directory /no/such"),
        (["report", "--csv", "/"], "--csv / is a directory: give the name of a file"),
        (["report", "--csv", "-", "--json"], "choose one"),
    ],
)
def test_wrong_options_are_refused_by_name(words: list[str], complaint: str) -> None:
    run = run_cdb(*words, environment={})
    assert (run.returncode, run.stdout) == (2, "")
    assert complaint in run.stderr
