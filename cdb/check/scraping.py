"""What Prometheus scrapes, and how often, as the files under monitoring/prometheus say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import promql_parser as promql

from cdb.check.files import FileError, read_yaml

PROMETHEUS: Final = Path("monitoring", "prometheus")
_CONFIGURATION: Final = PROMETHEUS / "prometheus.yml"

Jobs = Mapping[str, tuple[str, ...]]
"""Addresses by the job that scrapes them."""


class _Discovery(msgspec.Struct, frozen=True):
    files: tuple[str, ...]


class _Job(msgspec.Struct, frozen=True):
    job_name: str
    file_sd_configs: tuple[_Discovery, ...] = ()


class _Global(msgspec.Struct, frozen=True):
    scrape_interval: str


class _Configuration(msgspec.Struct, frozen=True):
    scrape_configs: tuple[_Job, ...]
    everywhere: _Global = msgspec.field(name="global")


class _Group(msgspec.Struct, frozen=True):
    targets: tuple[str, ...]


def scraped(root: Path) -> tuple[Jobs, str]:
    """Read the targets of each job, and how often they are scraped. Raises FileError."""
    settings = read_yaml(root, root / _CONFIGURATION, _Configuration)
    interval = settings.everywhere.scrape_interval
    try:
        promql.parse_duration(interval)
    except ValueError as error:
        said = f"scrape_interval {interval!r:.80} is not a length of time such as 15s"
        raise FileError(f"{_CONFIGURATION}: {said}") from error
    jobs: dict[str, tuple[str, ...]] = {}
    for job in settings.scrape_configs:
        files = [root / PROMETHEUS / file for found in job.file_sd_configs for file in found.files]
        jobs[job.job_name] = tuple(target for file in files for target in _targets(root, file))
    return jobs, interval


def _targets(root: Path, file: Path) -> tuple[str, ...]:
    return tuple(target for group in read_yaml(root, file, tuple[_Group, ...]) for target in group.targets)
