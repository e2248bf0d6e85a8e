"""A look-back's rows come out as they went in, packed or not."""

from collections import deque
from decimal import Decimal
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from services.core.window import CHUNK, Window

Row = tuple[int, Decimal, Decimal]


@given(st.lists(st.tuples(st.integers(0, 2 * CHUNK + 1), st.integers(0, 2 * CHUNK + 1)), max_size=6))
def test_it_gives_what_a_deque_gives(turns: list[tuple[int, int]]) -> None:
    window, expected, numbers = Window[Row](tuple[int, Decimal, Decimal]), deque[Row](), count(1)
    for come, go in turns:
        for number in (next(numbers) for _ in range(come)):
            row = (number, Decimal(number).scaleb(-number % 9), Decimal(f"{number}.10"))
            window.append(row)
            expected.append(row)
        for _ in range(min(go, len(expected) - 1)):
            assert repr(window.popleft()) == repr(expected.popleft())  # 1.10 and 1.1 are equal
        assert len(window) == len(expected)
        if expected:
            assert (window.oldest, window.newest) == (expected[0], expected[-1])
