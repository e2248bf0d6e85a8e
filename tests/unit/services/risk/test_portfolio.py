"""What is held, owed and on its way."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.risk.portfolio import Book, Portfolio
from tests.support.building import NOW, a_mark, a_portfolio, an_order, in_flight, quick


def test_equity_is_cash_and_positions_at_their_newest_prices() -> None:
    portfolio = a_portfolio(cash=1_000, held={"BTCUSDT": (2, 150), "ETHUSDT": (3, 90)}, prices={"ETHUSDT": "30.5"})
    assert portfolio.equity() == 1_000 + 2 * 100 + 3 * Decimal("30.5")


def test_position_without_a_price_is_worth_what_it_has_cost_and_makes_the_portfolio_unmarked() -> None:
    portfolio = a_portfolio(cash=1_000, held={"ETHUSDT": (3, 90)})
    assert portfolio.is_marked()
    portfolio.marks = {}
    assert portfolio.equity() == 1_090
    assert not portfolio.is_marked()


def test_orders_in_flight_are_exposure_if_they_buy() -> None:
    portfolio = a_portfolio(
        held={"ETHUSDT": (3, 90)},
        in_flight=(
            in_flight("BTCUSDT", "BUY", quantity=2),
            in_flight("SOLUSDT", "BUY", quantity=1, price=7),
            in_flight("ETHUSDT", "SELL", quantity=3),
        ),
    )
    assert portfolio.exposure() == 300 + 200 + 7
    assert portfolio.committed("BTCUSDT") == 200
    assert portfolio.committed("ETHUSDT") == 300
    assert portfolio.position_value("BTCUSDT") == 0


def test_placed_order_joins_exposure_rate_and_book() -> None:
    portfolio = a_portfolio()
    order = an_order(quantity=Decimal(2))
    portfolio.place(order)
    assert portfolio.exposure() == 200
    assert portfolio.orders_last_minute == 1
    assert [one.order_id for one in portfolio.as_book().in_flight] == [order.order_id]
    assert portfolio.book.in_flight == ()


def test_drawdown_is_the_loss_since_the_day_opened() -> None:
    assert a_portfolio(cash=98_750).drawdown() == Decimal("0.0125")


def test_day_that_has_not_opened_has_no_drawdown() -> None:
    assert a_portfolio(cash=5, reference_equity=None).drawdown() == 0


def test_nothing_to_lose_counts_as_all_lost() -> None:
    assert a_portfolio(reference_equity=Decimal(0)).drawdown() == 1


def test_trade_is_news_if_it_is_later_or_at_the_same_instant_with_a_higher_id() -> None:
    mark = a_mark(100, ts_event=NOW, trade_id=7)
    assert mark.is_older_than(NOW, 8)
    assert mark.is_older_than(NOW + 1, 1)
    assert not mark.is_older_than(NOW, 7)
    assert not mark.is_older_than(NOW - 1, 9)


amounts = st.decimals(-1_000_000, 1_000_000, places=2)


@quick
@given(amounts, amounts)
def test_drawdown_is_never_negative(cash: Decimal, reference: Decimal) -> None:
    portfolio = Portfolio(Book(cash=cash, reference_equity=reference), {})
    assert portfolio.drawdown() >= 0
    assert (portfolio.drawdown() == 0) == (cash >= reference > 0)
