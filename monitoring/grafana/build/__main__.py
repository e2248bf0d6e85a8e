"""Write the dashboards: `python -m monitoring.grafana.build`, with --check only compare."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from monitoring.grafana.build import risk_alerts, system_health, trading_overview
from monitoring.grafana.build.board import as_json
from monitoring.grafana.build.sdk import dashboard

ROOT: Final = Path(__file__).parents[3]
FILES: Final[Mapping[str, Callable[[], dashboard.Dashboard]]] = {
    f"monitoring/grafana/dashboards/{module.UID}.json": module.build
    for module in (trading_overview, risk_alerts, system_health)
}


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write the files below *root*; with --check, name those that are out of date and return 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.grafana.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which files are out of date")
    check = parser.parse_args(arguments).check
    stale = 0
    for name, build in FILES.items():
        path = root / name
        text = as_json(build().build())
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            stale = 1
            sys.stderr.write(f"{name} is out of date; run make generate\n")
        else:
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    sys.exit(main())
