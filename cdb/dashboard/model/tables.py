"""Table panels: the answers of a panel's queries joined into rows, arranged as its transformations say."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cdb.dashboard.model.colours import PLAIN
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import Answer
from cdb.dashboard.model.look import Look, look_of

Cell = str | float
Row = dict[str, Cell]


@dataclass(frozen=True)
class Table:
    """Columns by their heading, in order, and the rows, in which a cell may be missing."""

    columns: Mapping[str, Look]
    rows: list[Row]

    @property
    def figures(self) -> frozenset[str]:
        """Headings of the columns that have figures."""
        return frozenset(name for name in self.columns if any(isinstance(row.get(name), float) for row in self.rows))


def shown(look: Look, cell: Cell | None) -> tuple[str, str]:
    """Text of *cell* and its colour."""
    if isinstance(cell, str):
        return cell, PLAIN
    coloured = look.settings.custom.cell_options.type == "color-text"
    return look.text(cell), look.colour(cell) if coloured else PLAIN


def table_of(panel: Panel, answer: Answer) -> Table:
    """Join series with the same labels into a row, then choose, order and rename columns, and sort."""
    several = len({query.ref_id for query in panel.targets if not query.hide and query.format == "table"}) > 1
    joined: dict[object, Row] = {}
    sources = {}
    for field in answer.fields:
        series = field.series
        column = f"Value #{series.ref_id}" if several else "Value"
        sources[column] = series
        joined.setdefault(tuple(sorted(series.labels.items())), dict(series.labels))[column] = series.last
    headings = _headings(panel, list(dict.fromkeys(name for row in joined.values() for name in row)))
    rows = [{headings[name]: cell for name, cell in row.items() if name in headings} for row in joined.values()]
    for by in reversed(panel.options.sort_by):
        rows.sort(key=lambda row, name=by.display_name: _order(row.get(name)), reverse=by.desc)  # type: ignore[misc]
    return Table(
        {
            heading: look_of(panel, heading, ref_id=sources[name].ref_id, config=sources[name].config)
            if name in sources
            else look_of(panel, heading)
            for name, heading in headings.items()
        },
        rows,
    )


def _headings(panel: Panel, names: list[str]) -> dict[str, str]:
    """Heading of each column that is shown, in order."""
    headings = {name: name for name in names}
    for options in (step.options for step in panel.transformations if step.id == "organize"):
        only, places = options.include_by_name, options.index_by_name
        kept = [n for n, h in headings.items() if not options.exclude_by_name.get(h) and (not only or only.get(h))]
        kept.sort(key=lambda name: places.get(headings[name], len(places) + names.index(name)))
        headings = {name: options.rename_by_name.get(headings[name]) or headings[name] for name in kept}
    return headings


def _order(cell: Cell | None) -> tuple[int, float, str]:
    if isinstance(cell, float):
        return (0, -math.inf, "") if math.isnan(cell) else (1, cell, "")
    return (0, -math.inf, "") if cell is None else (1, 0.0, cell)
