"""What a grid shows."""

import pytest

from cdb.backtest.grid_view import LUCK, LUCK_IN_TRAINING, MOST_SHOWN, grid_json, grid_progress, problem_of, show_grid
from tests.unit.cdb.backtest.building import a_result, an_outcome

LOSS, GAIN, MORE = an_outcome(result="-3"), an_outcome(result="2"), an_outcome(result="7", trades=1)


def rows_of(shown: str) -> list[list[str]]:
    """The words of each line of the table, without its title."""
    lines = shown.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("ORDER_SIZE_PCT"))
    return [line.split() for line in lines[begin + 1 :] if line[:1].isdigit() and "%" not in line.split()[0]]


def test_the_table_has_the_best_first_and_warns_that_it_is_luck(capsys: pytest.CaptureFixture[str]) -> None:
    show_grid(a_result((LOSS,), (MORE,), (GAIN,)))
    shown = capsys.readouterr().out
    assert [row[:2] for row in rows_of(shown)[:3]] == [["2", "7.00"], ["3", "2.00"], ["1", "-3.00"]]
    assert "2 of 3 combinations gained; results from -3.00 to 7.00, median 2.00." in shown
    assert LUCK in shown
    assert "Results are kept in grid-results.jsonl; remove that file to begin anew." in shown


def test_the_test_stands_beside_the_training_that_sorts(capsys: pytest.CaptureFixture[str]) -> None:
    show_grid(a_result((LOSS, MORE), (MORE, LOSS), (GAIN, GAIN)))
    shown = capsys.readouterr().out
    trained_and_tested = [(row[0], row[1], row[4], row[-1]) for row in rows_of(shown)[:3]]
    assert trained_and_tested == [("2", "7.00", "-3.00", "3"), ("3", "2.00", "2.00", "2"), ("1", "-3.00", "7.00", "1")]
    assert LUCK_IN_TRAINING in shown
    assert "train: 2 of 3 combinations gained" in shown
    assert "test: 2 of 3 combinations gained" in shown


def test_equals_share_a_place_in_the_test(capsys: pytest.CaptureFixture[str]) -> None:
    show_grid(a_result((MORE, LOSS), (GAIN, MORE), (LOSS, MORE)))
    assert [row[-1] for row in rows_of(capsys.readouterr().out)[:3]] == ["3", "1", "1"]


def test_the_figure_that_sorts_is_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    show_grid(a_result((an_outcome(signals=4),), (an_outcome(signals=1_234),), sort="signals"))
    shown = capsys.readouterr().out
    assert "signals" in shown
    assert [row[-1] for row in rows_of(shown)[:2]] == ["1,234", "4"]


def test_an_interrupted_grid_shows_what_is_done_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    result = a_result((GAIN, None), (None, None))
    show_grid(result)
    shown = capsys.readouterr().out
    assert [row[0] for row in rows_of(shown)][:1] == ["1"]
    assert "Interrupted: 1 of 4 backtests are done. The same command goes on from there." in shown
    assert grid_json(result)["interrupted"]
    assert [row["test"] for row in grid_json(result)["combinations"]] == [None]


def test_a_span_without_trades_of_the_market_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    show_grid(a_result((GAIN, an_outcome(trades_read=0)), (LOSS, an_outcome(trades_read=0))))
    assert "There are no trades of the market in --test." in capsys.readouterr().out


def test_of_many_combinations_the_best_are_shown_and_json_has_all(capsys: pytest.CaptureFixture[str]) -> None:
    result = a_result(*((an_outcome(result=str(number)),) for number in range(MOST_SHOWN + 10)))
    show_grid(result)
    assert f"These are the best {MOST_SHOWN} of {MOST_SHOWN + 10}; --json has all." in capsys.readouterr().out
    assert len(grid_json(result)["combinations"]) == MOST_SHOWN + 10


def test_one_combination_is_no_choice_and_has_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    show_grid(a_result((GAIN,)))
    assert "luck" not in capsys.readouterr().out


def test_an_incomplete_result_is_a_problem_of_the_whole() -> None:
    assert problem_of(a_result((GAIN,))) is None
    said = problem_of(a_result((GAIN,), (an_outcome(problem="2 are lost"),), (LOSS,)))
    assert said == "1 of 3 results are incomplete; the first: 2 are lost"


def test_a_terminal_shows_how_many_backtests_are_done_of_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    with grid_progress(quiet=False) as progress:
        progress.update(progress.add_task("backtests", total=20), completed=3)
        progress.refresh()
    assert "3/20" in capsys.readouterr().err


@pytest.mark.parametrize("quiet", [True, False])
def test_what_is_no_terminal_gets_no_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, quiet: bool
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with grid_progress(quiet=quiet) as progress:
        progress.add_task("backtests", total=20)
    assert capsys.readouterr().err == ""


def test_on_a_narrow_terminal_no_figure_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    far = an_outcome(result="-12345.67", trades=1_234, win_rate="0.5", max_drawdown="0.5", fees="1234.56")
    for rows in [((far,), (far,)), ((far, far), (far, far))]:
        show_grid(a_result(*rows))
        shown = capsys.readouterr().out
        assert "…" not in shown
        assert shown.count("-12,345.67") >= 2 * len(rows[0])
