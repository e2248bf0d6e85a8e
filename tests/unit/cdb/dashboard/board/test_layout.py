"""Grafana's grid on a terminal of any width."""

import pytest

from cdb.dashboard.board import kinds
from cdb.dashboard.board.layout import Place, placed
from cdb.dashboard.model.dashboards import Dashboard, GridPos, Panel
from tests.unit.cdb.dashboard.board.panels import BOARDS


def _panel(title: str, *, x: int, y: int, w: int, h: int) -> Panel:
    return Panel(type="stat", title=title, grid_pos=GridPos(x=x, y=y, w=w, h=h))


def _places(width: int, *panels: Panel, least: int = 10) -> dict[str, tuple[int, int, int, int]]:
    found = placed(panels, width, least=lambda _: least, rows=lambda panel, _: panel.grid_pos.h)
    return {place.panel.title: (place.x, place.y, place.width, place.height) for place in found}


def test_a_wide_terminal_has_the_grid_as_it_is() -> None:
    found = _places(
        96, _panel("a", x=0, y=0, w=6, h=4), _panel("b", x=6, y=0, w=18, h=4), _panel("c", x=0, y=4, w=24, h=8)
    )
    assert found == {"a": (0, 0, 24, 4), "b": (24, 0, 72, 4), "c": (0, 4, 96, 8)}


def test_a_narrow_terminal_has_what_does_not_fit_below() -> None:
    found = _places(20, _panel("a", x=0, y=0, w=12, h=4), _panel("b", x=12, y=0, w=12, h=5), least=15)
    assert found == {"a": (0, 0, 20, 4), "b": (0, 4, 20, 5)}


def test_four_that_fit_three_to_a_line_are_two_and_two() -> None:
    found = _places(40, *(_panel(name, x=6 * at, y=0, w=6, h=4) for at, name in enumerate("abcd")), least=12)
    assert found == {"a": (0, 0, 20, 4), "b": (20, 0, 20, 4), "c": (0, 4, 20, 4), "d": (20, 4, 20, 4)}


def test_two_beside_a_tall_one_stay_one_below_the_other() -> None:
    tall, upper, lower = (
        _panel("tall", x=0, y=0, w=12, h=16),
        _panel("upper", x=12, y=0, w=12, h=8),
        _panel("lower", x=12, y=8, w=12, h=8),
    )
    assert _places(80, lower, upper, tall) == {
        "tall": (0, 0, 40, 16),
        "upper": (40, 0, 40, 8),
        "lower": (40, 8, 40, 8),
    }


@pytest.mark.parametrize("width", [40, 80, 81, 120, 200, 301])
@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_the_panels_of_a_board_cover_every_cell_once(board: Dashboard, width: int) -> None:
    places = placed(board.shown, width, least=kinds.narrowest, rows=lambda panel, _: panel.grid_pos.h)
    assert [place.panel.id for place in places] == [panel.id for panel in board.shown]
    cells = [cell for place in places for cell in _cells(place)]
    assert len(cells) == len(set(cells)) == width * max(place.y + place.height for place in places)


def _cells(place: Place) -> list[tuple[int, int]]:
    return [(x, y) for x in range(place.x, place.x + place.width) for y in range(place.y, place.y + place.height)]
