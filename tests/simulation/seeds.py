"""Run seeds one after the other on one ledger; tell how a failing one is shown again."""

from collections.abc import Callable, Iterable, Iterator

from services.engine.setup import Setup
from tests.simulation.checks import Content
from tests.simulation.ledgers import empty
from tests.simulation.run import Result, Run, is_lockstep

Tell = Callable[[str], None]


class Seeds:
    """Runs on the ledger of *setup*, which is emptied for each."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._expected: Content | None = None

    def run(self, seed: int, *, most: int | None = None, tell: Tell = lambda _line: None) -> Result:
        """Run *seed*, with its first *most* faults only; *tell* hears of each fault."""
        if self._expected is None:
            self._expected = self._run(0, lockstep=True, most=0).content
        return self._run(seed, lockstep=is_lockstep(seed), most=most, expected=self._expected, tell=tell)

    def failing(self, seeds: Iterable[int]) -> Iterator[Result]:
        """Those of *seeds* that find something."""
        for seed in seeds:
            result = self.run(seed)
            if result.found:
                yield result

    def shortest(self, failed: Result) -> int:
        """With how many of its first faults *failed* still fails, at the least."""
        for most in range(len(failed.faults)):
            if self.run(failed.seed, most=most).found:
                return most
        return len(failed.faults)

    def _run(
        self,
        seed: int,
        *,
        lockstep: bool,
        most: int | None,
        expected: Content | None = None,
        tell: Tell = lambda _line: None,
    ) -> Result:
        empty(self._setup)
        return Run(seed, self._setup, lockstep=lockstep, most=most, tell=tell).go(expected)


def command(seed: int, most: int | None = None) -> str:
    """What shows a seed again."""
    return f"python -m tests.simulation --seed {seed} --steps" + ("" if most is None else f" --faults {most}")
