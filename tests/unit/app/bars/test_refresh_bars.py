"""Bringing the cache up to date."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from mtum.adapters.store.database import connect
from mtum.app.bars.accept_bars import REVISED, Refresh
from mtum.app.bars.kept_out import explained, kept_out, release_bar
from mtum.app.bars.refresh_bars import refresh_bars, refresh_series
from mtum.app.desk import Desk
from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Sessions
from mtum.core.market.validation import BarProblem, Rule
from mtum.errors import BarsRestatedError, BrokerUnavailableError, SourceUnavailableError, UsageError
from mtum.ports.market_data import Quote
from support.bars import bars_of, changed, moved, weekday_sessions, without
from support.desks import ShelfSource, WeekdayCalendar, market_desk
from support.values import replace

FIRST = date(2024, 1, 1)
SESSIONS = weekday_sessions(FIRST, 91)
TODAY = SESSIONS.known[90]
ALL = bars_of([100.0 + (index % 5) for index in range(91)], first=FIRST)


@contextmanager
def desk_with(folder: Path, bars: Bars = ALL, at: datetime | None = None, **more: object) -> Iterator[Desk]:
    source = ShelfSource({"MTUM": bars}, name=bars.source)
    with market_desk(folder, source, at or TODAY.before_close(22), calendar=WeekdayCalendar(SESSIONS), **more) as desk:  # type: ignore[arg-type]  # settings by name
        yield desk


def shelf(desk: Desk) -> ShelfSource:
    assert isinstance(desk.source, ShelfSource)
    return desk.source


def refreshed(desk: Desk, until: int = 90) -> Refresh:
    return refresh_bars(desk, "MTUM", SESSIONS.known[until], Sessions(SESSIONS.known[: until + 1]))


def cached(desk: Desk) -> Bars:
    return desk.store.bars.bars("MTUM", desk.source.name)


def test_an_empty_cache_takes_the_whole_history_before_the_session(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        result = refreshed(desk)
        assert (result.read, result.written, result.problems) == (90, 90, ())
        assert cached(desk).last_day == SESSIONS.known[89].day
        assert desk.store.bars.last_final("MTUM", "yahoo") == SESSIONS.known[89].day


def test_later_only_the_missing_sessions_and_ten_before_are_asked_for(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk, until=80)
        result = refreshed(desk)
        first, last = SESSIONS.known[70].day, SESSIONS.known[89].day
        assert shelf(desk).asked[-1] == ("MTUM", first, last)
        assert (result.read, result.written) == (20, 10)


def test_a_look_that_finds_nothing_new_writes_nothing(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk)
        with closing(connect(tmp_path / "mtum.db")) as other:
            before = other.execute("PRAGMA data_version").fetchone()[0]
            assert (refreshed(desk).read, refreshed(desk).written) == (10, 0)
            assert other.execute("PRAGMA data_version").fetchone()[0] == before
            # Nobody is waited for either.
            other.execute("BEGIN IMMEDIATE")
            assert refreshed(desk).written == 0
            other.execute("ROLLBACK")


def test_an_old_cache_is_joined_on_without_a_hole_and_across_a_split(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk, until=40)
        shelf(desk).shelf["MTUM"] = halved(60)
        # The day's job wants only the sessions from the 80th on.
        result = refresh_bars(desk, "MTUM", TODAY, Sessions(SESSIONS.known[80:]))
        assert shelf(desk).asked[-1][1] == SESSIONS.known[30].day
        assert result.problems == ()
        np.testing.assert_allclose(cached(desk).close, ALL.close[:90] / 2)


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk)
        assert refreshed(desk).written == 0


def test_todays_bar_is_never_stored_before_its_close_even_if_the_source_shows_it(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refresh_bars(desk, "MTUM", TODAY, SESSIONS, through_session=True)
        assert cached(desk).last_day == SESSIONS.known[89].day


def test_a_bar_read_soon_after_its_close_is_not_final_and_becomes_so(tmp_path: Path) -> None:
    with desk_with(tmp_path, at=TODAY.before_close(-30)) as desk:
        refresh_bars(desk, "MTUM", TODAY, SESSIONS, through_session=True)
        assert cached(desk).last_day == TODAY.day
        assert desk.store.bars.last_final("MTUM", "yahoo") == SESSIONS.known[89].day
        desk.clock.wait_until(TODAY.before_close(-120))
        refresh_bars(desk, "MTUM", TODAY, SESSIONS, through_session=True)
        assert desk.store.bars.last_final("MTUM", "yahoo") == TODAY.day


def test_a_missing_inner_session_is_asked_for_again_and_named(tmp_path: Path) -> None:
    with desk_with(tmp_path, without(ALL, 40)) as desk:
        refreshed(desk)
        result = refreshed(desk)
        assert shelf(desk).asked[-1][1] == SESSIONS.known[40].day
        assert [(one.session, one.rule) for one in result.problems] == [(SESSIONS.known[40].day, Rule.MISSING_SESSION)]


def test_a_hole_beside_a_bar_of_a_session_since_called_off_is_still_asked_for(tmp_path: Path) -> None:
    with desk_with(tmp_path, without(ALL, 40)) as desk:
        refreshed(desk)
        shelf(desk).shelf["MTUM"] = ALL
        called_off = Sessions(tuple(one for one in SESSIONS if one.day != SESSIONS.known[20].day))
        refresh_bars(desk, "MTUM", TODAY, called_off)
        assert cached(desk).find(SESSIONS.known[40].day) is not None


def test_a_missing_last_session_is_named(tmp_path: Path) -> None:
    with desk_with(tmp_path, without(ALL, 89, 90)) as desk:
        result = refreshed(desk)
        assert [(one.session, one.rule) for one in result.problems] == [(SESSIONS.known[89].day, Rule.MISSING_SESSION)]


def test_a_bar_on_a_day_the_exchange_is_shut_is_dropped(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        open_days = Sessions(tuple(one for one in SESSIONS if one.day != SESSIONS.known[50].day))
        result = refresh_bars(desk, "MTUM", TODAY, open_days)
        assert result.problems == ()
        assert cached(desk).find(SESSIONS.known[50].day) is None


def test_an_impossible_bar_is_kept_out_and_can_be_looked_at(tmp_path: Path) -> None:
    with desk_with(tmp_path, changed(ALL, high={60: 90.0})) as desk:
        result = refreshed(desk)
        day = SESSIONS.known[60].day
        assert [one.rule for one in result.problems] == [Rule.OUT_OF_RANGE, Rule.MISSING_SESSION]
        assert cached(desk).find(day) is None
        (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
        assert (held.bar.day, held.rule, held.bar.high) == (day, "out_of_range", 90.0)


def test_a_price_a_hundred_times_too_high_is_kept_out_alone(tmp_path: Path) -> None:
    with desk_with(tmp_path, moved(ALL, {60: 10_000.0})) as desk:
        refreshed(desk)
        assert [one.bar.day for one in desk.store.quarantine.kept_out("MTUM")] == [SESSIONS.known[60].day]
        assert len(cached(desk)) == 89


def test_a_bad_value_never_replaces_a_good_one(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk)
        before = cached(desk)
        shelf(desk).shelf["MTUM"] = changed(moved(ALL, {85: 10_000.0}), volume={86: 0.0}, close={87: float("nan")})
        refreshed(desk)
        np.testing.assert_array_equal(cached(desk).close, before.close)
        np.testing.assert_array_equal(cached(desk).volume, before.volume)


def test_a_source_that_puts_its_bar_right_lets_it_go(tmp_path: Path) -> None:
    with desk_with(tmp_path, changed(ALL, high={85: 90.0})) as desk:
        refreshed(desk)
        shelf(desk).shelf["MTUM"] = ALL
        assert refreshed(desk).problems == ()
        assert desk.store.quarantine.kept_out("MTUM", held=True) == ()
        assert desk.store.quarantine.released_days("MTUM", "yahoo") == frozenset()


def test_an_accepted_bar_that_a_later_one_makes_doubtful_can_be_released(tmp_path: Path) -> None:
    with desk_with(tmp_path, moved(ALL, {79: 160.0})) as desk:
        assert refreshed(desk, until=80).problems == ()
        assert [problem.rule for problem in refreshed(desk, until=82).problems] == [Rule.SPIKE]
        (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
        release_bar(desk.store, held.id, "owner", desk.clock.now())
        assert refreshed(desk, until=82).problems == ()


@pytest.mark.parametrize(
    ("source", "ways"),
    [
        ("yahoo", "look at it, then `mtum bars release 1`, or `mtum bars import` a better one"),
        ("csv", "look at it, then `mtum bars release 1`, or correct its file"),
    ],
)
def test_only_what_a_source_allows_is_offered_for_a_bar_kept_out(tmp_path: Path, source: str, ways: str) -> None:
    with desk_with(tmp_path, replace(changed(ALL, high={50: 1.0}), source=source)) as desk:
        refreshed(desk)
        (found,) = explained(
            (BarProblem("MTUM", ALL.day(50), Rule.MISSING_SESSION, "", ""),),
            kept_out(desk.store.quarantine, "MTUM", source),
        )
    assert found.advice == ways


def test_a_bar_that_lacks_a_number_cannot_be_released(tmp_path: Path) -> None:
    with desk_with(tmp_path, changed(ALL, high={50: float("nan")})) as desk:
        refreshed(desk)
        (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
        with pytest.raises(UsageError, match="`mtum bars import` a better one"):
            release_bar(desk.store, held.id, "owner", desk.clock.now())
        assert [one.id for one in desk.store.quarantine.kept_out("MTUM", held=True)] == [held.id]
        (found,) = explained(
            (BarProblem("MTUM", ALL.day(50), Rule.MISSING_SESSION, "", ""),),
            kept_out(desk.store.quarantine, "MTUM", "yahoo"),
        )
    assert found.advice == "`mtum bars import` a better one"


def test_a_small_revision_is_accepted_and_recorded_with_both_times(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk)
        read_at = desk.clock.now()
        desk.clock.wait_until(TODAY.before_close(10))
        # 100 at session 85; 100.04 is 0.04 % higher.
        shelf(desk).shelf["MTUM"] = changed(ALL, close={85: 100.04}, high={85: 100.04})
        refreshed(desk)
        recorded = desk.store.bars.revisions("MTUM")
        assert [(one.column, one.before, one.after, one.accepted) for one in recorded] == [
            ("high", 100.0, 100.04, True),
            ("close", 100.0, 100.04, True),
        ]
        assert (recorded[0].first_read_at, recorded[0].replaced_at) == (read_at, TODAY.before_close(10))
        assert cached(desk).close[85] == 100.04


def test_a_big_revision_is_recorded_once_held_and_not_accepted(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk)
        shelf(desk).shelf["MTUM"] = moved(ALL, {85: 101.0})
        for _ in range(3):
            refreshed(desk)
        recorded = desk.store.bars.revisions("MTUM")
        assert [(one.column, one.accepted) for one in recorded] == [
            (name, False) for name in ("open", "high", "low", "close")
        ]
        assert cached(desk).close[85] == 100.0
        (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
        assert (held.rule, held.bar.close) == (REVISED, 101.0)


def test_a_released_revision_is_accepted_at_the_next_refresh_and_another_one_is_not(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk)
        shelf(desk).shelf["MTUM"] = moved(ALL, {85: 101.0})
        refreshed(desk)
        (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
        desk.store.quarantine.release_bar(held.id, "owner", desk.clock.now())
        refreshed(desk)
        assert cached(desk).close[85] == 101.0
        shelf(desk).shelf["MTUM"] = moved(ALL, {85: 102.0})
        refreshed(desk)
        assert cached(desk).close[85] == 101.0


def test_a_source_that_takes_a_restatement_back_and_makes_it_again_is_not_believed_for_that(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk)
        for shown in (moved(ALL, {85: 101.0}), ALL, moved(ALL, {85: 101.0})):
            shelf(desk).shelf["MTUM"] = shown
            refreshed(desk)
        assert cached(desk).close[85] == 100.0
        (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
        assert (held.rule, held.bar.close) == (REVISED, 101.0)


def test_a_big_revision_that_the_second_source_supports_is_accepted_and_held_for_a_person(tmp_path: Path) -> None:
    second = ShelfSource({"MTUM": moved(bars_of(list(ALL.close), first=FIRST, source="ib"), {85: 101.0})}, name="ib")
    with desk_with(tmp_path, second=second) as desk:
        refreshed(desk)
        shelf(desk).shelf["MTUM"] = moved(ALL, {85: 101.0})
        for _ in range(2):  # seen again the next day it is no news, and nobody has looked at it yet
            refreshed(desk)
            assert cached(desk).close[85] == 101.0
            (held,) = desk.store.quarantine.kept_out("MTUM", held=True)
            assert (held.rule, "as the second source says too" in held.found) == (REVISED, True)
        assert [one.accepted for one in desk.store.bars.revisions("MTUM")] == [True] * 4
        shelf(desk).shelf["MTUM"] = ALL
        refreshed(desk)
        (back,) = desk.store.quarantine.kept_out("MTUM", held=True)
        assert (cached(desk).close[85], back.bar.close) == (101.0, 100.0)


def test_sources_that_disagree_about_the_last_close_are_a_problem_for_entries_only(tmp_path: Path) -> None:
    second = ShelfSource({"MTUM": bars_of([90.0] * 91, first=FIRST, source="ib")}, name="ib")
    with desk_with(tmp_path, second=second) as desk:
        (problem,) = refreshed(desk).problems
        assert (problem.rule, problem.blocks_exit) == (Rule.SOURCES_DISAGREE, False)


class GoneSource(ShelfSource):
    """A broker that is gone."""

    def history(self, symbol: str, first: date, last: date) -> Bars:
        raise BrokerUnavailableError("the test's broker is gone")


def test_a_second_source_that_is_gone_has_no_opinion(tmp_path: Path) -> None:
    with desk_with(tmp_path, second=GoneSource({}, name="ib")) as desk:
        assert (refreshed(desk).problems, len(cached(desk))) == ((), 90)


def halved(until: int) -> Bars:
    """The vendor's history after a 2:1 split effective on session `until`."""
    factor = np.where(np.arange(91) < until, 2.0, 1.0)
    shown = {name: getattr(ALL, name) / factor for name in ("open", "high", "low", "close")}
    after = np.where(np.arange(91) >= until, 0.5, 1.0)
    prices = {name: column * after for name, column in shown.items()}
    split = np.where(np.arange(91) == until, 2.0, 0.0)
    return Bars.from_columns("MTUM", "yahoo", ALL.days, {**prices, "volume": ALL.volume * 2, "split": split})


def test_a_split_rebases_the_whole_cache(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk, until=80)
        shelf(desk).shelf["MTUM"] = halved(80)
        result = refreshed(desk)
        assert [(one.session, one.ratio) for one in result.splits] == [(SESSIONS.known[80].day, 2.0)]
        np.testing.assert_allclose(cached(desk).close, ALL.close[:90] / 2)
        np.testing.assert_allclose(cached(desk).volume, ALL.volume[:90] * 2)
        assert (result.problems, result.revisions) == ((), ())


@pytest.mark.parametrize("listed", [79, 81, None])
def test_a_split_listed_early_late_or_never_leaves_the_cache_as_it_was(tmp_path: Path, listed: int | None) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk, until=79)
        before = cached(desk)
        wrong = changed(halved(80), split={80: 0.0} | ({listed: 2.0} if listed is not None else {}))
        if listed is not None:
            # A vendor divides what lies before the date it believes in.
            raw = {index: float(wrong.close[index]) * (2 if index < 80 else 1) for index in range(91)}
            wrong = moved(wrong, {index: raw[index] / (2 if index < listed else 1) for index in range(91)})
        shelf(desk).shelf["MTUM"] = wrong
        if listed is None:
            with pytest.raises(BarsRestatedError, match="nothing was accepted"):
                refreshed(desk)
        else:
            assert refreshed(desk).problems != ()
        kept = cached(desk).until(before.last_day)
        np.testing.assert_array_equal(kept.close, before.close)


def test_a_split_effective_today_keeps_the_cache_in_the_old_basis_until_tomorrow(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk, until=80)
        shelf(desk).shelf["MTUM"] = halved(90)
        at = TODAY.before_close(22)
        shelf(desk).quotes["MTUM"] = Quote("MTUM", "yahoo", TODAY.day, 50, 50, 50, 50, 1.0, at, split=2.0)
        refreshed(desk)
        np.testing.assert_allclose(cached(desk).close, ALL.close[:90])
        desk.clock.wait_until(TODAY.before_close(-180))
        result = refresh_bars(desk, "MTUM", TODAY, SESSIONS, through_session=True)
        assert [one.ratio for one in result.splits] == [2.0]
        np.testing.assert_allclose(cached(desk).close, ALL.close / 2)


def test_prices_of_another_symbol_are_refused_with_the_reason(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        refreshed(desk)
        shelf(desk).shelf["MTUM"] = bars_of([40.0] * 91, first=FIRST)
        with pytest.raises(BarsRestatedError, match="another symbol"):
            refreshed(desk)


def test_a_source_that_is_down_is_a_note_when_the_cache_is_complete_and_an_error_when_not(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        shelf(desk).down = True
        with pytest.raises(SourceUnavailableError):
            refreshed(desk)
        shelf(desk).down = False
        refreshed(desk)
        shelf(desk).down = True
        (note,) = refreshed(desk).notes
        assert "revisions could not be looked for" in note


def test_the_vix_keeps_sessions_and_drops_holidays_and_nonsense(tmp_path: Path) -> None:
    days = [one.day for one in SESSIONS]
    with desk_with(tmp_path) as desk:
        holiday = date(2024, 1, 6)
        shelf(desk).closes = {days[0]: 13.2, days[1]: 0.0, days[2]: 82.69, holiday: 14.0, TODAY.day: 15.0}
        assert refresh_series(desk, "VIX", TODAY, SESSIONS) == 2
        assert desk.store.bars.series("VIX", "yahoo") == {days[0]: 13.2, days[2]: 82.69}


def test_a_vix_read_right_after_the_close_is_not_final_and_a_correction_keeps_both_times(tmp_path: Path) -> None:
    day = TODAY.day
    with desk_with(tmp_path) as desk:
        shelf(desk).closes = {day: 15.0}
        desk.clock.wait_until(TODAY.before_close(-16))
        refresh_series(desk, "VIX", TODAY, SESSIONS, through_session=True)
        assert desk.store.bars.last_final("VIX", "yahoo") is None
        first = desk.clock.now()
        shelf(desk).closes = {day: 15.2}
        desk.clock.wait_until(TODAY.before_close(-121))
        assert refresh_series(desk, "VIX", TODAY, SESSIONS, through_session=True) == 1
        assert desk.store.bars.last_final("VIX", "yahoo") == day
        (revised,) = desk.store.bars.revisions("VIX")
        assert (revised.before, revised.after, revised.accepted) == (15.0, 15.2, True)
        assert (revised.first_read_at, revised.replaced_at) == (first, desk.clock.now())


def test_a_vix_that_did_not_change_becomes_final_without_a_revision(tmp_path: Path) -> None:
    with desk_with(tmp_path) as desk:
        shelf(desk).closes = {TODAY.day: 15.0}
        for minutes in (-16, -121):
            desk.clock.wait_until(TODAY.before_close(minutes))
            refresh_series(desk, "VIX", TODAY, SESSIONS, through_session=True)
        assert desk.store.bars.last_final("VIX", "yahoo") == TODAY.day
        assert desk.store.bars.revisions("VIX") == ()
