"""Write the files made from the contract: `python -m telemetry.generate`; --check only compares."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from telemetry.contract import Contract, ContractError, load_contract
from telemetry.generate.files import asked_to_check, bring_up_to_date
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
    """Write the files below *root*. With --check, only name those that are out of date; 1 if there are any."""
    check = asked_to_check(arguments, program="python -m telemetry.generate", about=__doc__)
    try:
        contract = load_contract()
    except ContractError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    texts = {name: source(contract) for name, source in FILES.items()}
    return bring_up_to_date(texts, root, check=check)


if __name__ == "__main__":
    sys.exit(main())
