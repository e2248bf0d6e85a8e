"""Run the demo for days of simulated time: what the market does to the strategy, the limits and the account.

tests/support/simulated_demo.py says what is simulated. The defaults of all settings hold. Shares are of equity at the
time; exposure is looked at once per simulated second.

    python -m bench.simulated_days [--days 2] [--seed N] [--json]
"""

import argparse
import json
import sys
import time
from collections import Counter
from typing import Final

from tests.support.simulated_demo import Figures, run

DAY_S: Final = 86_400


def table(first: Figures, everything: Figures, *, days: float) -> str:
    """Both sets of figures side by side."""
    left, right = _flat(first), _flat(everything)
    lines = [f"{'':<32}{'first 60 s':>18}  {f'{days:g} days':>28}"]
    lines += [f"{name:<32}{left.get(name, '0'):>18}  {value:>28}" for name, value in right.items()]
    return "\n".join(lines)


def _flat(figures: Figures) -> dict[str, str]:
    found = {}
    for name, value in figures.as_dict().items():
        if isinstance(value, Counter):
            found.update({f"{name} {key}": str(value[key]) for key in sorted(value)})
        else:
            found[name] = str(value)
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=20_251_121)
    parser.add_argument("--json", action="store_true", help="print one object: first_minute and all")
    options = parser.parse_args()
    began = time.monotonic()

    def show_progress(hour: int) -> None:
        if sys.stderr.isatty():
            spent_s = time.monotonic() - began
            sys.stderr.write(f"\rseed {options.seed}: {hour} h of {options.days * 24:g} h simulated in {spent_s:.0f} s")

    first, everything = run(seconds=options.days * DAY_S, seed=options.seed, each_hour=show_progress)
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    if options.json:
        print(json.dumps({"seed": options.seed, "first_minute": first.as_dict(), "all": everything.as_dict()}))
    else:
        print(table(first, everything, days=options.days))


if __name__ == "__main__":
    main()
