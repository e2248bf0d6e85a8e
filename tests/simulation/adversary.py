"""Who decides, from a seed, what goes wrong and when. The same seed decides the same, up to the last fault allowed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

RATES: Final = (0.001, 0.005, 0.02)
"""How likely a fault is at one point; a run has one of them."""


@dataclass(frozen=True)
class Fault:
    """What went wrong: at which point of the run (counted), where, and what."""

    point: int
    where: str
    what: str

    def __str__(self) -> str:
        return f"point {self.point:>5}  {self.where:<28} {self.what}"


class Adversary:
    """Is asked at every point. After *most* faults, or once it was calmed, nothing more goes wrong."""

    def __init__(self, seed: int, *, most: int | None = None) -> None:
        self.random = random.Random(seed)  # noqa: S311  no secret
        self.rate = self.random.choice(RATES)
        self.faults: list[Fault] = []
        self.points = 0
        self._most = most
        self._calm = False

    def calm(self) -> None:
        """Let nothing go wrong from now on."""
        self._calm = True

    def chooses(self, where: str, kinds: Sequence[str], *, eager: int = 1) -> str:
        """One of *kinds*, which is noted as a fault, or an empty text: all goes well at this point.

        It is so many times as *eager* as at other points.
        """
        self.points += 1
        wants, kind = self.random.random() < eager * self.rate, self.random.choice(kinds)
        if self._calm or not wants or (self._most is not None and len(self.faults) >= self._most):
            return ""
        self.faults.append(Fault(self.points, where, kind))
        return kind
