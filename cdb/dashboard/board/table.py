"""Table panels: the answers of a panel's queries joined into rows, arranged as its transformations say."""

import math
from collections.abc import Mapping
from typing import Any, Final

from rich.cells import cell_len
from rich.text import Text

from cdb.dashboard.board.answers import Answer
from cdb.dashboard.board.colours import FAINT, PLAIN
from cdb.dashboard.board.lines import cut, fitted
from cdb.dashboard.board.look import look_of
from cdb.dashboard.model.model import Panel

Cell = str | float
Row = dict[str, Cell]
_GAP: Final = "  "
_NARROWEST: Final = 6


def draw(panel: Panel, answer: Answer, width: int, height: int) -> list[Text]:
    """Return the table with its head; columns of figures stand to the right."""
    rows, names = arranged(panel, answer)
    if not names:
        return []
    texts = {name: [_text(panel, name, row.get(name)) for row in rows] for name in names}
    widths = _widths({name: [name, *texts[name]] for name in names}, width)
    figures = {name for name in names if any(isinstance(row.get(name), float) for row in rows)}

    def line(cells: Mapping[str, tuple[str, str]]) -> Text:
        parts = (
            fitted(*_first(cells[name], widths[name]), align="right" if name in figures else "left") for name in widths
        )
        return Text(_GAP, no_wrap=True).join(parts)

    head = line({name: (name, f"bold {FAINT}") for name in names})
    body = [
        line({name: (texts[name][at], _style(panel, name, row.get(name))) for name in names})
        for at, row in enumerate(rows)
    ]
    return [head, *cut(body, height - 1)]


def rows(panel: Panel, answer: Answer) -> int:
    """Return how many lines the whole table needs."""
    return 1 + len(arranged(panel, answer)[0])


def arranged(panel: Panel, answer: Answer) -> tuple[list[Row], list[str]]:
    """Return the rows, and the names of the columns in their order."""
    found = _joined(panel, answer)
    names = list(dict.fromkeys(name for row in found for name in row))
    for transformation in panel.transformations:
        options = transformation.options
        if transformation.id == "organize":
            found, names = _organized(found, names, options)
        elif transformation.id == "filterFieldsByName":
            wanted = options.get("include", {}).get("names", names)
            names = [name for name in names if name in wanted]
        elif transformation.id == "sortBy":
            found = _sorted(found, [(by["field"], by.get("desc", False)) for by in options.get("sort", [])])
    found = _sorted(found, [(by["displayName"], by.get("desc", False)) for by in panel.options.get("sortBy", [])])
    return found, names


def _joined(panel: Panel, answer: Answer) -> list[Row]:
    """Return a row for each set of labels, or for each value of the label that a joinByField names."""
    by = next((t.options.get("byField") for t in panel.transformations if t.id == "joinByField"), None)
    several = len({query.ref_id for query in panel.targets if not query.hide}) > 1
    joined: dict[object, Row] = {}
    for series in answer.series:
        labels = {by: series.labels.get(by, "")} if by else dict(series.labels)
        row = joined.setdefault(tuple(sorted(labels.items())), dict(labels))
        row[f"Value #{series.ref_id}" if several else "Value"] = series.last
    return list(joined.values())


def _organized(found: list[Row], names: list[str], options: Mapping[str, Any]) -> tuple[list[Row], list[str]]:
    left_out, places = options.get("excludeByName", {}), options.get("indexByName", {})
    renamed, only = options.get("renameByName", {}), options.get("includeByName", {})
    kept = [name for name in names if not left_out.get(name, False) and (not only or only.get(name, False))]
    kept.sort(key=lambda name: places.get(name, len(places) + names.index(name)))
    called = {name: renamed.get(name) or name for name in kept}
    return [{called[n]: v for n, v in row.items() if n in called} for row in found], list(called.values())


def _sorted(found: list[Row], keys: list[tuple[str, bool]]) -> list[Row]:
    for name, descending in reversed(keys):
        found = sorted(found, key=lambda row, name=name: _order(row.get(name)), reverse=descending)  # type: ignore[misc]
    return found


def _order(cell: Cell | None) -> tuple[int, float, str]:
    if isinstance(cell, float):
        return (0, -math.inf, "") if math.isnan(cell) else (1, cell, "")
    return (0, -math.inf, "") if cell is None else (1, 0.0, cell)


def _text(panel: Panel, name: str, cell: Cell | None) -> str:
    if isinstance(cell, str):
        return cell
    return look_of(panel, name).text(cell)


def _style(panel: Panel, name: str, cell: Cell | None) -> str:
    look = look_of(panel, name)
    kind = str(look.settings.custom.get("cellOptions", {}).get("type", "auto"))
    if not isinstance(cell, float) or kind not in {"color-text", "color-background", "gauge"}:
        return PLAIN
    return f"#111111 on {look.colour(cell)}" if kind == "color-background" else look.colour(cell)


def _widths(columns: Mapping[str, list[str]], width: int) -> dict[str, int]:
    """Return how wide each column is; the widest gives way until all fit, and the last are left out if it cannot."""
    found = {name: max(cell_len(text) for text in texts) for name, texts in columns.items()}
    while (over := sum(found.values()) + len(_GAP) * (len(found) - 1) - width) > 0:
        widest = max(found, key=lambda name: found[name])
        if found[widest] > _NARROWEST:
            found[widest] = max(_NARROWEST, found[widest] - over)
        elif len(found) > 1:
            found.popitem()
        else:
            break
    return found


def _first(cell: tuple[str, str], width: int) -> tuple[str, int, str]:
    text, style = cell
    return text, width, style
