import pytest

from services.clock import NANOSECONDS as S
from services.ws.exchange.clock import ExchangeClock

NOW = 1_771_880_412 * S


class Ours:
    """Our clock, which somebody sets."""

    def __init__(self) -> None:
        self.now = NOW
        self.jumped_s = 0.0

    def set(self, by_s: float) -> None:
        self.now += int(by_s * S)
        self.jumped_s += by_s

    def jump_s(self) -> float:
        jumped, self.jumped_s = self.jumped_s, 0.0
        return jumped


@pytest.fixture
def ours() -> Ours:
    return Ours()


@pytest.fixture
def clock(ours: Ours) -> ExchangeClock:
    return ExchangeClock(lambda: ours.now, ours.jump_s)


def measure(clock: ExchangeClock, ours: Ours, ahead_s: float, trip_s: float = 0.1) -> None:
    """Let the exchange, *ahead_s* ahead of us, answer in the middle of a round trip."""
    assert clock.measure(ours.now, ours.now + int((ahead_s + trip_s / 2) * S), ours.now + int(trip_s * S))


@pytest.mark.parametrize("ahead_s", [0.0, 0.2, -0.2])
def test_what_a_measurement_cannot_be_sure_of_is_left_alone(clock: ExchangeClock, ours: Ours, ahead_s: float) -> None:
    measure(clock, ours, ahead_s)
    assert clock.ours_ns(NOW) == NOW
    assert clock.skew_s == pytest.approx(ahead_s)


@pytest.mark.parametrize("ahead_s", [-7.0, 1.0, 3600.0])
def test_the_exchange_s_times_become_ours(clock: ExchangeClock, ours: Ours, ahead_s: float) -> None:
    measure(clock, ours, ahead_s)
    assert clock.ours_ns(NOW + int(ahead_s * S)) == pytest.approx(NOW, abs=0.001 * S)


def test_an_answer_that_took_too_long_measures_nothing(clock: ExchangeClock, ours: Ours) -> None:
    assert not clock.measure(ours.now, ours.now, ours.now + 3 * S)
    assert clock.skew_s is None


@pytest.mark.parametrize("by_s", [-3600.0, -60.0])
def test_a_clock_that_is_set_back_is_noticed_at_the_next_trade(clock: ExchangeClock, ours: Ours, by_s: float) -> None:
    clock.stamp("BTCUSDT", NOW, late=False)
    ours.set(by_s)
    clock.stamp("BTCUSDT", NOW + 1, late=False)
    assert clock.ours_ns(NOW) == ours.now


def test_a_time_far_ahead_is_wrong_unless_our_clock_was_set_back(clock: ExchangeClock, ours: Ours) -> None:
    assert not clock.is_far_ahead(NOW + 3600 * S), "theirs is not known yet"
    measure(clock, ours, 0)
    assert clock.is_far_ahead(NOW + 3600 * S)
    ours.set(-3600)
    assert not clock.is_far_ahead(NOW)


def test_a_wrong_measurement_makes_no_trade_one_from_the_future(clock: ExchangeClock, ours: Ours) -> None:
    measure(clock, ours, -3600)
    assert not clock.is_far_ahead(NOW)
    assert clock.stamp("BTCUSDT", NOW, late=False) == NOW


def test_before_the_first_measurement_no_trade_is_from_the_future(clock: ExchangeClock, ours: Ours) -> None:
    assert clock.stamp("BTCUSDT", NOW + 3600 * S, late=False) == ours.now


@pytest.mark.parametrize("by_s", [-3600.0, -60.0, 60.0])
def test_when_our_clock_is_set_trades_are_now_by_the_new_one(clock: ExchangeClock, ours: Ours, by_s: float) -> None:
    """The exchange's own clock goes on as before."""
    clock.stamp("BTCUSDT", NOW, late=False)
    ours.set(by_s)
    clock.follow_jumps()
    assert not clock.is_measured
    assert clock.stamp("BTCUSDT", NOW + S, late=False) == ours.now + S


def test_a_correction_lets_no_trade_go_back_before_the_one_before_it(clock: ExchangeClock, ours: Ours) -> None:
    first = clock.stamp("BTCUSDT", NOW + 2 * S, late=False)
    measure(clock, ours, 2.0)
    assert clock.stamp("BTCUSDT", NOW + 2 * S + 1, late=False) == first
    assert clock.stamp("ETHUSDT", NOW + 2 * S + 1, late=False) < first


def test_a_late_trade_keeps_its_own_time(clock: ExchangeClock) -> None:
    clock.stamp("BTCUSDT", NOW, late=False)
    assert clock.stamp("BTCUSDT", NOW - S, late=True) == NOW - S
