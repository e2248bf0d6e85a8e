"""`cdb flatten` on a real ledger, beside what cdb_risk and cdb_execution do."""

import json
from collections.abc import Iterator

import pytest

from cdb.flatten.sales import wait_sold
from tests.integration.services.risk.live_risk import held
from tests.support.cli import on_a_terminal, run_cdb
from tests.support.operators import answering
from tests.support.servers import Database
from tests.support.trading import TradingDay

pytestmark = pytest.mark.integration


@pytest.fixture
def day(database: Database) -> Iterator[TradingDay]:
    """Give a day on which two symbols are held."""
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    day.price("ETHUSDT", "10")
    day.trade("BUY", "BTCUSDT", "ETHUSDT")
    day.price("ETHUSDT", "11")
    yield day
    day.close()


def test_everything_is_closed_and_the_prices_are_shown(database: Database, day: TradingDay) -> None:
    with answering(day) as desk:
        said = run_cdb("flatten", "--yes", "--why", "holidays", "--json", environment=desk.environment())
    assert said.returncode == 0, said.stderr
    assert held(database) == {}
    found = json.loads(said.stdout)
    fills = database.query(
        "SELECT o.symbol, f.price, f.realised_pnl FROM fills f JOIN orders o USING (order_id)"
        " WHERE cause = 'operator' ORDER BY f.fill_seq"
    )
    assert [(one["symbol"], one["price"], one["result"]) for one in found["sales"]] == [
        (symbol, pytest.approx(float(price)), pytest.approx(float(result))) for symbol, price, result in fills
    ]
    assert found["result"] == pytest.approx(float(sum(result for *_, result in fills)))
    assert (found["left"], found["action"]["why"]) == ([], "holidays")
    assert run_cdb("audit", environment=database.environment()).returncode == 0


def test_one_symbol_is_closed(database: Database, day: TradingDay) -> None:
    with answering(day) as desk:
        said = run_cdb("flatten", "ETHUSDT", "--yes", environment=desk.environment())
    assert said.returncode == 0, said.stderr
    assert set(held(database)) == {"BTCUSDT"}
    assert "ETHUSDT" in said.stdout
    assert "Result after fees: " in said.stdout


@pytest.mark.parametrize(("answer", "code", "left"), [("n\n", 1, 2), ("y\n", 0, 0)])
def test_the_figures_are_shown_before_the_answer_decides(
    database: Database, day: TradingDay, answer: str, code: int, left: int
) -> None:
    with answering(day) as desk:
        environment = {**desk.environment(), "CDB_STATE_DIR": "/nonexistent"}
        said = on_a_terminal("flatten", environment=environment, answer=answer, columns=120)
    before, _, after = said.stdout.partition("Sell all of this now?")
    assert "estimated result" in before
    assert "BTCUSDT" in before
    assert ("Result after fees" in after) == (code == 0)
    assert (said.returncode, len(held(database))) == (code, left)


def test_where_nothing_is_held_it_says_so(database: Database) -> None:
    day = TradingDay(database)
    day.price("BTCUSDT", "100")
    with answering(day) as desk:
        said = run_cdb("flatten", "--yes", environment=desk.environment())
    day.close()
    assert (said.returncode, said.stderr) == (1, "cdb: nothing to close: no position is open\n")


def test_without_a_terminal_nobody_is_asked_and_nothing_is_sold(database: Database, day: TradingDay) -> None:
    with answering(day) as desk:
        said = run_cdb("flatten", "ETHUSDT", environment=desk.environment())
    assert said.returncode == 1
    assert "`cdb flatten ETHUSDT --yes` runs without asking" in said.stderr
    assert len(held(database)) == 2


def test_an_order_that_is_not_filled_in_time_is_named(database: Database, day: TradingDay) -> None:
    answer = day.act("flatten", "ETHUSDT")
    ledger = database.ledger()
    positions = [one["position_id"] for one in answer.details["positions"]]
    sold = wait_sold(ledger, answer.action.action_id, positions, within_s=0)
    assert [(one.symbol, one.strategy) for one in sold.left] == [("ETHUSDT", "momentum_v1")]
    assert [(one.state, one.price) for one in sold.sales] == [("placed", None)]
    day.execute()
    assert wait_sold(ledger, answer.action.action_id, positions, within_s=0).left == []
