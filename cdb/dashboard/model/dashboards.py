"""Read Grafana's classic dashboard JSON, of it what this project's dashboards use.

Keys that are not named here are ignored: only Grafana uses them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from cdb.kit.paths import DASHBOARDS


class DashboardError(ValueError):
    """A dashboard cannot be read; the message names the file and what is wrong."""


class _Json(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object of Grafana's JSON, whose keys are in camelCase."""


class GridPos(_Json, frozen=True, kw_only=True):
    """Place and size, in a grid of 24 columns."""

    h: int = 8
    w: int = 12
    x: int = 0
    y: int = 0


class Step(_Json, frozen=True, kw_only=True):
    """From *value* on, *color*; the first step has no value."""

    color: str
    value: float | None = None


class Thresholds(_Json, frozen=True, kw_only=True):
    """Rising steps, in the panel's unit or, in mode percentage, in percent of its range."""

    mode: str = "absolute"
    steps: tuple[Step, ...] = ()


class Mapping(_Json, frozen=True, kw_only=True):
    """What is shown instead of a value, for type value: *options* has text and color by the value."""

    type: str
    options: dict[str, Any] = {}


class Property(_Json, frozen=True, kw_only=True):
    """One setting that an override makes."""

    id: str
    value: Any = None


class Matcher(_Json, frozen=True, kw_only=True):
    """Which fields an override is for: id is byName, byRegexp ...; options is the name."""

    id: str
    options: Any = None


class Override(_Json, frozen=True, kw_only=True):
    """Settings for some of a panel's fields."""

    matcher: Matcher
    properties: tuple[Property, ...] = ()


class Defaults(_Json, frozen=True, kw_only=True):
    """Settings for all of a panel's fields."""

    unit: str = ""
    min: float | None = None
    max: float | None = None
    decimals: int | None = None
    display_name: str = ""
    no_value: str = ""
    thresholds: Thresholds = Thresholds()
    mappings: tuple[Mapping, ...] = ()
    links: tuple[dict[str, Any], ...] = ()
    color: dict[str, Any] = {}
    custom: dict[str, Any] = {}


class FieldConfig(_Json, frozen=True, kw_only=True):
    """How values look."""

    defaults: Defaults = Defaults()
    overrides: tuple[Override, ...] = ()


class Query(_Json, frozen=True, kw_only=True):
    """One PromQL query of a panel (Grafana's target)."""

    ref_id: str = "A"
    expr: str = ""
    legend_format: str = ""
    instant: bool = False
    hide: bool = False
    format: str = ""
    datasource: dict[str, Any] = {}


class ConfigMapping(_Json, frozen=True, kw_only=True):
    """Of configFromData: which setting (*handler_key*) the field *field_name* of the query becomes."""

    field_name: str
    handler_key: str | None = None
    reducer_id: str = "lastNotNull"
    handler_arguments: dict[str, dict[str, str]] = {}


class TransformationOptions(_Json, frozen=True, kw_only=True):
    """Options of the transformations that are supported: of configFromData, then of organize."""

    config_ref_id: str = "config"
    mappings: tuple[ConfigMapping, ...] = ()
    apply_to: Matcher | None = None
    exclude_by_name: dict[str, bool] = {}
    include_by_name: dict[str, bool] = {}
    index_by_name: dict[str, int] = {}
    rename_by_name: dict[str, str] = {}


class Transformation(_Json, frozen=True, kw_only=True):
    """What is done to the answers before they are shown."""

    id: str
    options: TransformationOptions = TransformationOptions()


class Panel(_Json, frozen=True, kw_only=True):
    """One panel. *options* are those of its type, as Grafana has them."""

    id: int = 0
    type: str
    title: str = ""
    description: str = ""
    datasource: dict[str, Any] = {}
    grid_pos: GridPos = GridPos()
    targets: tuple[Query, ...] = ()
    field_config: FieldConfig = FieldConfig()
    options: dict[str, Any] = {}
    transformations: tuple[Transformation, ...] = ()
    links: tuple[dict[str, Any], ...] = ()


class Variable(_Json, frozen=True, kw_only=True):
    """A variable of a dashboard, such as $symbol."""

    name: str
    query: Any = ""
    all_value: str | None = None

    @property
    def asks(self) -> str:
        """Query for its values, such as label_values(up, job)."""
        return str(self.query.get("query", "") if isinstance(self.query, dict) else self.query).strip()


class Templating(_Json, frozen=True, kw_only=True):
    """The variables of a dashboard."""

    list: tuple[Variable, ...] = ()


class Dashboard(_Json, frozen=True, kw_only=True):
    """One dashboard."""

    title: str
    uid: str
    refresh: str = ""
    templating: Templating = Templating()
    panels: tuple[Panel, ...] = ()

    @property
    def shown(self) -> tuple[Panel, ...]:
        """Panels from top to bottom."""
        return tuple(sorted(self.panels, key=lambda panel: (panel.grid_pos.y, panel.grid_pos.x)))

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Variables that the reader may choose."""
        return self.templating.list


def load_dashboard(file: Path) -> Dashboard:
    """Read one dashboard. Raises DashboardError, naming the file, if it is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Dashboard)
    except (OSError, UnicodeError, msgspec.DecodeError) as error:
        raise DashboardError(f"{file.name}: not a dashboard: {error}") from error


def load_dashboards(root: Path, refused: Callable[[DashboardError], object] | None = None) -> dict[Path, Dashboard]:
    """Read every committed dashboard of the project in *root*, by its file.

    Raises DashboardError for a file that is none; with *refused* that is told, and the others are read.
    """
    found = {}
    for file in sorted((root / DASHBOARDS).glob("*.json")):
        try:
            found[file] = load_dashboard(file)
        except DashboardError as error:
            if refused is None:
                raise
            refused(error)
    return found
