"""Whether the dashboards are there and ask for what exists."""

from typing import Any, Final

from cdb.check.run import UNREADABLE, Depth, run
from cdb.dashboard.model.dashboards import load_dashboards
from cdb.doctor.findings import Finding, fail, ok, warn
from cdb.doctor.site import Site, reason

_UNAUTHORISED: Final = 401
_DATA_SOURCE: Final = "prometheus"
_SHOWN: Final = 3
_START: Final = {"native": "install Grafana, then cdb down, cdb up", "compose": "docker compose up -d cdb_grafana"}


def queries(site: Site) -> Finding:
    """Everything that dashboards and alerts ask for is shown by Prometheus, with its labels and its type."""
    advice = "cdb check dashboards --depth contract"
    try:
        report = run(site.root, Depth.CONTRACT, site.prometheus)
    except UNREADABLE as error:
        return fail(reason(error), advice)
    if not report.clean:
        first = "; ".join(str(finding) for finding in report.findings[:_SHOWN])
        return fail(f"{len(report.findings)} faults: {first}", advice)
    return ok(", ".join(f"{count} {kind}" for kind, count in report.looked_at.items()))


def grafana(site: Site) -> Finding:
    """Grafana has the three dashboards, its data source works, and nobody gets in without the password."""
    boards = {str(dashboard.uid): dashboard.title for dashboard in load_dashboards(site.root).values()}
    if not site.has("grafana"):
        return warn(
            f"Grafana does not run here, so its own drawing of {', '.join(boards.values())} was not looked at",
            f"the same files are drawn by `cdb dashboard`; to see them there: {_START[site.way]}",
        )
    login = ("admin", site.settings.get("GRAFANA_PASSWORD", ""))
    found = site.http.get(site.url("grafana", "/api/search"), params={"type": "dash-db"}, auth=login)
    if found.status_code == _UNAUTHORISED:
        return fail("Grafana refuses the user admin with GRAFANA_PASSWORD", "grafana cli admin reset-admin-password")
    found.raise_for_status()
    there: list[dict[str, Any]] = found.json()
    if missing := [title for uid, title in boards.items() if uid not in {one.get("uid") for one in there}]:
        return fail(f"missing in Grafana: {', '.join(missing)}", f"{site.look}: grafana, provisioning")
    source = site.http.get(site.url("grafana", f"/api/datasources/uid/{_DATA_SOURCE}/health"), auth=login)
    if not source.is_success:
        return fail(
            f"the data source Prometheus fails its test: {source.text[:120]}",
            f"{site.look}: grafana; is Prometheus up?",
        )
    if site.http.get(site.url("grafana", "/api/search")).is_success:
        return fail("Grafana shows dashboards without a password", "switch anonymous access off (auth.anonymous)")
    return ok(f"{', '.join(boards.values())}; the data source works; no access without the password")
