"""In which order a grid's table is."""

from typing import Any

import pytest

from cdb.backtest.outcome import FIGURES, Outcome, best_first
from tests.unit.cdb.backtest.building import an_outcome


def in_order(name: str, *outcomes: Outcome | None) -> list[Outcome | None]:
    return best_first(outcomes, name, lambda outcome: outcome)


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("result", {"result": "1.5"}, {"result": "-20"}),
        ("trades", {"trades": 10}, {"trades": 9}),
        ("won", {"win_rate": "0.6"}, {"win_rate": "0.5"}),
        ("drawdown", {"max_drawdown": "0.09"}, {"max_drawdown": "0.1"}),
        ("fees", {"fees": "9"}, {"fees": "10"}),
        ("unrealised", {"unrealised_pnl": "1"}, {"unrealised_pnl": "-1"}),
        ("equity", {"equity": "100001"}, {"equity": "99999"}),
        ("exposure", {"mean_exposure_share": "0.1"}, {"mean_exposure_share": "0.2"}),
        ("signals", {"signals": 10}, {"signals": 9}),
    ],
)
def test_the_better_one_comes_first(name: str, better: dict[str, Any], worse: dict[str, Any]) -> None:
    first, second = an_outcome(**better), an_outcome(**worse)
    assert in_order(name, second, first) == in_order(name, first, second) == [first, second]


def test_each_figure_that_can_be_sorted_by_is_tried_above() -> None:
    tried = {parameters[0] for parameters in test_the_better_one_comes_first.pytestmark[0].args[1]}
    assert tried == {*FIGURES}


def test_what_has_no_such_figure_comes_last_and_equals_stay_in_their_order() -> None:
    without, zero, other = an_outcome(win_rate=None), an_outcome(win_rate="0"), an_outcome(win_rate="0", fees="1")
    assert in_order("won", without, None, zero, other) == [zero, other, without, None]
    assert in_order("won", other, zero, without) == [other, zero, without]
