"""Write dashboards and scrape targets: `python -m monitoring.dashboards.source`; --check only compares."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from monitoring.dashboards.source import account_performance, risk_alerts, system_health, trading_overview
from monitoring.dashboards.source.board import as_json
from monitoring.dashboards.source.sdk import dashboard
from services import topology
from telemetry.generate.files import asked_to_check, bring_up_to_date

ROOT: Final = Path(__file__).parents[3]
FILES: Final[Mapping[str, Callable[[], dashboard.Dashboard]]] = {
    f"monitoring/dashboards/json/{module.UID}.json": module.build
    for module in (trading_overview, risk_alerts, system_health, account_performance)
}
TARGETS: Final = "monitoring/prometheus/targets/cdb_services.yml"


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write the files below *root*. With --check, only name those that are out of date; 1 if there are any."""
    check = asked_to_check(arguments, program="python -m monitoring.dashboards.source", about=__doc__)
    texts = {name: as_json(build().build()) for name, build in FILES.items()}
    texts[TARGETS] = f"- targets: [{', '.join(service.instance for service in topology.SERVICES)}]\n"
    return bring_up_to_date(texts, root, check=check)


if __name__ == "__main__":
    sys.exit(main())
