"""Check everything that asks Prometheus without asking it: against the contract, and against what others show."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from cdb.check import alerts, panels
from cdb.check.expressions import Reading, read
from cdb.check.findings import Fault, Report, nearest
from cdb.check.grammar import Judge
from cdb.check.known_metrics import Knowledge, Known, Values, load
from cdb.check.project import Project, Rule
from cdb.check.shapes import UNKNOWN, Shape
from cdb.dashboard.model.dashboards import Dashboard
from cdb.dashboard.model.variables import UnknownVariable, asked_by, substitute

PARSER = f"promql-parser {version('promql-parser')}"
"""The parser that reads expressions here; its grammar is that of a newer Prometheus than some machines have."""
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
    report: Report
    asked: list[Asked] = field(default_factory=list)

    def ask(self, file: str, place: str, text: str) -> Shape:
        """Read the expression *text* and note what is wrong with it; the shape is what it returns."""
        reading = read(text, self.known)
        self.asked.append(Asked(file, place, reading))
        self.report.add(file, place, *reading.faults)
        return reading.shape

    def ask_in(self, dashboard: Dashboard, file: str, place: str, text: str) -> Shape:
        """Read *text* with the variables of *dashboard* filled in."""
        try:
            return self.ask(file, place, substitute(text, dashboard))
        except UnknownVariable as error:
            like = nearest(str(error).partition(" ")[0], [f"${variable.name}" for variable in dashboard.variables])
            self.report.add(file, place, Fault(str(error), like))
            return UNKNOWN


def check(root: Path, judge: Judge | None = None) -> Checked:
    """Check the project in *root*; *judge* says what is PromQL, our own parser without one.

    Raises FileError or ContractError for a file that cannot be read, and what *judge* raises.
    """
    project = Project(root)
    checked = Checked(project, _with_rules(load(root, project.contract), project.rules), Report("static"))
    for file, why in project.no_dashboards.items():
        checked.report.add(file, "the whole file", Fault(f"is not a dashboard: {why}"))
    for file, dashboard in project.dashboards.items():
        _dashboard(checked, file, dashboard)
    for rule in project.rules:
        shape = checked.ask(rule.file, rule.place, rule.entry.expr)
        if rule.entry.alert:
            checked.report.add(rule.file, rule.place, *alerts.faults(rule.entry, shape, project))
    for path, line in project.runbook_queries():
        checked.ask(path, line, line)
    for metric in project.contract.metrics:
        checked.ask("telemetry/contract.yaml", f"query of {metric.prometheus}", metric.query)
    _grammar(checked, judge)
    checked.report.looked_at.update(
        dashboards=len(project.dashboards),
        panels=sum(len(dashboard.shown) for dashboard in project.dashboards.values()),
        rules=len(project.rules),
        expressions=len(checked.asked),
        selectors=sum(len(one.reading.selectors) for one in checked.asked),
    )
    return checked


def _grammar(checked: Checked, judge: Judge | None) -> None:
    refused = judge.refused(dict.fromkeys(one.reading.text for one in checked.asked)) if judge else {}
    name = checked.report.grammar = judge.name if judge else PARSER
    for one in checked.asked:
        if why := refused.get(one.reading.text, "" if judge else one.reading.unread):
            checked.report.add(one.file, one.place, Fault(f"is not PromQL for {name}: {why}"))
        elif one.reading.unread:
            said = f"names and labels were not checked: {name} parses it, but {PARSER} does not: {one.reading.unread}"
            checked.report.add(one.file, one.place, Fault(said))


def _with_rules(known: Knowledge, rules: Iterable[Rule]) -> Knowledge:
    """Add to *known* what *rules* record, and the alerts that ALERTS is about."""
    for _ in range(2):  # a rule may use what a later one records
        for rule in rules:
            if rule.entry.record:
                known = known.plus(_recorded(rule, read(rule.entry.expr, known).shape))
    firing = [rule.entry for rule in rules if rule.entry.alert]
    labels: dict[str, Values] = {}
    for entry in firing:
        labels |= dict.fromkeys((*read(entry.expr, known).shape.labels, *entry.labels))
    labels["alertname"] = frozenset(entry.alert for entry in firing)
    return known.plus(
        Known("ALERTS", "gauge", {**labels, "alertstate": STATES}, rare=True),
        Known("ALERTS_FOR_STATE", "gauge", labels, rare=True),
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
        absent=shape.absent or shape.conditional,
    )


def _dashboard(checked: Checked, file: str, dashboard: Dashboard) -> None:
    project, report = checked.project, checked.report
    if [other.uid for other in project.dashboards.values()].count(dashboard.uid) > 1:
        report.add(file, dashboard.title, Fault(f"another dashboard has the uid {dashboard.uid} too"))
    for title, fault in panels.of_dashboard(dashboard):
        report.add(file, f"{dashboard.title}, panel {title!r}", fault)
    for variable in dashboard.variables:
        place = f"{dashboard.title}, variable ${variable.name}"
        match asked_by(variable):
            case (selector, label):
                checked.ask_in(dashboard, file, place, f"count by ({label}) ({selector})")
            case None:
                said = f"its query {variable.asks!r} is not supported; supported: label_values(metric, label)"
                report.add(file, place, Fault(said, "label_values(metric, label)"))
    for panel in dashboard.shown:
        place = f"{dashboard.title}, panel {panel.title!r}"
        shapes = [(q, checked.ask_in(dashboard, file, f"{place}, query {q.ref_id}", q.expr)) for q in panel.targets]
        report.add(file, place, *panels.of_panel(panel, shapes, project))
