"""Check what an alert says: nothing is missing, links lead somewhere, units are those of the value."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from cdb.check.findings import Fault, nearest
from cdb.check.project import RUNBOOKS, Project, RuleEntry
from cdb.check.shapes import Shape
from cdb.check.units import Unit

ANNOTATIONS: Final = ("summary", "description", "runbook_url", "dashboard_url")
_TEMPLATE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_LABEL: Final = re.compile(r"(?:\$labels|\.Labels)\.(\w+)")
_PERCENT_AFTER: Final = re.compile(r"\$value[^}]*\}\}\s?%")
_UID: Final = re.compile(r"/d/([\w-]+)")
_PAGE: Final = re.compile(r"[\w.-]+\.md\b")


def faults(entry: RuleEntry, shape: Shape, project: Project) -> Iterator[Fault]:
    """Yield the faults of an alert's labels and annotations; its expression returns *shape*."""
    for name in ANNOTATIONS:
        if not entry.annotations.get(name, "").strip():
            yield Fault(f"has no {name}")
    if [rule.entry.alert for rule in project.rules].count(entry.alert) > 1:
        yield Fault("another alert has this name too")
    yield from _runbook(entry, project)
    yield from dead_links(entry.annotations.get("dashboard_url", ""), project)
    for text in (*entry.annotations.values(), *entry.labels.values()):
        yield from _template(text, shape)


def dead_links(text: str, project: Project) -> Iterator[Fault]:
    """Yield the dashboards and runbooks in *text* that do not exist."""
    uids = {dashboard.uid for dashboard in project.dashboards.values()}
    pages = {PurePosixPath(path).name for path in project.runbooks}
    for what, pattern, known in (("dashboard", _UID, uids), ("runbook", _PAGE, pages)):
        for name in pattern.findall(text):
            if name not in known:
                yield Fault(f"there is no {what} {name}", nearest(name, known))


def _runbook(entry: RuleEntry, project: Project) -> Iterator[Fault]:
    path = entry.annotations.get("runbook_url", "")
    if path and path not in project.runbooks:
        yield Fault(f"there is no runbook {path}", nearest(path, project.runbooks))
    elif path and PurePosixPath(path).stem != entry.alert:
        yield Fault(f"its runbook is that of {PurePosixPath(path).stem}", f"{RUNBOOKS.as_posix()}/{entry.alert}.md")


def _template(text: str, shape: Shape) -> Iterator[Fault]:
    percent, ratio = (shape.unit is not None and shape.unit.same(Unit("ratio", all_is)) for all_is in (100, 1))
    for code in _TEMPLATE.findall(text):
        for label in _LABEL.findall(code):
            if not shape.has(label):
                yield Fault(f"$labels.{label}: what it alerts on has no such label", nearest(label, shape.labels))
        if percent and ("humanizePercentage" in code or re.search(r"\bmul\b|\*\s*100", code)):
            yield Fault(f"multiplies what is percent already by 100: {{{{{code}}}}}", '{{ printf "%.1f" $value }} %')
    if ratio and _PERCENT_AFTER.search(text):
        yield Fault("says % after a ratio (1 is all)", "{{ humanizePercentage $value }}")
