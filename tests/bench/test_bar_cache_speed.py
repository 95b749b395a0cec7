"""What the cache of bars costs, beside pandas and per bar written."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from mtum.adapters.store.opening import open_store
from mtum.app.bars.check_bars import check_bars
from mtum.app.bars.sync_bars import sync_bars
from mtum.core.market.validation import problems_in_history
from support.bars import weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar, market_desk
from support.markets import made_up_bars

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


def test_a_sync_of_a_hundred_symbols_writes_at_least_fifty_thousand_bars_a_second(tmp_path: Path) -> None:
    """Reading, judging and writing eight years of each; the vendor answers from memory."""
    count = 2_000
    sessions = weekday_sessions(date(2010, 1, 4), count + 1)
    rows = made_up_bars(count, seed=5)
    shelf = {f"S{index:02}": replace(rows, symbol=f"S{index:02}") for index in range(100)}
    at = sessions.known[-1].before_close(30)
    with market_desk(tmp_path, ShelfSource(shelf, name="made-up"), at, calendar=WeekdayCalendar(sessions)) as desk:
        began = time.process_time()
        results = sync_bars(desk, [*shelf], (), lambda _: None, since=rows.day(0))
        spent = time.process_time() - began
        assert sum(one.refresh.written for one in results if one.refresh) == 100 * count
        assert all(found.problems == () for found in check_bars(desk.store, desk.calendar, at))
    assert 100 * count / spent >= 50_000, f"{100 * count / spent:,.0f} bars/s"
