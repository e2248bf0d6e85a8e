"""What the services send when each does what the contract says."""

from opentelemetry.sdk.metrics.export import Metric as MetricData

from telemetry.contract import Contract
from tests.support.bot import INSTANCES
from tests.support.points import point
from tests.system.contract.facts import facts


def valid_points(contract: Contract) -> dict[str, list[MetricData]]:
    """One series of each metric by the service that has it; only the help text is not the contract's."""
    found: dict[str, list[MetricData]] = {service: [] for service in INSTANCES}
    for metric, fact in zip(contract.metrics, facts(contract), strict=True):
        for service in fact.services:
            found[service].append(point(metric))
    return found
