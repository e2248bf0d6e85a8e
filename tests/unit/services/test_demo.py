"""The services' defaults fit together: a newcomer sees everything within a minute, and no limit is left behind."""

import pytest

from tests.support.simulated_demo import FIRST_S, run


@pytest.mark.parametrize("seed", [20_251_121, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_first_minute_of_the_demo_shows_everything(seed: int) -> None:
    first, _ = run(seconds=FIRST_S + 1, seed=seed)
    assert set(first.rejected) >= {"POSITION_SIZE_EXCEEDED", "NO_POSITION", "EXPOSURE_LIMIT"}, first.rejected
    assert first.approved["BUY"] > 0
    assert first.gains > 0
    assert first.losses > 0
    assert first.max_exposure_pct < 45
    assert first.max_position_pct < 10
