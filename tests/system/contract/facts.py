"""What every side must show of the metrics, from the contract alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

from telemetry.contract import Contract, Metric
from tests.support.bot import INSTANCES

Labels = frozenset[tuple[str, str]]
Place = tuple[str, str]
"""`job` and `instance`; empty where there is none."""
EXPOSED: Final[Mapping[str, Place]] = {service: (f"cdb/{service}", where) for service, where in INSTANCES.items()}
"""What the collector says of each service's series."""
STORED: Final[Mapping[str, Place]] = {service: ("cdb_services", where) for service, where in INSTANCES.items()}
"""What Prometheus makes of that: the job that has always had them."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One metric as the contract has it. *services* are those that have series of it, or may have if it is *absent*."""

    name: str
    type: str
    labels: frozenset[str]
    bounds: tuple[float, ...]
    help: str
    services: frozenset[str]
    absent: bool = False


def facts(contract: Contract, *services: str) -> list[Fact]:
    """What the metrics of *services* must look like, by default those of all."""
    wanted = services or contract.services
    return [
        Fact(
            name=metric.prometheus,
            type=metric.type,
            labels=frozenset(metric.labels),
            bounds=(*metric.buckets, float("inf")) if metric.buckets else (),
            help=metric.brief,
            services=_services(metric).intersection(wanted),
            absent=metric.absent,
        )
        for metric in contract.metrics
        if owners(metric).intersection(wanted)
    ]


def facts_with_values(contract: Contract) -> list[Fact]:
    """The same where everything has been given a value: then nothing may be absent."""
    return [replace(fact, absent=False) for fact in facts(contract)]


def owners(metric: Metric) -> frozenset[str]:
    """The services that record *metric*."""
    return frozenset(INSTANCES if metric.owner == "all" else (f"cdb_{metric.owner}",))


def known(contract: Contract, service: str, only: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, Labels]]:
    """Yield metric and label set of all that *service* has from its start; *only* says what open labels can be."""
    own = [metric for metric in contract.metrics if service in owners(metric)]
    for metric in (metric for metric in own if not metric.absent):
        narrow = {
            **only,
            "service": (service,),
            # A metric without labels cannot overflow.
            "metric": tuple(m.prometheus for m in own if m.labels or "overflow" not in metric.prometheus),
        }
        choices = [narrow.get(label, metric.values[label]) for label in metric.labels]
        for values in product(*choices):
            labels = dict(zip(metric.labels, values, strict=True))
            if not metric.combinations or any(
                {"service": service, **labels}.items() >= combination.items() for combination in metric.combinations
            ):
                yield metric.prometheus, frozenset(labels.items())


def _services(metric: Metric) -> frozenset[str]:
    """The services that have a series: all owners, unless the combinations say which."""
    named = frozenset(one["service"] for one in metric.combinations if "service" in one)
    return named or owners(metric)
