"""What of the project is checked: dashboards, rules, runbooks and what they lead to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from cdb.check.files import read_text, read_yaml
from cdb.check.known_metrics import RULES
from cdb.dashboard.model.dashboards import Dashboard, Dashboards, load_dashboards
from telemetry.contract import Contract, load_contract

RUNBOOKS: Final = Path("monitoring", "runbooks")
DATA_SOURCES: Final = Path("monitoring", "grafana", "provisioning", "datasources")


class RuleEntry(msgspec.Struct, frozen=True):
    """One rule as it is written."""

    expr: str
    alert: str = ""
    record: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class _GroupEntry(msgspec.Struct, frozen=True):
    name: str
    rules: tuple[RuleEntry, ...] = ()


class _RuleFile(msgspec.Struct, frozen=True):
    groups: tuple[_GroupEntry, ...]


class _DataSource(msgspec.Struct, frozen=True):
    uid: str = ""


class _DataSourceFile(msgspec.Struct, frozen=True):
    datasources: tuple[_DataSource, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One alert or recording rule, and where it is."""

    file: str
    group: str
    entry: RuleEntry

    @property
    def name(self) -> str:
        """Name of the alert or of the recorded metric."""
        return self.entry.alert or self.entry.record

    @property
    def place(self) -> str:
        """Say where in its file it is."""
        return f"group {self.group}, {'alert' if self.entry.alert else 'record'} {self.name}"


@dataclass(frozen=True)
class Project:
    """The project in *root*. A property raises FileError or ContractError for a file it cannot read."""

    root: Path

    @cached_property
    def dashboards(self) -> Mapping[str, Dashboard]:
        """Dashboards by their file."""
        return {self._name(file): dashboard for file, dashboard in self._dashboards.read.items()}

    @cached_property
    def no_dashboards(self) -> Mapping[str, str]:
        """Files among the dashboards that are none, each with the reason."""
        return {self._name(file): why for file, why in self._dashboards.refused.items()}

    @cached_property
    def _dashboards(self) -> Dashboards:
        return load_dashboards(self.root)

    @cached_property
    def contract(self) -> Contract:
        """The metric contract."""
        return load_contract(self.root / "telemetry" / "contract.yaml")

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """All rules in the order of the files."""
        return tuple(
            Rule(self._name(file), group.name, entry)
            for file in sorted((self.root / RULES).glob("*.yml"))
            for group in read_yaml(self.root, file, _RuleFile).groups
            for entry in group.rules
        )

    @cached_property
    def runbooks(self) -> frozenset[str]:
        """Paths of all runbooks."""
        return frozenset(self._name(file) for file in (self.root / RUNBOOKS).glob("*.md"))

    @cached_property
    def data_sources(self) -> frozenset[str]:
        """Uid of every data source that Grafana has."""
        files = sorted((self.root / DATA_SOURCES).glob("*.y*ml"))
        read = (read_yaml(self.root, file, _DataSourceFile) for file in files)
        return frozenset(entry.uid for content in read for entry in content.datasources)

    def runbook_queries(self) -> Iterator[tuple[str, str]]:
        """Yield each line of PromQL in a runbook, after the runbook's path."""
        for path in sorted(self.runbooks):
            text = read_text(self.root, self.root / path)
            for block in re.findall(r"^```promql\n(.+?)^```", text, flags=re.MULTILINE | re.DOTALL):
                yield from ((path, line) for line in block.strip().splitlines())

    def _name(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()
