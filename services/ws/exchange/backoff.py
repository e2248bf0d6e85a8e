"""How long to wait before trying again: longer each time, never quite the same, short again once things went well."""

import random
from typing import Final

FIRST_S: Final = 0.2
LONGEST_S: Final = 30.0
WELL_AFTER_S: Final = 60.0


class BackOff:
    """Doubles from FIRST_S to LONGEST_S, each with a random part so that many clients do not come back at once."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._next_s = FIRST_S

    def next_s(self, went_well_s: float = 0.0) -> float:
        """How long to wait now, after things went well for *went_well_s*."""
        if went_well_s >= WELL_AFTER_S:
            self._next_s = FIRST_S
        pause_s = self._next_s * random.uniform(0.5, 1.0)  # noqa: S311  no secret
        self._next_s = min(2 * self._next_s, self._longest_s)
        return pause_s
