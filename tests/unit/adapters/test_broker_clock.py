"""Time by the broker's clock."""

from datetime import UTC, datetime, timedelta

import pytest

from mtum.adapters.clock import BrokerClock
from mtum.errors import BrokerUnavailableError

AS_OF = datetime(2018, 1, 3, 20, 40, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_before_anything_is_heard_the_instant_given_counts() -> None:
    assert AS_OF <= BrokerClock(60, AS_OF).now() < AS_OF + 5 * SECOND


@pytest.mark.parametrize("ahead", [-59, 59])
def test_the_first_hearing_sets_the_clock_within_the_limit(ahead: int) -> None:
    clock = BrokerClock(60, AS_OF)
    clock.synchronize(AS_OF + ahead * SECOND)
    assert abs(clock.now() - AS_OF - ahead * SECOND) < 5 * SECOND


@pytest.mark.parametrize("ahead", [-62, 70])
def test_a_first_hearing_too_far_away_is_refused_with_both_clocks(ahead: int) -> None:
    with pytest.raises(BrokerUnavailableError, match="the broker's clock says 2018-01-03"):
        BrokerClock(60, AS_OF).synchronize(AS_OF + ahead * SECOND)


def test_afterwards_time_never_runs_back_and_follows_a_faster_clock() -> None:
    clock = BrokerClock(60, AS_OF)
    clock.synchronize(AS_OF)
    clock.synchronize(AS_OF - 30 * SECOND)
    assert clock.now() >= AS_OF
    clock.synchronize(AS_OF + timedelta(hours=2))
    assert clock.now() >= AS_OF + timedelta(hours=2)


def test_waiting_asks_its_pause_and_ends_when_the_broker_is_there() -> None:
    clock = BrokerClock(60, AS_OF)
    naps: list[float] = []

    def pause(seconds: float) -> None:
        naps.append(seconds)
        clock.synchronize(AS_OF + timedelta(minutes=len(naps)))

    clock.pause = pause
    clock.wait_until(AS_OF + timedelta(minutes=3))
    assert len(naps) == 3
    assert max(naps) <= 1.0
