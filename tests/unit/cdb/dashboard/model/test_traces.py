"""Points that lead to traces: few enough to be seen, and the slow ones among them."""

from cdb.dashboard.model.ask import Window
from cdb.dashboard.model.traces import MOST, thinned
from cdb.kit.prometheus import Exemplar

WINDOW = Window(end=1_000.0, range_s=900.0)


def exemplar(number: int, *, at: float, value: float) -> Exemplar:
    return Exemplar({"trace_id": f"{number:032x}"}, at, value)


def test_of_many_points_the_slowest_of_each_time_are_kept() -> None:
    many = [exemplar(at, at=100.0 + 900.0 * at / 5_000, value=float(at % 125)) for at in range(5_000)]
    kept = thinned(many, WINDOW)
    assert len(kept) == MOST
    assert {point.value for point in kept} == {120.0, 121.0, 122.0, 123.0, 124.0}
    assert [point.at for point in kept] == sorted(point.at for point in kept)


def test_few_points_are_all_kept_up_to_the_windows_end() -> None:
    few = [exemplar(1, at=100.0, value=1.0), exemplar(2, at=1_000.0, value=2.0)]
    assert [point.value for point in thinned(few, WINDOW)] == [1.0, 2.0]


def test_a_trace_has_one_point() -> None:
    same = [exemplar(1, at=200.0, value=1.0), exemplar(1, at=210.0, value=3.0), exemplar(1, at=220.0, value=2.0)]
    assert [(point.at, point.value) for point in thinned(same, WINDOW)] == [(210.0, 3.0)]


def test_an_exemplar_without_a_trace_is_no_point() -> None:
    odd = [Exemplar({}, 200.0, 1.0), Exemplar({"trace_id": "../x"}, 200.0, 1.0), Exemplar({"trace_id": "A" * 32}, 1, 1)]
    assert thinned(odd, WINDOW) == ()
