"""The snapshots that the usual share of a session's volume is learned from."""

from datetime import timedelta

from mtum.core.market.volume import ObservedShare
from mtum.ports.records import VolumeSnapshot
from mtum.ports.store import Store
from support.store import MONDAY


def seen(
    store: Store, days_ago: int, *, minutes: float = 20.0, final: float | None = 1000.0, half_day: bool = False
) -> None:
    day = MONDAY - timedelta(days_ago)
    store.volumes.write(VolumeSnapshot("MTUM", "csv", day, minutes, 870.0 + days_ago, 0.87, None, half_day, final))


def days_ago(store: Store) -> list[int]:
    found = store.volumes.observed_shares("MTUM", "csv", MONDAY, 20.0)
    return [(MONDAY - one.session).days for one in found]


def test_the_twenty_newest_before_the_session_count(store: Store) -> None:
    for days in range(30):
        seen(store, days)
    assert days_ago(store) == [*range(1, 21)]
    newest = store.volumes.observed_shares("MTUM", "csv", MONDAY, 20.0)[0]
    assert newest == ObservedShare(MONDAY - timedelta(1), 20.0, 871.0 / 1000.0)
    assert store.volumes.observed_shares("MTUM", "yahoo", MONDAY, 20.0) == ()


def test_half_days_unknown_volumes_and_other_moments_do_not_count(store: Store) -> None:
    seen(store, 1, half_day=True)
    seen(store, 2, final=None)
    seen(store, 3, final=0.0)
    seen(store, 4, minutes=25.5)
    seen(store, 5, minutes=14.5)
    seen(store, 6, minutes=25.0)
    seen(store, 7, minutes=15.0)
    assert days_ago(store) == [6, 7]


def test_what_was_seen_more_than_a_year_ago_does_not_count(store: Store) -> None:
    for days in (365, 366):
        seen(store, days)
    assert days_ago(store) == [365]
