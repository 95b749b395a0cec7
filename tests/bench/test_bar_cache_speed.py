"""What the cache of bars costs, beside pandas and per bar written."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from mtum.adapters.store.opening import open_store
from mtum.app.bars.check_bars import check_bars
from mtum.app.bars.sync_bars import sync_bars
from mtum.app.desk import Desk
from mtum.core.market.bars import Bars
from mtum.core.market.validation import problems_in_history
from support.bars import weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar, market_desk
from support.markets import made_up_bars
from support.values import replace

pytestmark = pytest.mark.bench
AT = datetime(2031, 1, 2, 12, 0, tzinfo=UTC)


def best_cpu_seconds(work: Callable[[], object], times: int = 30) -> float:
    """Least CPU time of several runs: what the work costs when nobody disturbs it."""
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def test_reading_and_validating_300_sessions_costs_at_most_three_times_read_sql(tmp_path: Path) -> None:
    store = open_store(tmp_path / "mtum.db", "practice", "PRACTICE")
    bars = made_up_bars(300, seed=3, symbol="MTUM")
    store.bars.accept(bars, AT, bars.last_day)
    columns = "session, open, high, low, close, volume, dividend, split"
    sql = f"SELECT {columns} FROM bars WHERE symbol = ? AND source = ? ORDER BY session"

    def ours() -> None:
        read = store.bars.bars("MTUM", "made-up")
        assert problems_in_history(read, bars.days) == ()

    def pandas() -> None:
        assert len(pd.read_sql(sql, store.database.connection, params=("MTUM", "made-up"))) == 300

    ours()
    pandas()
    ratio = best_cpu_seconds(ours) / best_cpu_seconds(pandas)
    store.close()
    assert ratio <= 3.0, f"{ratio:.2f} times pandas.read_sql"


SYMBOLS = [f"S{index:02}" for index in range(100)]
OLD, NEW = 2_000, 250
ROWS = made_up_bars(OLD + NEW, seed=5)
SESSIONS = weekday_sessions(ROWS.day(0), OLD + NEW + 1)


@contextmanager
def syncing(folder: Path, bars: int) -> Iterator[Desk]:
    """A desk at noon of the session after that many bars; the vendor answers from memory."""
    shelf = {name: replace(ROWS, symbol=name, source="yahoo") for name in SYMBOLS}
    at = SESSIONS.known[bars].before_close(180)
    with market_desk(folder, ShelfSource(shelf), at, calendar=WeekdayCalendar(SESSIONS)) as desk:
        yield desk


def bars_a_second(count: int, work: Callable[[], object]) -> float:
    """CPU time: what a busy disk or neighbor adds is not counted."""
    began = time.process_time()
    work()
    return count / (time.process_time() - began)


def synced(desk: Desk, expected: int) -> None:
    results = sync_bars(desk, SYMBOLS, (), lambda _: None, since=None if expected == NEW else ROWS.day(0))
    assert [one.refresh.written for one in results if one.refresh] == [expected] * len(SYMBOLS)
    assert all(one.refresh.problems == () for one in results if one.refresh)


def pandas_appends(path: Path, rows: Bars) -> Callable[[], object]:
    """The peer writes the same rows into a table of the same key, and neither reads nor judges."""
    line = sqlite3.connect(path)  # closed by the work
    line.execute(
        "CREATE TABLE IF NOT EXISTS bars (symbol, session, open, high, low, close, volume, dividend, split, "
        "PRIMARY KEY (symbol, session))"
    )
    frame = rows.frame().reset_index()

    def work() -> None:
        for name in SYMBOLS:
            frame.assign(symbol=name).to_sql("bars", line, if_exists="append", index=False)
        line.close()

    return work


def test_a_sync_of_a_hundred_symbols_writes_at_least_fifty_thousand_bars_a_second(tmp_path: Path) -> None:
    """A first fill of eight years and one more year behind it, each beside pandas writing the same rows."""
    ours, peer = {}, {}
    for label, first, last in (("first fill", 0, OLD), ("another year", OLD, OLD + NEW)):
        count = len(SYMBOLS) * (last - first)
        rows = ROWS.since(ROWS.day(first)).until(ROWS.day(last - 1))
        peer[label] = bars_a_second(count, pandas_appends(tmp_path / "peer.db", rows))
        with syncing(tmp_path, last) as desk:
            ours[label] = bars_a_second(count, partial(synced, desk, last - first))
            assert all(found.problems == () for found in check_bars(desk.store, desk.calendar, desk.clock.now()))
    for label, rate in ours.items():
        print(f"{label}: {rate:,.0f} bars/s; pandas.to_sql of the same rows: {peer[label]:,.0f}")
        assert rate >= 50_000, f"{label}: {rate:,.0f} bars/s; pandas.to_sql writes {peer[label]:,.0f}"


def test_a_sync_that_finds_nothing_new_does_not_cost_more_with_a_longer_history(tmp_path: Path) -> None:
    """What is read of the cache is the overlap and what the rules look back on, not the cache."""
    spent = {}
    for years, bars in (("one year", NEW), ("nine years", OLD + NEW)):
        folder = tmp_path / str(bars)
        folder.mkdir()
        with syncing(folder, bars) as desk:
            sync_bars(desk, SYMBOLS, (), lambda _: None, since=ROWS.day(0))
            again = partial(sync_bars, desk, SYMBOLS, (), lambda _: None)
            again()
            spent[years] = best_cpu_seconds(again, 3)
    assert spent["nine years"] <= 2 * spent["one year"], spent
