"""Clocks: real, replayed and fixed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mtum.adapters.clock import FixedClock, ReplayClock, SystemClock, monotonic_seconds

START = datetime(2018, 1, 3, 20, 40, tzinfo=UTC)


def test_the_system_clock_tells_utc_and_waits_until_an_instant() -> None:
    clock = SystemClock()
    until = clock.now() + timedelta(milliseconds=30)
    clock.wait_until(until)
    assert until <= clock.now() < until + timedelta(seconds=5)
    assert clock.now().tzinfo is UTC


def test_waiting_for_the_past_returns_at_once() -> None:
    spent = monotonic_seconds()
    SystemClock().wait_until(START)
    assert spent() < 0.5


def test_a_replayed_clock_stands_until_it_jumps_and_never_runs_back() -> None:
    clock = ReplayClock(START)
    clock.wait_until(START + timedelta(minutes=5))
    clock.wait_until(START)
    assert clock.now() == START + timedelta(minutes=5)


def test_a_fixed_clock_does_not_move() -> None:
    clock = FixedClock(START)
    clock.wait_until(START + timedelta(days=1))
    assert clock.now() == START


def test_instants_of_other_zones_are_told_in_utc_and_naive_ones_refused() -> None:
    eastern = timezone(timedelta(hours=-5))
    assert FixedClock(datetime(2018, 1, 3, 15, 40, tzinfo=eastern)).now() == START
    with pytest.raises(ValueError, match="no time zone"):
        ReplayClock(START.replace(tzinfo=None))
