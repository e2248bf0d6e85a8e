"""What Grafana would ask Prometheus for is what is asked."""

import pytest

from cdb.dashboard.model.dashboards import Dashboard, Templating, Variable
from cdb.dashboard.model.variables import UnknownVariable, asked_by, choices, substitute

SYMBOL = Variable(name="symbol", query="label_values(cdb_signals_generated_total, symbol)")
BOARD = Dashboard(title="Board", uid="board", templating=Templating(list=(SYMBOL,)))


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [
        ((), '{symbol=~".*"}'),
        (("BTCUSDT",), '{symbol=~"BTCUSDT"}'),
        (("BTCUSDT", "ETHUSDT"), '{symbol=~"(BTCUSDT|ETHUSDT)"}'),
        (("A.B",), r'{symbol=~"A\\.B"}'),
    ],
)
def test_chosen_values_become_a_regular_expression(chosen: tuple[str, ...], asked: str) -> None:
    assert substitute('{symbol=~"$symbol"}', BOARD, {"symbol": chosen}) == asked
    assert substitute('{symbol=~"${symbol:regex}"}', BOARD, {"symbol": chosen}) == asked


def test_the_variables_of_time_are_grafanas() -> None:
    assert substitute("$__rate_interval ${__range}", BOARD, range_s=900) == "60s 900s"


def test_what_belongs_to_label_replace_stays() -> None:
    text = 'label_replace(up, "a", "$1 ${2}", "b", "(.+)(.+)")'
    assert substitute(text, BOARD) == text


def test_a_variable_that_is_not_there_is_named() -> None:
    with pytest.raises(
        UnknownVariable, match=r"\$symbols is not a variable of Board; known: \$symbol, \$__rate_interval, \$__range"
    ):
        substitute("$symbols", BOARD)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("label_values(up, job)", ("up", "job")),
        ('label_values(up{job="a", instance=~"b,c"}, instance)', ('up{job="a", instance=~"b,c"}', "instance")),
        ("label_values(job)", None),
        ("metrics(cdb_.*)", None),
    ],
)
def test_the_selector_and_label_of_a_variables_query_are_found(query: str, asked: tuple[str, str] | None) -> None:
    assert asked_by(Variable(name="x", query=query)) == asked
    assert asked_by(Variable(name="x", query={"query": query, "refId": "A"})) == asked


def test_only_variables_with_a_supported_query_offer_values() -> None:
    board = Dashboard(title="", uid="", templating=Templating(list=(SYMBOL, Variable(name="c", query="a,b"))))
    offered = choices(board, lambda selector, label: (f"{selector} {label}",))
    assert offered == {"symbol": ("cdb_signals_generated_total symbol",)}
