"""`mtum bars sync` killed at any moment leaves a database that passes `mtum bars check`."""

import os
import signal
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mtum.app.bars.check_bars import check_bars
from mtum.app.bars.sync_bars import sync_bars
from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.market.merging import NewSplit, rebased
from support.bars import weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar, market_desk
from support.markets import made_up_bars
from support.practice import in_child

COUNT = 600
SESSIONS = weekday_sessions(date(2020, 1, 6), COUNT + 1)
AT = SESSIONS.known[-1].before_close(30)
SYMBOLS = [f"S{index}" for index in range(6)]
RATIO = 2.0


def history(seed: int, symbol: str) -> Bars:
    made_up = made_up_bars(COUNT, seed, symbol)
    columns = {name: getattr(made_up, name) for name in COLUMNS}
    return Bars.from_columns(symbol, "yahoo", [session.day for session in SESSIONS][:COUNT], columns)


def source(*, split: bool) -> ShelfSource:
    """Six symbols; after their 2:1 split the vendor shows them in new shares, with six sessions more."""
    shelf = {}
    for seed, name in enumerate(SYMBOLS):
        bars = history(seed, name)
        day = bars.day(COUNT - 3)
        if split:
            shown = rebased(bars, (NewSplit(date.max, RATIO),))
            listed = np.where(bars.days == np.datetime64(day), RATIO, 0.0)
            columns = {name: getattr(shown, name) for name in COLUMNS}
            shelf[name] = Bars.from_columns(name, "yahoo", bars.days, {**columns, "split": listed})
        else:
            shelf[name] = bars.until(bars.day(COUNT - 7))
    return ShelfSource(shelf)


def sync(folder: Path, *, split: bool, dies_at: int | None = None) -> int:
    """Sync all symbols; with `dies_at` the process kills itself before that statement of SQL."""
    at = AT if split else SESSIONS.known[COUNT - 5].before_close(30)
    with market_desk(folder, source(split=split), at, calendar=WeekdayCalendar(SESSIONS)) as desk:
        seen = 0

        def count(_: str) -> None:
            nonlocal seen
            if seen == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            seen += 1

        desk.store.bars.database.connection.set_trace_callback(count)  # type: ignore[attr-defined]  # the store on disk
        results = sync_bars(desk, SYMBOLS, (), lambda _: None, since=SESSIONS.known[0].day)
        assert all(one.error is None for one in results)
        return seen


def closes(folder: Path) -> dict[str, list[float]]:
    with market_desk(folder, source(split=True), AT, calendar=WeekdayCalendar(SESSIONS)) as desk:
        for found in check_bars(desk.store, desk.calendar, AT):
            assert found.problems == (), found.problems[0].text
        return {name: desk.store.bars.bars(name, "yahoo").close.tolist() for name in SYMBOLS}


@pytest.mark.parametrize("split", [False, True], ids=["first sync", "sync across a split"])
def test_a_sync_killed_between_any_two_statements_leaves_a_sound_cache(tmp_path: Path, split: bool) -> None:
    def prepared(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        if split:
            sync(folder, split=False)
        return folder

    whole = prepared("whole")
    statements = sync(whole, split=split)
    expected = closes(whole)
    # Moments spread over reads, transactions and commits of all symbols.
    for statement in sorted({round(statements * part / 9) for part in range(9)} | {statements - 1}):
        folder = prepared(f"killed-{statement}")
        ended = in_child(partial(sync, folder, split=split, dies_at=statement))
        assert ended == -signal.SIGKILL, f"statement {statement} was not reached"
        closes(folder)
        sync(folder, split=split)
        assert closes(folder) == expected, f"after statement {statement} of {statements}"
