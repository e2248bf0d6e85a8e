"""docs/figures.md: the definition of every figure, as the code has it."""

from cdb.kit.figures_page import PAGE, page
from services.performance.equity import EquityCurve
from services.performance.figures import OF_EQUITY, OF_TRADES
from services.performance.trades import TradeFigures

ROWS_OF_DAYS = {"closes", "daily_returns"}


def test_the_page_is_what_the_definitions_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make generate"


def test_every_figure_that_is_computed_is_defined() -> None:
    properties = {
        name for kind in (TradeFigures, EquityCurve) for name, what in vars(kind).items() if isinstance(what, property)
    }
    assert properties - ROWS_OF_DAYS <= {figure.name for figure in (*OF_TRADES, *OF_EQUITY)}
