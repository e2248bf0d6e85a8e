"""`python -m tests.simulation`: run seeds, show what one of them finds, and with how few faults."""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.simulation.breaks import BREAKS
from tests.simulation.ledgers import running_ledger, setup_of
from tests.simulation.run import Result
from tests.simulation.seeds import Seeds, be_quiet, command, failing

AT_ONCE = 25
MOST_SEEDS = 200


def main() -> int:
    """Run the seeds that are asked for; 1 if any finds something."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as place, running_ledger(Path(place) / "state") as environment:
        many = [] if asked.steps or asked.breaks else _many(environment, asked)
        be_quiet()
        seeds = Seeds(setup_of(environment))
        if asked.breaks:
            return _try_breaks(seeds)
        one = [seeds.run(asked.seed, most=asked.faults, tell=_say)] if asked.steps else []
        failed = [result for result in (*many, *one) if result.found]
        for result in failed:
            _show(result, seeds.shortest(result) if asked.faults is None else asked.faults)
    _say(f"seeds that failed: {len(failed)}" if failed else "nothing was found")
    return 1 if failed else 0


def _many(environment: dict[str, str], asked: argparse.Namespace) -> list[Result]:
    """Run all seeds in processes of their own, and give those that find something."""
    began, last = time.monotonic(), asked.seed + asked.count
    parts = [range(first, min(first + AT_ONCE, last)) for first in range(asked.seed, last, AT_ONCE)]
    failed: list[Result] = []
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        for part, results in zip(parts, pool.map(failing, [environment] * len(parts), parts), strict=True):
            failed += results
            sys.stderr.writelines(f"seed {result.seed} failed: {'; '.join(result.found)}\n" for result in results)
            done, took_s = part.stop - asked.seed, time.monotonic() - began
            sys.stderr.write(f"{done:,} of {asked.count:,} seeds in {took_s:,.0f} s, {len(failed)} failed\n")
    return failed


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--count", type=int, default=1, help="how many seeds (default: 1)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (default: 2)")
    parser.add_argument("--faults", type=int, help="only so many faults of a seed, the first ones; with --steps")
    parser.add_argument("--steps", action="store_true", help="run one seed and print each fault when it happens")
    parser.add_argument("--breaks", action="store_true", help="say which seed finds each deliberate break")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _try_breaks(seeds: Seeds) -> int:
    """Print for each break the first seed that finds it; 1 if one is found by none of MOST_SEEDS."""
    seeds.run(0, most=0)  # what is right is known before anything is broken
    missed = 0
    for name, apply in BREAKS.items():
        with pytest.MonkeyPatch.context() as patch:
            apply(patch)
            found = next(seeds.failing(range(MOST_SEEDS)), None)
        missed += found is None
        _say(f"{name}: not found" if found is None else f"{name}: found by seed {found.seed}: {found.found[0]}")
    return 1 if missed else 0


def _show(result: Result, most: int) -> None:
    _say(f"seed {result.seed} with {len(result.faults)} faults, of which the first {most} are enough:")
    for line in result.found[:10]:
        _say(f"    {line}")
    _say(f"    shown again by: {command(result.seed, most)}")


if __name__ == "__main__":
    sys.exit(main())
