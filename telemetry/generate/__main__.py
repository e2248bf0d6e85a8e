"""Write the files that follow from the contract: `python -m telemetry.generate`, with --check only compare."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from telemetry.contract import Contract, ContractError, load_contract
from telemetry.generate.page import metrics_page
from telemetry.generate.python_source import instruments_source, metrics_source
from telemetry.generate.renaming import renaming

ROOT: Final = Path(__file__).parents[2]
FILES: Final[Mapping[str, Callable[[Contract], str]]] = {
    "telemetry/instruments.py": instruments_source,
    "telemetry/metrics.py": metrics_source,
    "otel-collector/renaming.yaml": renaming,
    "docs/metrics.md": metrics_page,
}


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Write the files below *root*; with --check, name those that are out of date and return 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m telemetry.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which files are out of date")
    check = parser.parse_args(arguments).check
    try:
        contract = load_contract()
    except ContractError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stale = 0
    for name, source in FILES.items():
        path = root / name
        text = source(contract)
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
