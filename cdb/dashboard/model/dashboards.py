"""Read Grafana's classic dashboard JSON, of it what this project's dashboards use.

Keys that are not named here are ignored: only Grafana uses them.
"""

from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from cdb.kit.paths import DASHBOARDS
from services.decoding import prepared

_COLUMNS: Final = 24
Figure = Annotated[float, Meta(ge=-1e15, le=1e15)]
"""A setting that is a number; beyond this, arithmetic with it overflows."""


class DashboardError(ValueError):
    """A file is not a dashboard; the message says why."""


class _Json(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An object of Grafana's JSON, whose keys are in camelCase."""


class GridPos(_Json, frozen=True, kw_only=True):
    """Place and size, in a grid of 24 columns."""

    h: Annotated[int, Meta(ge=1, le=1000)] = 8
    w: Annotated[int, Meta(ge=1, le=_COLUMNS)] = 12
    x: Annotated[int, Meta(ge=0, lt=_COLUMNS)] = 0
    y: Annotated[int, Meta(ge=0, le=100_000)] = 0


class Step(_Json, frozen=True, kw_only=True):
    """From *value* on, *color*; the first step has no value."""

    color: str
    value: Figure | None = None


class Thresholds(_Json, frozen=True, kw_only=True):
    """Rising steps, in the panel's unit or, in mode percentage, in percent of its range."""

    mode: str = "absolute"
    steps: tuple[Step, ...] = ()


class _Shown(_Json, frozen=True, kw_only=True):
    text: str = ""
    color: str = ""


class Mapping(_Json, frozen=True, kw_only=True):
    """What is shown instead of a value, for type value: *options* has text and color by the value."""

    type: str
    options: dict[str, Any] = {}

    def __post_init__(self) -> None:
        if self.type == "value":
            try:
                msgspec.convert(self.options, prepared(dict[str, _Shown]))
            except msgspec.ValidationError as error:
                raise ValueError(str(error)) from error  # to which msgspec adds the place


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


class Style(_Json, frozen=True, kw_only=True):
    """A style: of a table's cells and of an axis by *type*, of thresholds by *mode*, of lines by *fill*."""

    type: str = ""
    mode: str = ""
    fill: str = ""


class Custom(_Json, frozen=True, kw_only=True):
    """Settings that only some types of panels have."""

    axis_soft_max: Figure | None = None
    fill_opacity: float = 0
    thresholds_style: Style = Style()
    cell_options: Style = Style()
    line_style: Style = Style()
    scale_distribution: Style = Style()


class Color(_Json, frozen=True, kw_only=True):
    """Where a field's colour comes from."""

    mode: str = ""
    fixed_color: str = ""


class Link(_Json, frozen=True, kw_only=True):
    """Where a panel or a field leads."""

    title: str = ""
    url: str = ""


class DataSource(_Json, frozen=True, kw_only=True):
    """The server that is asked."""

    uid: str = ""


class Defaults(_Json, frozen=True, kw_only=True):
    """Settings for all of a panel's fields."""

    unit: str = ""
    min: Figure | None = None
    max: Figure | None = None
    decimals: Annotated[int, Meta(ge=0, le=20)] | None = None
    display_name: str = ""
    no_value: str = ""
    thresholds: Thresholds = Thresholds()
    mappings: tuple[Mapping, ...] = ()
    links: tuple[Link, ...] = ()
    color: Color = Color()
    custom: Custom = Custom()


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
    exemplar: bool = False
    format: str = ""
    datasource: DataSource = DataSource()


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


class ReduceOptions(_Json, frozen=True, kw_only=True):
    """How one figure is made of a series."""

    calcs: tuple[str, ...] = ()


class SortBy(_Json, frozen=True, kw_only=True):
    """The column that a table is sorted by."""

    display_name: str
    desc: bool = False


class Options(_Json, frozen=True, kw_only=True):
    """Options of the panel's type."""

    reduce_options: ReduceOptions = ReduceOptions()
    color_mode: str = ""
    graph_mode: str = ""
    text_mode: str = ""
    sort_by: tuple[SortBy, ...] = ()

    @property
    def named(self) -> bool:
        """Tell whether a figure that stands alone has its name beside it."""
        return self.text_mode == "value_and_name"

    @property
    def on_colour(self) -> bool:
        """Tell whether the colour is that of the ground and not that of the figure."""
        return self.color_mode == "background"


class Panel(_Json, frozen=True, kw_only=True):
    """One panel."""

    id: int = 0
    type: str
    title: str = ""
    description: str = ""
    datasource: DataSource = DataSource()
    grid_pos: GridPos = GridPos()
    targets: tuple[Query, ...] = ()
    field_config: FieldConfig = FieldConfig()
    options: Options = Options()
    transformations: tuple[Transformation, ...] = ()
    links: tuple[Link, ...] = ()


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
    description: str = ""
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


class Dashboards(NamedTuple):
    """The files of a folder: those that are dashboards, and why each of the others is none."""

    read: dict[Path, Dashboard]
    refused: dict[Path, str]


def load_dashboard(file: Path) -> Dashboard:
    """Read one dashboard. Raises DashboardError if the file is none."""
    if not file.is_file():
        raise DashboardError("it is not a regular file")
    try:
        return msgspec.json.decode(file.read_bytes(), type=prepared(Dashboard))
    except (OSError, UnicodeError, msgspec.MsgspecError, RecursionError) as error:
        raise DashboardError(str(error)) from error


def load_dashboards(root: Path) -> Dashboards:
    """Read every dashboard of the project in *root*. A file that is none hinders no other."""
    found = Dashboards({}, {})
    for file in sorted((root / DASHBOARDS).glob("*.json")):
        try:
            found.read[file] = load_dashboard(file)
        except DashboardError as error:
            found.refused[file] = str(error)
    return found
