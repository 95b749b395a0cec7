"""Bringing many symbols up to date: accepted together, refused each by itself."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from mtum.adapters.store.database import connect
from mtum.adapters.store.opening import SqliteStore
from mtum.app.bars.accept_bars import Refresh
from mtum.app.bars.refresh_bars import TOGETHER, refresh_each
from mtum.app.desk import Desk
from mtum.app.session.gather import refresh_universe
from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.sessions import Session
from mtum.errors import BarsRestatedError, MtumError, SourceUnavailableError, StoreError
from mtum.ports.market_data import told_dividends
from mtum.ports.records import VolumeSnapshot
from support.bars import bars_of, changed, moved, weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar, market_desk

FIRST = date(2024, 1, 1)
SESSIONS = weekday_sessions(FIRST, 31)
YESTERDAY, TODAY = SESSIONS.known[29], SESSIONS.known[30]
SYMBOLS = tuple(f"S{number:02}" for number in range(TOGETHER + 2))
EVERY = {symbol: bars_of([100.0] * 31, first=FIRST, symbol=symbol) for symbol in SYMBOLS}


@dataclass
class WatchedSource(ShelfSource):
    """A shelf that looks at every question whether another process could write."""

    path: Path = Path()
    locked: list[str] = field(default_factory=list)
    silent: str = ""
    told_by: str = ""
    then: Callable[[], None] | None = None

    def history(self, symbol: str, first: date, last: date) -> Bars:
        with closing(connect(self.path)) as other:
            other.execute("PRAGMA busy_timeout = 0")
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                self.locked.append(symbol)
        self.down = symbol == self.silent
        if self.then is not None:
            self.then()
        return super().history(symbol, first, last)

    def coverage(self, symbol: str) -> Coverage:
        return Coverage(Dividends.KNOWN, told_by=self.told_by)


@contextmanager
def desk_with(folder: Path, told_by: str = "") -> Iterator[tuple[Desk, WatchedSource]]:
    source = WatchedSource(dict(EVERY), path=folder / "mtum.db", told_by=told_by)
    with market_desk(folder, source, TODAY.before_close(22), calendar=WeekdayCalendar(SESSIONS)) as desk:
        yield desk, source


def refreshed(desk: Desk, session: Session = TODAY) -> dict[str, Refresh | MtumError]:
    return dict(refresh_each(desk, SYMBOLS, session, SESSIONS))


def database(desk: Desk) -> sqlite3.Connection:
    assert isinstance(desk.store, SqliteStore)
    return desk.store.database.connection


def accepted(desk: Desk) -> dict[str, int]:
    """How many bars of each symbol are there, as another process sees it."""
    assert isinstance(desk.store, SqliteStore)
    with closing(connect(desk.store.database.path)) as other:
        return dict(other.execute("SELECT symbol, count(*) FROM bars GROUP BY symbol").fetchall())


def told(desk: Desk, symbol: str) -> str | None:
    return desk.store.control.meta(told_dividends(symbol, "yahoo"))


def failed(found: Mapping[str, Refresh | MtumError]) -> dict[str, type]:
    return {symbol: type(one) for symbol, one in found.items() if not isinstance(one, Refresh)}


def test_a_group_of_symbols_is_accepted_in_one_transaction(tmp_path: Path) -> None:
    with desk_with(tmp_path) as (desk, _):
        said: list[str] = []
        database(desk).set_trace_callback(said.append)
        found = refreshed(desk)
        assert said.count("COMMIT") == 2
        assert [one.written for one in found.values() if isinstance(one, Refresh)] == [30] * len(SYMBOLS)
        assert accepted(desk) == dict.fromkeys(SYMBOLS, 30)


def test_nobody_waits_for_the_database_while_a_source_is_asked(tmp_path: Path) -> None:
    with desk_with(tmp_path) as (desk, source):
        refreshed(desk)
        assert [symbol for symbol, _, _ in source.asked] == [*SYMBOLS]
        assert source.locked == []


def test_what_came_of_a_group_is_told_before_the_next_is_asked_for(tmp_path: Path) -> None:
    with desk_with(tmp_path) as (desk, source):
        results = refresh_each(desk, SYMBOLS, TODAY, SESSIONS)
        assert next(results)[0] == SYMBOLS[0]
        assert (len(source.asked), len(accepted(desk))) == (TOGETHER, TOGETHER)
        assert [symbol for symbol, _ in results] == [*SYMBOLS[1:]]


def test_a_symbol_whose_answer_is_refused_leaves_the_others_accepted_and_nothing_of_itself(tmp_path: Path) -> None:
    restated, silent = SYMBOLS[3], SYMBOLS[5]
    with desk_with(tmp_path) as (desk, source):
        refreshed(desk, YESTERDAY)
        # Besides another basis, which refuses all of it, it has a bar that alone would be kept out.
        halved = moved(EVERY[restated], dict.fromkeys(range(30), 50.0))
        source.shelf[restated] = changed(halved, high={29: 1.0})
        source.silent = silent
        found = refreshed(desk)
        assert [*found] == [*SYMBOLS]
        assert failed(found) == {restated: BarsRestatedError, silent: SourceUnavailableError}
        assert accepted(desk) == dict.fromkeys(SYMBOLS, 30) | {restated: 29, silent: 29}
        assert desk.store.bars.revisions(restated) == ()
        assert desk.store.quarantine.kept_out(restated) == ()


def test_a_full_disk_keeps_nothing_of_what_it_refuses_and_is_overcome(tmp_path: Path) -> None:
    with desk_with(tmp_path, told_by="teller") as (desk, _):
        (pages,) = database(desk).execute("PRAGMA page_count").fetchone()
        database(desk).execute(f"PRAGMA max_page_count = {pages}")
        found = refreshed(desk)
        # The first finds room in what is there already, and it alone.
        assert failed(found) == dict.fromkeys(SYMBOLS[1:], StoreError)
        assert all("the disk is full" in str(found[symbol]) for symbol in SYMBOLS[1:])
        assert accepted(desk) == {SYMBOLS[0]: 30}
        assert [len(desk.store.bars.bars(symbol, "yahoo")) for symbol in SYMBOLS] == [30] + [0] * (len(SYMBOLS) - 1)
        assert [told(desk, symbol) for symbol in SYMBOLS[:2]] == ["teller", None]
        database(desk).execute(f"PRAGMA max_page_count = {pages + 1000}")
        assert failed(refreshed(desk)) == {}
        assert accepted(desk) == dict.fromkeys(SYMBOLS, 30)
        assert told(desk, SYMBOLS[1]) == "teller"


def test_a_symbol_that_the_database_refuses_hinders_no_other(tmp_path: Path) -> None:
    refused = SYMBOLS[7]
    with desk_with(tmp_path) as (desk, _):
        database(desk).execute(
            f"CREATE TRIGGER no BEFORE INSERT ON bars WHEN NEW.symbol = '{refused}' AND NEW.session > '2024-01-20' "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
        assert failed(refreshed(desk)) == {refused: StoreError}
        assert accepted(desk) == {symbol: 30 for symbol in SYMBOLS if symbol != refused}


def written(desk: Desk) -> bool:
    """Whether a refresh begins a transaction at all."""
    said: list[str] = []
    database(desk).set_trace_callback(said.append)
    assert failed(refreshed(desk)) == {}
    database(desk).set_trace_callback(None)
    return "BEGIN IMMEDIATE" in said


def test_who_tells_dividends_is_recorded_once_though_the_bars_are_there(tmp_path: Path) -> None:
    with desk_with(tmp_path) as (desk, source):
        refreshed(desk)
        assert not written(desk)
        source.told_by = "teller"
        assert written(desk)
        assert {told(desk, symbol) for symbol in SYMBOLS} == {"teller"}
        assert not written(desk)


def test_a_restatement_that_the_source_takes_back_is_let_go_though_no_bar_changes(tmp_path: Path) -> None:
    symbol = SYMBOLS[0]
    with desk_with(tmp_path) as (desk, source):
        refreshed(desk)
        source.shelf[symbol] = moved(EVERY[symbol], {25: 104.0})
        refreshed(desk)
        assert [one.bar.day for one in desk.store.quarantine.kept_out(symbol, held=True)] == [SESSIONS.known[25].day]
        source.shelf[symbol] = EVERY[symbol]
        assert written(desk)
        assert desk.store.quarantine.kept_out(symbol, held=True) == ()


def test_a_bad_bar_behind_final_ones_is_kept_out(tmp_path: Path) -> None:
    symbol = SYMBOLS[0]
    with desk_with(tmp_path) as (desk, source):
        refreshed(desk, YESTERDAY)
        source.shelf[symbol] = changed(EVERY[symbol], high={29: 1.0})
        refreshed(desk)
        assert accepted(desk) == dict.fromkeys(SYMBOLS, 30) | {symbol: 29}
        assert [one.bar.day for one in desk.store.quarantine.kept_out(held=True)] == [YESTERDAY.day]


@pytest.mark.parametrize("corrected", [{}, {25: 100.02}])
def test_a_bar_that_was_read_too_early_becomes_final_beside_any_correction(
    tmp_path: Path, corrected: dict[int, float]
) -> None:
    symbol, before = SYMBOLS[0], SESSIONS.known[28].day
    with desk_with(tmp_path) as (desk, source):
        desk.store.bars.accept(EVERY[symbol][:30], desk.clock.now(), before)
        assert desk.store.bars.last_final(symbol, "yahoo") == before
        source.shelf[symbol] = moved(EVERY[symbol], corrected)
        refreshed(desk)
        assert desk.store.bars.last_final(symbol, "yahoo") == YESTERDAY.day
        assert len(desk.store.bars.revisions(symbol)) == 4 * len(corrected)


def test_a_volume_that_waits_is_learned_though_no_bar_changes(tmp_path: Path) -> None:
    seen = VolumeSnapshot(SYMBOLS[0], "yahoo", YESTERDAY.day, 20.0, 870.0, 0.87, 1_000.0)
    with desk_with(tmp_path) as (desk, _):
        refreshed(desk)
        desk.store.volumes.write(seen)
        assert written(desk)
        (found,) = desk.store.volumes.snapshots(SYMBOLS[0], "yahoo")
        assert (found.final_volume, found.error_frac) == (1_000.0, 0.0)


def test_a_volume_that_cannot_be_read_refuses_its_own_symbol_alone(tmp_path: Path) -> None:
    broken, *others = [VolumeSnapshot(symbol, "yahoo", YESTERDAY.day, 20.0, 870.0, 0.87, 1_000.0) for symbol in SYMBOLS]
    with desk_with(tmp_path) as (desk, _):
        desk.store.volumes.write(broken, *others)
        database(desk).execute("UPDATE volume_snapshots SET session = '2024-02-0?' WHERE symbol = ?", (SYMBOLS[0],))
        found = refreshed(desk)
        assert failed(found) == {SYMBOLS[0]: StoreError}
        assert f"the volumes of {SYMBOLS[0]} seen by yahoo" in str(found[SYMBOLS[0]])
        assert accepted(desk) == dict.fromkeys(SYMBOLS[1:], 30)
        assert desk.store.volumes.waiting("yahoo", SYMBOLS[1:]) == ()


def test_a_person_s_word_given_while_the_source_is_asked_stands(tmp_path: Path) -> None:
    symbol = SYMBOLS[0]
    with desk_with(tmp_path) as (desk, source):
        refreshed(desk)
        source.shelf[symbol] = moved(EVERY[symbol], {25: 104.0})
        refreshed(desk)
        (held,) = desk.store.quarantine.kept_out(symbol, held=True)
        source.shelf[symbol] = EVERY[symbol]

        def release() -> None:
            source.then = None
            with closing(connect(source.path)) as other:
                other.execute("UPDATE quarantined_bars SET released_at = seen_at, released_by = 'owner'")

        source.then = release
        refreshed(desk)
        (found,) = desk.store.quarantine.kept_out(symbol)
        assert (found.id, found.released_by) == (held.id, "owner")


def test_a_database_that_refuses_bars_ends_the_look_at_the_universe(tmp_path: Path) -> None:
    source = ShelfSource({"MTUM": bars_of([100.0] * 31, first=FIRST)})
    with market_desk(tmp_path, source, TODAY.before_close(22), calendar=WeekdayCalendar(SESSIONS)) as desk:
        database(desk).execute(
            "CREATE TRIGGER no BEFORE INSERT ON bars BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
        with pytest.raises(StoreError, match="the disk is full"):
            refresh_universe(desk, TODAY, SESSIONS)


def test_a_failure_is_told_before_another_symbol_is_asked_for(tmp_path: Path) -> None:
    with desk_with(tmp_path) as (desk, source):
        source.silent = SYMBOLS[3]
        results = refresh_each(desk, SYMBOLS, TODAY, SESSIONS)
        found = [next(results) for _ in range(4)]
        assert isinstance(found[3][1], SourceUnavailableError)
        assert [symbol for symbol, _, _ in source.asked] == [*SYMBOLS[:4]]
        assert accepted(desk) == dict.fromkeys(SYMBOLS[:3], 30)
        assert [symbol for symbol, _ in results] == [*SYMBOLS[4:]]


def test_a_locked_database_is_told_after_the_group_and_one_symbol_have_waited(tmp_path: Path) -> None:
    with desk_with(tmp_path) as (desk, source):
        said: list[str] = []
        database(desk).execute("PRAGMA busy_timeout = 0")
        database(desk).set_trace_callback(said.append)
        with closing(connect(source.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            results = refresh_each(desk, SYMBOLS, TODAY, SESSIONS)
            symbol, found = next(results)
            assert (symbol, type(found)) == (SYMBOLS[0], StoreError)
            assert said.count("BEGIN IMMEDIATE") == 2
            other.execute("ROLLBACK")
            assert failed(dict(results)) == {}
        assert accepted(desk) == dict.fromkeys(SYMBOLS[1:], 30)
