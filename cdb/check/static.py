"""Check everything that asks Prometheus without asking it: against the contract, and against what others show."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cdb.check import alerts, panels
from cdb.check.expressions import Reading, read
from cdb.check.findings import Fault, Finding, Report
from cdb.check.known import RULES, Knowledge, Known, Values, load
from cdb.check.project import Project, Rule
from cdb.check.shapes import Shape
from cdb.dashboard.model.dashboards import Dashboard, Panel
from cdb.dashboard.model.variables import UnknownVariable, asked_by, substitute, uses

STATES = frozenset({"pending", "firing"})
"""What alertstate says."""


@dataclass(frozen=True)
class Asked:
    """One expression, where it is, and what it returns."""

    file: str
    place: str
    reading: Reading


@dataclass(frozen=True)
class Checked:
    """What was found, and what the deeper checks go on with."""

    project: Project
    known: Knowledge
    asked: tuple[Asked, ...]
    report: Report


def check(root: Path) -> Checked:
    """Check the project in *root*.

    Raise FileError, ContractError or DashboardError where a file cannot be read at all.
    """
    project, report = Project(root), Report("static")
    known = _with_rules(load(root, project.contract), project.rules)
    asked: list[Asked] = []
    for one, faults in (*_dashboards(project, known), *_rules(project, known), *_pages(project, known)):
        asked.extend(one)
        report.add(Finding(place.file, place.place, f.text, f.nearest) for place in one for f in place.reading.faults)
        report.add(faults)
    report.count("dashboards", len(project.dashboards))
    report.count("panels", sum(len(dashboard.shown) for dashboard in project.dashboards.values()))
    report.count("rules", len(project.rules))
    report.count("expressions", len(asked))
    report.count("selectors", sum(len(one.reading.selectors) for one in asked))
    return Checked(project, known, tuple(asked), report)


Found = tuple[list[Asked], list[Finding]]


def _with_rules(known: Knowledge, rules: Iterable[Rule]) -> Knowledge:
    """Return *known* with what *rules* record, and with the alerts that ALERTS is about."""
    for _ in range(2):  # a rule may use what a later one records
        for rule in rules:
            if rule.entry.record:
                known = known.plus(_recorded(rule, read(rule.entry.expr, known).shape))
    firing = [rule for rule in rules if rule.entry.alert]
    labels: dict[str, Values] = {}
    for rule in firing:
        labels |= dict.fromkeys((*read(rule.entry.expr, known).shape.labels, *rule.entry.labels))
    labels["alertname"] = frozenset(rule.entry.alert for rule in firing)
    return known.plus(
        Known("ALERTS", "gauge", {**labels, "alertstate": STATES}, rare=True, source=RULES.as_posix()),
        Known("ALERTS_FOR_STATE", "gauge", labels, rare=True, source=RULES.as_posix()),
    )


def _recorded(rule: Rule, shape: Shape) -> Known:
    labels = {**shape.labels, **{name: frozenset({value}) for name, value in rule.entry.labels.items()}}
    return Known(
        rule.entry.record,
        "gauge",
        labels,
        shape.unit,
        shape.bounds,
        shape.highest,
        rare=shape.anything,
        source=rule.file,
    )


def _rules(project: Project, known: Knowledge) -> Iterator[Found]:
    names = [rule.name for rule in project.rules if rule.entry.alert]
    for rule in project.rules:
        reading = read(rule.entry.expr, known)
        faults: list[Fault] = []
        if rule.entry.alert:
            faults += alerts.faults(rule.entry, reading.shape, project)
            if names.count(rule.name) > 1:
                faults.append(Fault("another alert has this name too"))
        findings = [Finding(rule.file, rule.place, fault.text, fault.nearest) for fault in faults]
        yield [Asked(rule.file, rule.place, reading)], findings


def _dashboards(project: Project, known: Knowledge) -> Iterator[Found]:
    uids = [dashboard.uid for dashboard in project.dashboards.values()]
    for file, dashboard in project.dashboards.items():
        titled = [(panel, f"{dashboard.title}, panel {panel.title!r}") for panel in dashboard.shown]
        findings = [
            Finding(file, f"{dashboard.title}, panel {title!r}", fault.text, fault.nearest)
            for title, fault in panels.of_dashboard(dashboard)
        ]
        if uids.count(dashboard.uid) > 1:
            findings.append(Finding(file, dashboard.title, f"another dashboard has the uid {dashboard.uid} too"))
        yield _variables(file, dashboard, known), findings
        for panel, place in titled:
            yield _panel(file, place, dashboard, panel, project, known)


def _variables(file: str, dashboard: Dashboard, known: Knowledge) -> list[Asked]:
    asked = []
    for variable in dashboard.variables:
        place = f"{dashboard.title}, variable ${variable.name}"
        match asked_by(variable):
            case (selector, label) if selector:
                reading = read(f"count by ({label}) ({_filled(selector, dashboard)})", known)
                asked.append(Asked(file, place, reading))
            case None if variable.type == "query":
                fault = Fault(f"is no query that is understood: {variable.asks!r}", "label_values(metric, label)")
                asked.append(Asked(file, place, Reading(faults=[fault])))
    return asked


def _panel(file: str, place: str, dashboard: Dashboard, panel: Panel, project: Project, known: Knowledge) -> Found:
    asked, shapes = [], []
    for query in panel.targets:
        try:
            reading = read(substitute(query.expr, dashboard), known)
        except UnknownVariable as error:
            names = ", ".join(f"${variable.name}" for variable in dashboard.variables)
            reading = Reading(faults=[Fault(str(error), names)])
        asked.append(Asked(file, f"{place}, query {query.ref_id}", reading))
        shapes.append((query, reading.shape))
    faults = panels.of_panel(panel, shapes, project)
    return asked, [Finding(file, place, fault.text, fault.nearest) for fault in faults]


def _filled(text: str, dashboard: Dashboard) -> str:
    known = {variable.name for variable in dashboard.variables}
    return substitute(text, dashboard) if set(uses(text)) <= known else text


def _pages(project: Project, known: Knowledge) -> Iterator[Found]:
    """Yield the examples in runbooks and in the contract."""
    for path, line in project.runbook_queries():
        yield [Asked(path, line, read(line, known))], []
    for metric in project.contract.metrics:
        yield [Asked("telemetry/contract.yaml", f"query of {metric.prometheus}", read(metric.query, known))], []
