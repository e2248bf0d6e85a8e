"""A long curve in few points that still has its highest and its lowest values."""

from typing import Final

MOST_SPANS: Final = 500
"""Of up to four points each: no screen shows more. An even number."""

Point = tuple[float, float]
"""Unix time in seconds, value."""


class Outline:
    """Takes in any number of points, oldest first."""

    def __init__(self) -> None:
        self._spans: list[list[Point]] = []
        """Each has at most four points of *_step* that came one after the other: first, lowest, highest, last."""
        self._step = 1
        self._taken = 0

    def add(self, when: float, value: float) -> None:
        if self._taken % self._step == 0:
            if len(self._spans) >= MOST_SPANS:
                pairs = zip(self._spans[::2], self._spans[1::2], strict=True)
                self._spans = [_thinned([*one, *other]) for one, other in pairs]
                self._step *= 2
            self._spans.append([])
        self._spans[-1] = _thinned([*self._spans[-1], (when, value)])
        self._taken += 1

    @property
    def points(self) -> list[Point]:
        return [point for span in self._spans for point in span]


def _thinned(points: list[Point]) -> list[Point]:
    if len(points) <= 4:
        return points
    kept = {0, len(points) - 1}
    by_value = sorted(range(len(points)), key=lambda place: points[place][1])
    return [points[place] for place in sorted(kept | {by_value[0], by_value[-1]})]
