"""The cache of bars: what is accepted, what it replaced, and what was known when."""

from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from mtum.adapters.store.opening import SqliteStore
from mtum.core.market.bars import COLUMNS, Bar, Bars, bars_of_closes
from mtum.core.portfolio.fills import ChangeKind, SymbolChange
from mtum.errors import StoreError
from mtum.ports.records import ChangeRecord, QuarantinedBar, Revision
from support.store import FRIDAY, MONDAY, THURSDAY, TUESDAY, bars_of, later, opened
from support.values import replace

FIRST, SECOND, THIRD = later(0), later(60), later(120)


def revised(day: date, column: str, before: float, after: float, minutes: float, *, accepted: bool = True) -> Revision:
    return Revision("MTUM", "csv", day, column, before, after, FIRST, later(minutes), accepted)


def closes(bars: Bars) -> list[float]:
    return [float(close) for close in bars.close]


def test_bars_come_back_to_the_last_bit(store: SqliteStore) -> None:
    bar = Bar(MONDAY, 104.37000274658203, 105.1, 0.1 + 0.2, 1 / 3, 1234567.5, 0.4567, 0.5)
    accepted = Bars.of("MTUM", "csv", [bar, replace(bar, day=TUESDAY)])
    store.bars.accept(accepted, FIRST, None)
    found = store.bars.bars("MTUM", "csv")
    assert (found.symbol, found.source, found.day(0)) == ("MTUM", "csv", MONDAY)
    assert found.bar(0) == bar
    for name in COLUMNS:
        assert np.array_equal(getattr(found, name), getattr(accepted, name))


def test_nothing_cached_is_an_empty_frame(store: SqliteStore) -> None:
    store.bars.accept(bars_of({}), FIRST, None)
    assert len(store.bars.bars("MTUM", "csv")) == 0
    assert store.bars.last_final("MTUM", "csv") is None


def test_the_cached_sessions_begin_where_they_are_asked_from(store: SqliteStore) -> None:
    store.bars.accept(bars_of({TUESDAY: 2.0, FRIDAY: 3.0}), FIRST, None)
    store.bars.accept(bars_of({MONDAY: 1.0}), FIRST, None)
    assert store.quarantine.cached_days("MTUM", "csv") == (MONDAY, TUESDAY, FRIDAY)
    assert store.quarantine.cached_days("MTUM", "csv", TUESDAY) == (TUESDAY, FRIDAY)
    assert store.quarantine.cached_days("MTUM", "yahoo") == ()


def test_symbols_and_sources_are_kept_apart(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0}), FIRST, None)
    store.bars.accept(bars_of({MONDAY: 2.0}, source="yahoo"), FIRST, None)
    store.bars.accept(bars_of({MONDAY: 3.0}, symbol="SPY"), FIRST, None)
    assert closes(store.bars.bars("MTUM", "csv")) == [1.0]
    assert closes(store.bars.bars("MTUM", "yahoo")) == [2.0]


def looked(store: SqliteStore, since: date | None = None) -> tuple[list[float], int]:
    """The closes of MTUM, and how often the table was read for them."""
    asked: list[str] = []
    store.database.connection.set_trace_callback(asked.append)
    found = closes(store.bars.bars("MTUM", "csv", since))
    store.database.connection.set_trace_callback(None)
    return found, sum("SELECT open" in one for one in asked)


def test_bars_are_read_once_and_again_where_more_of_them_is_wanted(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0, THURSDAY: 3.0}), FIRST, None)
    assert looked(store, TUESDAY) == ([2.0, 3.0], 1)
    assert looked(store, THURSDAY) == ([3.0], 0)
    assert looked(store) == ([1.0, 2.0, 3.0], 1)
    assert looked(store, MONDAY) == ([1.0, 2.0, 3.0], 0)
    store.bars.accept(bars_of({TUESDAY: 2.5, FRIDAY: 4.0}), SECOND, None)
    assert looked(store) == ([1.0, 2.5, 3.0, 4.0], 1)


def test_bars_accepted_behind_those_that_were_read_are_not_read_again(store: SqliteStore, tmp_path: Path) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0}), FIRST, None)
    assert looked(store) == ([1.0], 1)
    newest = bars_of({TUESDAY: 2.0, THURSDAY: 3.0})
    store.bars.accept(
        replace(newest, volume=np.array([float("nan"), 5.0]), dividend=np.array([-0.0, 0.5])), SECOND, None
    )
    assert looked(store) == ([1.0, 2.0, 3.0], 0)
    found, other = store.bars.bars("MTUM", "csv"), opened(tmp_path)
    again = other.bars.bars("MTUM", "csv")
    for name in ("days", *COLUMNS):
        assert getattr(found, name).tobytes() == getattr(again, name).tobytes()
    # Among them, or on the last of them, they are.
    store.bars.accept(bars_of({THURSDAY: 3.5, FRIDAY: 4.0}), THIRD, None)
    assert looked(store) == ([1.0, 2.0, 3.5, 4.0], 1)
    # What another process wrote before is not missed.
    other.bars.accept(bars_of({MONDAY: 1.5}), THIRD, None)
    store.bars.accept(bars_of({FRIDAY + timedelta(3): 5.0}), THIRD, None)
    assert looked(store) == ([1.5, 2.0, 3.5, 4.0, 5.0], 1)
    other.close()


def test_dividends_and_splits_are_found_without_going_through_all_bars(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0}), FIRST, None)
    asked: list[str] = []
    store.database.connection.set_trace_callback(asked.append)
    store.bars.bars("MTUM", "csv")
    store.database.connection.set_trace_callback(None)
    (sql,) = [one for one in asked if "dividend" in one]
    ((*_, plan),) = store.database.rows(f"EXPLAIN QUERY PLAN {sql}")
    assert "USING INDEX bars_with_events" in plan


def test_bars_that_another_process_wrote_are_read_again(store: SqliteStore, tmp_path: Path) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0}), FIRST, None)
    assert looked(store) == ([1.0], 1)
    other = opened(tmp_path)
    other.bars.accept(bars_of({MONDAY: 1.5}), SECOND, None)
    assert looked(store) == ([1.5], 1)
    other.close()


def test_bars_are_read_as_they_are_at_one_moment(store: SqliteStore, tmp_path: Path) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0}), FIRST, None)
    other = opened(tmp_path)
    split = replace(bars_of({MONDAY: 0.5, TUESDAY: 1.0, THURSDAY: 1.5}), split=np.array([0.0, 0.0, 2.0]))

    def meanwhile(statement: str) -> None:
        if "SELECT open" in statement:
            other.bars.accept(split, SECOND, None)

    store.database.connection.set_trace_callback(meanwhile)
    found = store.bars.bars("MTUM", "csv")
    store.database.connection.set_trace_callback(None)
    assert (closes(found), found.split.tolist()) == ([1.0, 2.0], [0.0, 0.0])
    found = store.bars.bars("MTUM", "csv")
    assert (closes(found), found.split.tolist()) == ([0.5, 1.0, 1.5], [0.0, 0.0, 2.0])
    other.close()


def test_every_column_is_read_back_as_it_was_accepted(store: SqliteStore) -> None:
    days = [MONDAY, TUESDAY, THURSDAY, FRIDAY]
    columns = {
        "open": [0.1, 1.1, 2.1, 3.1],
        "high": [0.3, 1.3, 2.3, 3.3],
        "low": [0.1 + 0.2, 1e-9, 2.05, 3.05],
        "close": [0.2, 1.2, 2.2, 1 / 3],
        "volume": [1000.0, float("nan"), 0.0, 3.5],
        "dividend": [0.0, 0.25, 0.0, 0.5],
        "split": [1.0, 0.0, 0.0, 1.5],
    }
    given = Bars.from_columns("MTUM", "csv", days, columns)
    store.bars.accept(given, FIRST, None)
    found = store.bars.bars("MTUM", "csv")
    np.testing.assert_array_equal(found.days, given.days)
    for name, values in columns.items():
        np.testing.assert_array_equal(getattr(found, name), values)
        np.testing.assert_array_equal(getattr(store.bars.bars("MTUM", "csv", THURSDAY), name), values[2:])


def test_bars_of_a_transaction_that_was_taken_back_are_read_again(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0}), FIRST, None)
    with suppress(KeyboardInterrupt), store.together():
        store.bars.accept(bars_of({MONDAY: 9.0}), SECOND, None)
        assert looked(store) == ([9.0], 1)
        raise KeyboardInterrupt
    assert looked(store) == ([1.0], 1)


def test_bars_under_a_new_name_are_there_at_once_and_gone_with_it(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0}, symbol="OLD"), FIRST, None)
    assert looked(store) == ([], 1)
    change = SymbolChange(ChangeKind.RENAMED, "OLD", TUESDAY, "MTUM")
    store.changes.state_change(ChangeRecord(change, SECOND, {}, {}, {}), [])
    assert looked(store) == ([1.0], 1)
    (stated,) = store.changes.stated_changes()
    store.changes.undo_change(stated.id, THIRD)
    assert looked(store) == ([], 1)


def test_a_bar_once_final_stays_final(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0, THURSDAY: 3.0}), FIRST, TUESDAY)
    assert store.bars.last_final("MTUM", "csv") == TUESDAY
    store.bars.accept(bars_of({TUESDAY: 2.5}), SECOND, None)
    assert store.bars.last_final("MTUM", "csv") == TUESDAY
    store.bars.accept(bars_of({THURSDAY: 3.0}), SECOND, THURSDAY)
    assert store.bars.last_final("MTUM", "csv") == THURSDAY


def test_the_first_reading_of_a_bar_is_remembered(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0}), FIRST, None)
    store.bars.accept(bars_of({MONDAY: 1.0}), SECOND, None)
    (row,) = store.database.rows("SELECT first_read_at, read_at FROM bars")
    assert tuple(row) == ("2018-12-03T17:00:00.000000Z", "2018-12-03T18:00:00.000000Z")


def test_the_reading_of_the_present_value_is_told_by_session(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0, THURSDAY: 3.0}), FIRST, None)
    store.bars.accept(bars_of({THURSDAY: 3.5}), SECOND, None)
    assert store.bars.read_times("MTUM", "csv", TUESDAY) == {TUESDAY: FIRST, THURSDAY: SECOND}


def test_bars_and_closes_may_be_asked_from_a_date_on(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0, THURSDAY: 3.0}), FIRST, None)
    store.bars.accept(bars_of_closes("VIX", "csv", {MONDAY: 16.44, TUESDAY: 20.74}), FIRST, TUESDAY)
    assert closes(store.bars.bars("MTUM", "csv", TUESDAY)) == [2.0, 3.0]
    assert store.bars.series("VIX", "csv", TUESDAY) == {TUESDAY: 20.74}


def test_revisions_come_back_oldest_first(store: SqliteStore) -> None:
    late = revised(MONDAY, "close", 1.0, 1.1, 60)
    early = replace(revised(TUESDAY, "volume", 5.0, 6.0, 30, accepted=False), symbol="SPY")
    store.bars.accept(bars_of({MONDAY: 1.1}), SECOND, None, [late])
    store.bars.accept(bars_of({}), SECOND, None, [early, early])
    assert store.bars.revisions() == (early, late)
    assert store.bars.revisions("MTUM") == (late,)


def test_nothing_is_accepted_when_one_bar_cannot_be(store: SqliteStore) -> None:
    broken = bars_of({MONDAY: 1.0, TUESDAY: float("nan")})
    with pytest.raises(StoreError, match="NOT NULL"):
        store.bars.accept(broken, FIRST, None, [revised(MONDAY, "close", 2.0, 1.0, 60)])
    assert len(store.bars.bars("MTUM", "csv")) == 0
    assert store.bars.revisions() == ()


def test_the_cache_of_an_earlier_instant_lacks_later_bars_and_revisions(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0}), FIRST, None)
    store.bars.accept(bars_of({MONDAY: 1.1, THURSDAY: 3.0}), SECOND, None, [revised(MONDAY, "close", 1.0, 1.1, 60)])
    store.bars.accept(bars_of({MONDAY: 1.2}), THIRD, None, [revised(MONDAY, "close", 1.1, 1.2, 120)])
    assert closes(store.bars.as_of("MTUM", "csv", FIRST)) == [1.0, 2.0]
    assert closes(store.bars.as_of("MTUM", "csv", SECOND)) == [1.1, 2.0, 3.0]
    assert closes(store.bars.as_of("MTUM", "csv", THIRD)) == [1.2, 2.0, 3.0]
    assert len(store.bars.as_of("MTUM", "csv", FIRST - timedelta(seconds=1))) == 0


def test_a_revision_that_was_not_accepted_is_not_undone(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0}), FIRST, None)
    store.bars.accept(bars_of({}), SECOND, None, [revised(MONDAY, "close", 0.5, 9.0, 60, accepted=False)])
    assert closes(store.bars.as_of("MTUM", "csv", FIRST)) == [1.0]


def test_a_split_noticed_later_is_undone_in_prices_volumes_and_dividends(store: SqliteStore) -> None:
    """Accepted at 100 and 102; a 2-for-1 on Thursday halves them, and Tuesday is revised with it."""
    before = [Bar(MONDAY, 100, 100, 100, 100, 1000, 0.5), Bar(TUESDAY, 102, 102, 102, 102, 3000)]
    store.bars.accept(Bars.of("MTUM", "yahoo", before), FIRST, None)
    after = [
        Bar(MONDAY, 50, 50, 50, 50, 2000, 0.25),
        Bar(TUESDAY, 51, 51, 51, 51.5, 6000),
        Bar(THURSDAY, 52, 52, 52, 52, 5000, 0, 2),
    ]
    change = revised(TUESDAY, "close", 51.0, 51.5, 60)
    store.bars.accept(Bars.of("MTUM", "yahoo", after), SECOND, None, [replace(change, source="yahoo")])
    known = store.bars.as_of("MTUM", "yahoo", FIRST)
    assert [known.bar(index) for index in range(len(known))] == before
    assert closes(store.bars.as_of("MTUM", "yahoo", SECOND)) == [50.0, 51.5, 52.0]


def test_a_split_in_a_file_rebased_nothing_and_is_not_undone(store: SqliteStore) -> None:
    bars = Bars.of("MTUM", "csv", [Bar(MONDAY, 100, 100, 100, 100, 1000)])
    store.bars.accept(bars, FIRST, None)
    store.bars.accept(Bars.of("MTUM", "csv", [Bar(TUESDAY, 50, 50, 50, 50, 2000, 0, 2)]), SECOND, None)
    assert closes(store.bars.as_of("MTUM", "csv", FIRST)) == [100.0]


def test_a_vendors_split_is_recorded_but_not_agreed(store: SqliteStore) -> None:
    split = Bars.of("MTUM", "csv", [Bar(FRIDAY, 1, 1, 1, 1, 1, 0.25, 2)])
    store.bars.accept(split, FIRST, None)
    store.bars.accept(split, SECOND, None)
    rows = store.database.rows("SELECT kind, source, amount, recorded_at FROM corporate_actions ORDER BY kind")
    told = "2018-12-03T17:00:00.000000Z"
    assert [tuple(row) for row in rows] == [("dividend", "csv", 0.25, told), ("split", "csv", 2.0, told)]
    assert store.bars.actions() == ()


def test_a_series_has_official_closes_only(store: SqliteStore) -> None:
    store.bars.accept(bars_of_closes("VIX", "csv", {MONDAY: 16.44, TUESDAY: 20.74}), FIRST, TUESDAY)
    store.bars.accept(bars_of_closes("VIX", "csv", {TUESDAY: 20.75}), SECOND, TUESDAY)
    assert store.bars.series("VIX", "csv") == {MONDAY: 16.44, TUESDAY: 20.75}
    assert store.bars.series("VIX", "yahoo") == {}
    assert store.bars.bars("VIX", "csv").bar(0) == Bar(MONDAY, 16.44, 16.44, 16.44, 16.44, 0.0)


def kept(close: float, minutes: float = 0) -> QuarantinedBar:
    bar = Bar(MONDAY, close, close, close, close, 1000.0)
    return QuarantinedBar("MTUM", "csv", bar, "spike", f"close {close}", later(minutes))


def test_a_bar_kept_out_waits_until_it_is_released(store: SqliteStore) -> None:
    store.quarantine.keep_out([kept(210.0)])
    (held,) = store.quarantine.kept_out("MTUM", held=True)
    assert replace(held, id=0) == kept(210.0)
    assert store.quarantine.released_days("MTUM", "csv") == frozenset()
    assert store.quarantine.release_bar(held.id, "owner", later(5))
    assert not store.quarantine.release_bar(held.id, "owner", later(6))
    assert store.quarantine.released_days("MTUM", "csv") == {MONDAY}
    assert store.quarantine.kept_out(held=True) == ()
    assert [(one.released_at, one.released_by) for one in store.quarantine.kept_out()] == [(later(5), "owner")]


def test_a_release_holds_for_the_same_numbers_only(store: SqliteStore) -> None:
    store.quarantine.keep_out([kept(210.0)])
    store.quarantine.release_bar(store.quarantine.kept_out()[0].id, "owner", later(5))
    store.quarantine.keep_out([kept(210.0, 60)])
    assert store.quarantine.released_days("MTUM", "csv") == {MONDAY}
    store.quarantine.keep_out([kept(220.0, 120)])
    assert store.quarantine.released_days("MTUM", "csv") == frozenset()
    assert len(store.quarantine.kept_out()) == 1


def test_a_bar_without_numbers_can_be_kept_out(store: SqliteStore) -> None:
    store.quarantine.keep_out([kept(float("nan"))])
    assert np.isnan(store.quarantine.kept_out()[0].bar.close)


def test_eventful_bars_are_the_ends_those_with_an_action_and_the_days_asked_for(store: SqliteStore) -> None:
    days = [MONDAY + timedelta(days=number) for number in range(8)]
    bars = [Bar(day, 10.0, 10.0, 10.0, 10.0, 100.0) for day in days]
    bars[2], bars[5] = replace(bars[2], dividend=0.5), replace(bars[5], split=2.0)
    bars[4] = replace(bars[4], split=1.0)  # no split, as some sources tell it
    store.bars.accept(Bars.of("MTUM", "csv", bars), FIRST, None)
    found = store.bars.eventful("MTUM", "csv", days[1], days[6], (days[3], days[7]))
    assert found.days.tolist() == [days[number] for number in (1, 2, 3, 5, 6)]
    assert (found.bar(1).dividend, found.bar(3).split) == (0.5, 2.0)
    assert not len(store.bars.eventful("MTUM", "csv", days[7] + timedelta(days=1), days[7]))


def test_eventful_bars_are_the_same_from_bars_that_were_read(store: SqliteStore, tmp_path: Path) -> None:
    days = [MONDAY + timedelta(days=number) for number in range(0, 16, 2)]
    numbers = {"dividend": [0.0, 0.5, 0, 0, 0.1, 0, 0, 0], "split": [0.0, 0, 1.0, 2.0, 1.0, 0, 0, 0]}
    columns = {name: np.arange(1.0, 9.0) for name in COLUMNS} | {"volume": [float("nan"), *range(7)]} | numbers
    store.bars.accept(Bars.from_columns("MTUM", "csv", days, columns), FIRST, None)
    store.bars.bars("MTUM", "csv", days[1])
    other, asked = opened(tmp_path), list[str]()
    store.database.connection.set_trace_callback(asked.append)
    wanted = (days[6], days[1] + timedelta(1), days[4], days[0])
    spans = [(since, until) for since in (MONDAY, *days[1:], FRIDAY) for until in (*days, days[7] + timedelta(9))]
    for since, until in spans:
        for some in ((), wanted):
            found = store.bars.eventful("MTUM", "csv", since, until, some)
            again = other.bars.eventful("MTUM", "csv", since, until, some)
            for name in ("days", *COLUMNS):
                assert getattr(found, name).tobytes() == getattr(again, name).tobytes()
    assert sum("json_each" in one for one in asked) == 2 * len([since for since, _ in spans if since < days[1]])
    other.bars.accept(bars_of({days[7]: 99.0}), SECOND, None)
    assert store.bars.eventful("MTUM", "csv", days[2], days[7]).close[-1] == 99.0
    other.close()


def test_an_unknown_volume_comes_back_unknown_also_as_of_an_earlier_instant(store: SqliteStore) -> None:
    bars = bars_of({MONDAY: 1.0, TUESDAY: 2.0})
    unknown = replace(bars, volume=np.array([100.0, np.nan]))
    store.bars.accept(unknown, FIRST, TUESDAY)
    for found in (store.bars.bars("MTUM", bars.source), store.bars.as_of("MTUM", bars.source, FIRST)):
        np.testing.assert_array_equal(found.volume, [100.0, np.nan])
