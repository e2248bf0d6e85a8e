"""Collectors with entries of the renaming changed: one process for all of them, a pipeline and a port for each."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from telemetry.contract import Metric
from tests.support.collectors import CONFIG, RENAMING, Collector, fetch, free_ports, running_collector

_FILTER: Final = "filter/contract"
_TRANSFORM: Final = "transform/contract"


@dataclass
class Renaming:
    """The committed renaming, to be changed: which names pass, then condition and statements of each metric."""

    names: str
    conditions: dict[str, str]
    statements: dict[str, list[str]]

    @classmethod
    def committed(cls) -> Self:
        """Read otel-collector/renaming.yaml."""
        processors = yaml.load(RENAMING.read_text(encoding="utf-8"), yaml.CSafeLoader)["processors"]
        names, *conditions = processors[_FILTER]["metric_conditions"]
        return cls(
            names,
            {_metric_of(condition): condition for condition in conditions},
            {_metric_of(g["conditions"][0]): g["statements"] for g in processors[_TRANSFORM]["metric_statements"]},
        )

    def without(self, metric: Metric, clauses: str) -> None:
        """Let points of *metric* pass whatever the clauses say that match the expression *clauses*."""
        head, found, body = self.conditions[metric.otel].partition(" and not ( ")
        kept = [clause for clause in body.removesuffix(" )").split(" and ") if not re.search(clauses, clause)]
        self.conditions[metric.otel] = f"{head}{found}{' and '.join(kept)} )"

    def processors(self, name: object) -> dict[str, Any]:
        """Both processors, called after *name*."""
        groups = [{"conditions": [_is(otel)], "statements": both} for otel, both in self.statements.items()]
        return {
            f"filter/{name}": {"error_mode": "propagate", "metric_conditions": [self.names, *self.conditions.values()]},
            f"transform/{name}": {"error_mode": "propagate", "metric_statements": groups},
        }


Mutation = Callable[[Renaming, Metric], None]
GROUPS: Final = 4


@dataclass(frozen=True)
class Mutants:
    """A running collector that shows what it is sent as GROUPS collectors would, each with its changes."""

    collector: Collector
    groups: Sequence[Sequence[Metric]]
    ports: Sequence[int]

    def expositions(self) -> Iterator[tuple[set[str], str]]:
        """Yield the names of the changed metrics, and what is exposed with that change."""
        for metrics, port in zip(self.groups, self.ports, strict=True):
            yield {metric.prometheus for metric in metrics}, fetch(port, "/metrics")


@contextmanager
def running_mutants(folder: Path, mutate: Mutation, metrics: Sequence[Metric]) -> Iterator[Mutants]:
    """Run collectors that differ from the project's in what *mutate* has done to the entries of some of *metrics*.

    Each metric is changed in one of them. (With a collector for each metric a test takes five seconds.)
    """
    groups = [metrics[start::GROUPS] for start in range(GROUPS)]
    with free_ports(GROUPS) as ports:
        file = folder / "mutants.json"
        file.write_text(json.dumps(_changed(mutate, groups, ports)), encoding="utf-8")
        with running_collector(folder / "log", file) as collector:
            yield Mutants(collector, groups, ports)


def _changed(mutate: Mutation, groups: Sequence[Sequence[Metric]], ports: Sequence[int]) -> dict[str, Any]:
    """The committed configuration with a pipeline for each of *groups*, which shows it on its port."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    exporter, pipeline = config["exporters"].pop("prometheus"), config["service"]["pipelines"].pop("metrics")
    config["exporters"]["nop"], config["service"]["pipelines"]["metrics/spans"]["exporters"] = {}, ["nop"]
    for number, (group, port) in enumerate(zip(groups, ports, strict=True)):
        renaming = Renaming.committed()
        for metric in group:
            mutate(renaming, metric)
        config["processors"] |= renaming.processors(number)
        config["exporters"][f"prometheus/{number}"] = {**exporter, "endpoint": f"127.0.0.1:{port}"}
        config["service"]["pipelines"][f"metrics/{number}"] = {
            "receivers": pipeline["receivers"],
            "processors": [name.replace("/contract", f"/{number}") for name in pipeline["processors"]],
            "exporters": [f"prometheus/{number}"],
        }
    return config


def _is(otel: str) -> str:
    return f'metric.name == "{otel}"'


def _metric_of(condition: str) -> str:
    return condition.split('"')[1]
