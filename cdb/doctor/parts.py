"""Whether everything is up, and Prometheus reaches it."""

import re
from typing import Final

import yaml

from cdb.doctor.findings import Finding, fail, ok
from cdb.doctor.site import Site
from cdb.running.native import TRADING

SERVICES: Final = tuple(name for name in TRADING if name.startswith("cdb_"))
_LEAST_NAMES: Final = 10  # of cdb_* that a service's own /metrics shows (handbook, 4.5)
_NAME: Final = re.compile(r"^# TYPE (cdb_\w+) ", re.MULTILINE)


def parts(site: Site) -> Finding:
    """Every part is healthy, as its own probe sees it: servers with the password, programs by their /health."""
    seen = site.parts()
    sick = [f"{part.name}: {part.health.detail or part.state}" for part in seen if not part.ready]
    if sick or not seen:
        return fail("; ".join(sick) or "nothing runs", site.look)
    return ok(f"{len(seen)} of {len(seen)} healthy")


def targets(site: Site) -> Finding:
    """Prometheus reaches every target that is in the project's files."""
    wanted = _wanted(site)
    seen = {
        (target.labels.get("job", ""), target.labels.get("instance", "")): target
        for target in site.prometheus.targets()
    }
    missing = sorted(f"{job} {instance} is not scraped" for job, instance in wanted - seen.keys())
    down = sorted(
        f"{instance} is {seen[job, instance].health} {seen[job, instance].last_error}".strip()
        for job, instance in wanted & seen.keys()
        if seen[job, instance].health != "up"
    )
    if missing or down:
        return fail(
            "; ".join(missing + down),
            "docs/operations.md, 'A target is down'; a part that has just started is up after the next scrape",
        )
    return ok(f"{len(wanted)} of {len(wanted)} up")


def _wanted(site: Site) -> set[tuple[str, str]]:
    """Return job and instance of every address in monitoring/prometheus/targets; the files are called as the jobs."""
    folder = site.root / "monitoring" / "prometheus" / "targets"
    return {
        (file.stem, str(address))
        for file in sorted(folder.glob("*.yml"))
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))
        for address in group["targets"]
    }


def endpoints(site: Site) -> Finding:
    """Each service shows its own /metrics."""
    counts: dict[str, int] = {}
    for service in SERVICES:
        answer = site.http.get(site.url(service, "/metrics"))
        counts[service] = len(set(_NAME.findall(answer.text))) if answer.is_success else 0
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    if few := [name for name, count in counts.items() if count < _LEAST_NAMES]:
        return fail(
            f"less than {_LEAST_NAMES} cdb_* metrics at {', '.join(few)} ({said})",
            f"curl -s {site.url(few[0], '/metrics')}",
        )
    return ok(said)
