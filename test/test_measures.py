"""Rates and durations of what happened of late."""

import pytest

from vision_service.measures import MOST, WINDOW, Durations, Rate


@pytest.fixture
def clock():
    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    return Clock()


def test_a_rate_is_0_before_it_has_happened_twice(clock):
    rate = Rate(clock=clock)
    assert rate.per_second == 0
    rate.count()
    assert rate.per_second == 0


@pytest.mark.parametrize("hertz", [0.5, 10, 30, 1000])
def test_a_steady_rate_is_what_it_is(clock, hertz):
    rate = Rate(clock=clock)
    for _ in range(2000):
        clock.now += 1 / hertz
        rate.count()
    assert rate.per_second == pytest.approx(hertz, rel=1e-6)


def test_who_stops_slows_down_and_is_0_at_last(clock):
    rate = Rate(clock=clock)
    for _ in range(50):
        clock.now += 0.1
        rate.count()
    seen = []
    for _ in range(4):
        clock.now += 1
        seen.append(rate.per_second)
    assert seen == sorted(seen, reverse=True)
    assert seen[0] < 10
    clock.now += WINDOW
    assert rate.per_second == 0


def test_what_happens_twice_at_once_is_no_infinite_rate(clock):
    rate = Rate(clock=clock)
    rate.count()
    rate.count()
    assert 0 < rate.per_second < 10_000


def test_quantiles_of_durations():
    durations = Durations()
    assert durations.to_json() == {"p50": None, "p99": None}
    for number in range(1, 101):
        durations.add(number / 1000)
    assert durations.to_json() == {"p50": 0.05, "p99": 0.099}
    assert durations.quantile(1.0) == 0.1
    assert durations.quantile(0.0) == 0.001


def test_only_the_last_ones_count():
    durations = Durations()
    for _ in range(MOST):
        durations.add(1.0)
    for _ in range(MOST):
        durations.add(2.0)
    assert durations.quantile(0.0) == 2.0


def test_a_block_that_fails_is_measured_too():
    durations = Durations()
    with pytest.raises(KeyError), durations.measured():
        raise KeyError
    assert durations.quantile(0.5) >= 0
