"""Whether the dashboards are there and ask for what exists."""

from functools import partial
from typing import Any, Final

from cdb.dashboard.model.dashboards import load_dashboards
from cdb.doctor import watched
from cdb.doctor.findings import Finding, fail, ok, warn
from cdb.doctor.uptime import uptime_s
from cdb.running.base import RunningStack

_UNAUTHORISED: Final = 401
_DATA_SOURCE: Final = "prometheus"


def queries(stack: RunningStack) -> Finding:
    """Everything that dashboards and alerts ask for is shown by Prometheus, with its labels and its type."""
    return watched.queries(stack.prometheus, stack.root, uptime_s=partial(uptime_s, stack))


def grafana(stack: RunningStack) -> Finding:
    """Grafana has the dashboards, its data source works, and nobody gets in without the password."""
    boards = {str(dashboard.uid): dashboard.title for dashboard in load_dashboards(stack.root).read.values()}
    if "grafana" not in stack.listening:
        return warn(
            f"Grafana is not running here, so it was not checked for {', '.join(boards.values())}",
            f"the same files are drawn by `cdb dashboard`; to see them there: {stack.how_to_add_grafana}",
        )
    login = ("admin", stack.settings.get("GRAFANA_PASSWORD", ""))
    found = stack.http.get(stack.url("grafana", "/api/search"), params={"type": "dash-db"}, auth=login)
    if found.status_code == _UNAUTHORISED:
        return fail("Grafana rejects the user admin with GRAFANA_PASSWORD", "grafana cli admin reset-admin-password")
    found.raise_for_status()
    there: list[dict[str, Any]] = found.json()
    if missing := [title for uid, title in boards.items() if uid not in {one.get("uid") for one in there}]:
        return fail(f"missing in Grafana: {', '.join(missing)}", f"{stack.where_to_look}: grafana, provisioning")
    source = stack.http.get(stack.url("grafana", f"/api/datasources/uid/{_DATA_SOURCE}/health"), auth=login)
    if not source.is_success:
        return fail(
            f"the data source Prometheus fails its test: {source.text[:120]}",
            f"{stack.where_to_look}: grafana; is Prometheus up?",
        )
    if stack.http.get(stack.url("grafana", "/api/search")).is_success:
        return fail("Grafana shows dashboards without a password", "switch anonymous access off (auth.anonymous)")
    return ok(f"{', '.join(boards.values())}; the data source works; no access without the password")
