"""Check what an alert says to its reader: that all is there, leads somewhere, and is in the unit of its value."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from cdb.check.findings import Fault, nearest
from cdb.check.project import RUNBOOKS, Project, RuleEntry
from cdb.check.shapes import Shape

ANNOTATIONS: Final = ("summary", "description", "runbook_url", "dashboard_url")
_TEMPLATE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_LABEL: Final = re.compile(r"(?:\$labels|\.Labels)\.(\w+)")
_PERCENT_AFTER: Final = re.compile(r"\$value[^}]*\}\}\s?%")
_UID: Final = re.compile(r"/d/([\w-]+)")


def faults(entry: RuleEntry, shape: Shape, project: Project) -> Iterator[Fault]:
    """Yield what is wrong with the labels and annotations of an alert on something of *shape*."""
    for name in ANNOTATIONS:
        if not entry.annotations.get(name, "").strip():
            yield Fault(f"has no {name}")
    if [rule.entry.alert for rule in project.rules].count(entry.alert) > 1:
        yield Fault("another alert has this name too")
    yield from _runbook(entry, project)
    if address := entry.annotations.get("dashboard_url"):
        yield from unknown_dashboards(address, project)
    for text in (*entry.annotations.values(), *entry.labels.values()):
        yield from _template(text, shape)


def unknown_dashboards(text: str, project: Project) -> Iterator[Fault]:
    """Yield the dashboards that an address in *text* leads to and that are not there."""
    uids = {dashboard.uid for dashboard in project.dashboards.values()}
    for uid in _UID.findall(text):
        if uid not in uids:
            yield Fault(f"there is no dashboard {uid}", nearest(uid, uids))


def unknown_runbooks(text: str, project: Project) -> Iterator[Fault]:
    """Yield the runbooks that an address in *text* leads to and that are not there."""
    names = {PurePosixPath(path).name for path in project.runbooks}
    for name in re.findall(r"[\w.-]+\.md\b", text):
        if name not in names:
            yield Fault(f"there is no runbook {name}", nearest(name, names))


def _runbook(entry: RuleEntry, project: Project) -> Iterator[Fault]:
    path = entry.annotations.get("runbook_url", "")
    if path and path not in project.runbooks:
        yield Fault(f"there is no runbook {path}", nearest(path, project.runbooks))
    elif path and PurePosixPath(path).stem != entry.alert:
        yield Fault(f"its runbook is that of {PurePosixPath(path).stem}", f"{RUNBOOKS.as_posix()}/{entry.alert}.md")


def _template(text: str, shape: Shape) -> Iterator[Fault]:
    percent = shape.unit is not None and shape.unit.dimension == "ratio" and shape.unit.scale == 100
    ratio = shape.unit is not None and shape.unit.dimension == "ratio" and shape.unit.scale == 1
    for code in _TEMPLATE.findall(text):
        for label in _LABEL.findall(code):
            if not shape.has(label):
                yield Fault(f"$labels.{label}: what it alerts on has no such label", nearest(label, shape.labels))
        if percent and ("humanizePercentage" in code or re.search(r"\bmul\b|\*\s*100", code)):
            yield Fault(f"multiplies what is percent already by 100: {{{{{code}}}}}", '{{ printf "%.1f" $value }} %')
    if ratio and _PERCENT_AFTER.search(text):
        yield Fault("says % after a ratio (1 is all)", "{{ humanizePercentage $value }}")
