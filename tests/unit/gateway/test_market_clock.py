"""Market time under control."""

from datetime import UTC, datetime, timedelta

import pytest

from mtum.gateway.market import MarketClock

START = datetime(2015, 6, 10, 19, 38, tzinfo=UTC)


class Stopwatch:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_time_passes_at_its_speed() -> None:
    watch = Stopwatch()
    clock = MarketClock(START, speed=60.0, elapsed=watch)
    watch.seconds += 2.0
    assert clock.now() == START + timedelta(minutes=2)


def test_a_frozen_clock_stands_and_goes_on_from_there() -> None:
    watch = Stopwatch()
    clock = MarketClock(START, elapsed=watch)
    watch.seconds += 10
    clock.run(0.0)
    watch.seconds += 1000
    assert clock.now() == START + timedelta(seconds=10)
    clock.run(1.0)
    watch.seconds += 5
    assert clock.now() == START + timedelta(seconds=15)


def test_setting_jumps_and_keeps_the_speed() -> None:
    watch = Stopwatch()
    clock = MarketClock(START, speed=2.0, elapsed=watch)
    clock.set(START + timedelta(hours=1))
    watch.seconds += 3
    assert clock.now() == START + timedelta(hours=1, seconds=6)


def test_time_never_runs_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        MarketClock(START).run(-1.0)
