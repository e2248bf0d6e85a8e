"""Run seeds one after the other on one ledger; tell how a failing one is shown again."""

from collections.abc import Callable, Iterable, Iterator

from services.engine.setup import Setup
from services.runtime import logs
from telemetry.setup import record_nothing
from tests.simulation.checks import Content
from tests.simulation.ledgers import copied_ledger, empty, setup_of
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
        """With how many of its first faults *failed* still fails: fewer are enough only where more are not."""
        passes, fails = -1, len(failed.faults)
        while fails - passes > 1:
            middle = (passes + fails) // 2
            if self.run(failed.seed, most=middle).found:
                fails = middle
            else:
                passes = middle
        return fails

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


def failing(environment: dict[str, str], seeds: range) -> list[Result]:
    """Run *seeds* on a ledger of their own; for a process of its own."""
    be_quiet()
    with copied_ledger(environment, f"seeds_{seeds.start}") as own:
        return [*Seeds(setup_of(own)).failing(seeds)]


def be_quiet() -> None:
    """Have this process log and record nothing: thousands of faults are no news here."""
    logs.configure("simulation", level="CRITICAL", log_format="console")
    record_nothing()


def command(seed: int, most: int | None = None) -> str:
    """What shows a seed again."""
    return f"python -m tests.simulation --seed {seed} --steps" + ("" if most is None else f" --faults {most}")
