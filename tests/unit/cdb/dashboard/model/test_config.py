"""Limits from a query: what Grafana's transformation configFromData makes of a panel."""

import math
from typing import Any

import msgspec
import pytest

from cdb.dashboard.model.answers import Series
from cdb.dashboard.model.colours import colour
from cdb.dashboard.model.dashboards import Panel
from cdb.dashboard.model.fields import Answer, answered
from cdb.dashboard.model.tables import table_of

STEPS = [{"color": "green", "value": None}, {"color": "yellow", "value": 3}, {"color": "red", "value": 4.5}]


def shown(*series: Series, mappings: Any, apply_to: Any = None, mode: str = "absolute", **config: Any) -> Answer:
    """Answer of a panel whose query `limit` gives settings to the others."""
    options = {"configRefId": "limit", "mappings": mappings, **({"applyTo": apply_to} if apply_to else {})}
    panel = {
        "type": "gauge",
        "fieldConfig": {"defaults": {"max": 5, "thresholds": {"mode": mode, "steps": STEPS}}, **config},
        "transformations": [{"id": "configFromData", "options": options}],
    }
    return answered(msgspec.convert(panel, Panel), series)


def series(value: float, name: str = "drawdown", ref_id: str = "A") -> Series:
    return Series(name, ((1.0, value),), ref_id=ref_id)


def limit(value: float, name: str = "limit") -> Series:
    return series(value, name, "limit")


def mapped(key: str, **arguments: Any) -> list[dict[str, Any]]:
    return [{"fieldName": "limit", "handlerKey": key, "reducerId": "lastNotNull", **arguments}]


def test_a_limit_is_the_end_of_a_gauge_and_is_not_drawn() -> None:
    (field,) = shown(series(1.0), limit(2.0), mappings=mapped("max")).fields
    assert (field.name, field.look.low, field.look.high) == ("drawdown", 0.0, 2.0)


def test_thresholds_in_percent_follow_the_end() -> None:
    """Several thresholds from one limit: the only way, since a threshold from a query replaces the panel's."""
    (field,) = shown(series(1.0), limit(200.0), mappings=mapped("max"), mode="percentage").fields
    assert field.look.limits == [(6.0, colour("yellow")), (9.0, colour("red"))]


def test_a_threshold_replaces_all_above_the_base() -> None:
    (field,) = shown(series(3.5), limit(2.0), mappings=mapped("threshold1")).fields
    assert field.look.limits == [(2.0, colour("red"))]
    assert (field.look.colour(1.9), field.colour) == (colour("green"), colour("red"))


def test_a_threshold_has_the_colour_that_its_arguments_say() -> None:
    mappings = mapped("threshold1", handlerArguments={"threshold": {"color": "orange"}})
    (field,) = shown(series(3.5), limit(2.0), mappings=mappings).fields
    assert field.look.limits == [(2.0, colour("orange"))]


def test_without_a_base_in_absolute_values_the_threshold_is_the_base_and_no_limit() -> None:
    (field,) = shown(series(1.0), limit(2.0), mappings=mapped("threshold1"), mode="percentage").fields
    assert field.look.limits == []
    assert field.colour == colour("red")


@pytest.mark.parametrize("series_of_limit", [(), (limit(math.nan),)])
def test_without_a_limit_the_panels_own_settings_stay(series_of_limit: tuple[Series, ...]) -> None:
    for key in ("max", "threshold1"):
        (field,) = shown(series(1.0), *series_of_limit, mappings=mapped(key)).fields
        assert field.look.high == 5.0
        assert [value for value, _ in field.look.limits] == [3.0, 4.5]


def test_only_the_first_series_of_the_query_is_read() -> None:
    fields = shown(series(1.0), limit(2.0), limit(3.0, "other"), mappings=mapped("max")).fields
    assert [(field.name, field.look.high) for field in fields] == [("drawdown", 2.0), ("other", 2.0)]


def test_a_limit_alone_is_drawn_like_a_figure() -> None:
    (field,) = shown(limit(2.0), mappings=mapped("max")).fields
    assert (field.name, field.value, field.look.high) == ("limit", 2.0, 2.0)


def test_a_name_without_a_mapping_is_taken_for_a_setting() -> None:
    (field,) = shown(series(1.0), limit(2.0, "Max"), mappings=[]).fields
    assert field.look.high == 2.0


def test_ends_in_the_wrong_order_change_places() -> None:
    (field,) = shown(series(1.0), limit(8.0), mappings=mapped("min")).fields
    assert (field.look.low, field.look.high) == (5.0, 8.0)


@pytest.mark.parametrize(
    ("apply_to", "ends"),
    [
        ({"id": "byName", "options": "exposure"}, [5.0, 2.0]),
        ({"id": "byFrameRefID", "options": "A"}, [2.0, 5.0]),
        (None, [2.0, 2.0]),
    ],
)
def test_it_is_for_the_fields_that_it_names(apply_to: dict[str, str] | None, ends: list[float]) -> None:
    fields = shown(
        series(1.0), series(1.0, "exposure", "B"), limit(2.0), mappings=mapped("max"), apply_to=apply_to
    ).fields
    assert [field.look.high for field in fields] == ends


def test_an_override_goes_before_the_limit() -> None:
    override = {"matcher": {"id": "byName", "options": "drawdown"}, "properties": [{"id": "max", "value": 9}]}
    (field,) = shown(series(1.0), limit(2.0), mappings=mapped("max"), overrides=[override]).fields
    assert field.look.high == 9.0


def test_two_queries_give_end_and_threshold() -> None:
    steps = [("end", "max"), ("line", "threshold1")]
    panel = {
        "type": "gauge",
        "fieldConfig": {"defaults": {"thresholds": {"steps": STEPS}}},
        "transformations": [
            {
                "id": "configFromData",
                "options": {"configRefId": name, "mappings": [{"fieldName": name, "handlerKey": key}]},
            }
            for name, key in steps
        ],
    }
    given = [series(1.0), series(8.0, "end", "end"), series(6.0, "line", "line")]
    (field,) = answered(msgspec.convert(panel, Panel), given).fields
    assert (field.look.high, field.look.limits) == (8.0, [(6.0, colour("red"))])


def test_a_column_of_a_table_is_coloured_by_its_share_of_the_limit() -> None:
    thresholds = {"mode": "percentage", "steps": [*STEPS[:1], {"color": "red", "value": 90}]}
    limited = {"configRefId": "limit", "mappings": mapped("max"), "applyTo": {"id": "byFrameRefID", "options": "A"}}
    headings = {"symbol": "Symbol", "Value #A": "Exposure", "Value #B": "Size"}
    shown_columns = {"includeByName": dict.fromkeys(headings, True), "renameByName": headings}
    panel = {
        "type": "table",
        "targets": [{"refId": name, "format": "table"} for name in "AB"] + [{"refId": "limit"}],
        "fieldConfig": {"defaults": {"thresholds": thresholds}},
        "transformations": [
            {"id": "configFromData", "options": limited},
            {"id": "merge", "options": {}},
            {"id": "organize", "options": shown_columns},
        ],
    }
    read = msgspec.convert(panel, Panel)
    figures = [Series("s", ((1.0, 19.0),), {"symbol": "BTC"}, name) for name in "AB"]
    table = table_of(read, answered(read, [*figures, limit(20.0)]))
    assert table.rows == [{"Symbol": "BTC", "Exposure": 19.0, "Size": 19.0}]
    assert [table.columns[name].colour(19.0) for name in ("Exposure", "Size")] == [colour("red"), colour("green")]
