"""A copy of the project that watches ten times as fast, computed from the committed configuration.

What is divided are the times of Prometheus and Alertmanager: intervals, `for`, `keep_firing_for`, ranges and offsets in
expressions, how notifications are grouped. Thresholds (30 s of staleness, 1 s of latency) are not times of the watching
and stay, and so does all that trades. A scrape may take as long as there is between two: this machine is not ten times
as fast.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import promql_parser as promql
import yaml

from tests.support.paths import ROOT

FACTOR: Final = 10
FAST_EXPORTS: Final = {"CDB_METRIC_EXPORT_INTERVAL_S": "1.5", "CDB_METRIC_EXPIRATION": "4500ms"}
"""The 15 s between exports and the 45 s after which a series expires, divided by FACTOR as well."""
_TIMES: Final = frozenset(
    {
        *("interval", "for", "keep_firing_for"),
        *("scrape_interval", "evaluation_interval"),
        *("group_wait", "group_interval", "repeat_interval", "resolve_timeout"),
    }
)


def make_fast_copy(place: Path, root: Path = ROOT) -> Path:
    """Create a project root in *place*: fast monitoring, and links to *root* for everything else."""
    place.mkdir(parents=True)
    for entry in root.iterdir():
        if entry.name not in {"monitoring", ".cdb", ".env"}:
            (place / entry.name).symlink_to(entry)
    for file in sorted((root / "monitoring").rglob("*")):
        copy = place / file.relative_to(root)
        if file.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        elif file.suffix == ".yml":
            copy.parent.mkdir(parents=True, exist_ok=True)
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
            copy.write_text(yaml.safe_dump(faster(content), sort_keys=False), encoding="utf-8")
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(file)
    return place


def faster(content: Any) -> Any:
    """Content of a configuration file with every time divided by FACTOR."""
    if isinstance(content, list):
        return [faster(item) for item in content]
    if not isinstance(content, dict):
        return content
    found = {key: _faster_value(str(key), value) for key, value in content.items()}
    if "scrape_timeout" in found and "scrape_interval" in found:
        found["scrape_timeout"] = found["scrape_interval"]
    return found


def faster_expression(expression: str) -> str:
    """PromQL expression with ranges and offsets divided by FACTOR."""
    return str(promql.transform(promql.parse(expression), post_visit=_faster_node).prettify())


def _faster_value(key: str, value: Any) -> Any:
    if key == "expr":
        return faster_expression(str(value))
    if key in _TIMES and isinstance(value, str):
        return promql.display_duration(promql.parse_duration(value) / FACTOR)
    return faster(value)


def _faster_node(node: promql.Expr) -> promql.Expr | None:
    """Replacement of *node*; None keeps it. Its children have been visited before."""
    if isinstance(node, promql.MatrixSelector):
        node.range = _divided(node.range, node)
        return promql.parse(str(node))
    if isinstance(node, promql.VectorSelector) and node.offset is not None:
        node.offset = _divided(node.offset, node)
        return promql.parse(str(node))
    if isinstance(node, promql.SubqueryExpr):
        raise NotImplementedError(f"nobody has taught the copy to divide a subquery: {node.prettify()}")
    return None


def _divided(time: timedelta, node: promql.Expr) -> timedelta:
    """Divide *time* by FACTOR. The result must be whole seconds: the parser prints no fractions."""
    if time % timedelta(seconds=FACTOR):
        raise NotImplementedError(f"times that {FACTOR} s do not divide: {node.prettify()}")
    return time / FACTOR
