"""`mtum bars sync` killed at any moment leaves a database that passes `mtum bars check`."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from mtum.app.bars.check_bars import check_bars
from mtum.app.bars.sync_bars import sync_bars
from mtum.app.desk import Desk
from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.market.merging import NewSplit, rebased
from support.bars import weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar, market_desk
from support.markets import made_up_bars
from support.practice import in_child

COUNT = 160
SESSIONS = weekday_sessions(date(2020, 1, 6), COUNT + 1)
AT = SESSIONS.known[-1].before_close(30)
SYMBOLS = ["S0", "S1"]
TIMES, QUICK_TIMES = 12, 3
"""Moments by the clock, spread over a sync: some fall inside a statement or a commit."""
RATIO = 2.0


def history(seed: int, symbol: str) -> Bars:
    made_up = made_up_bars(COUNT, seed, symbol)
    columns = {name: getattr(made_up, name) for name in COLUMNS}
    return Bars.from_columns(symbol, "yahoo", [session.day for session in SESSIONS][:COUNT], columns)


def source(*, split: bool) -> ShelfSource:
    """Two symbols; after their 2:1 split the vendor shows them in new shares, with six sessions more."""
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


@contextmanager
def desk_of(folder: Path, *, split: bool) -> Iterator[Desk]:
    at = AT if split else SESSIONS.known[COUNT - 5].before_close(30)
    with market_desk(folder, source(split=split), at, calendar=WeekdayCalendar(SESSIONS)) as desk:
        yield desk


def synced(desk: Desk) -> None:
    results = sync_bars(desk, SYMBOLS, (), lambda _: None, since=SESSIONS.known[0].day)
    assert all(one.error is None for one in results)


def sync(folder: Path, *, split: bool, told: Callable[[str], None] | None = None) -> int:
    """Sync all symbols; `told` hears each statement of SQL, each row of a write, before it is done."""
    with desk_of(folder, split=split) as desk:
        desk.store.bars.database.connection.set_trace_callback(told)  # type: ignore[attr-defined]  # the store on disk
        synced(desk)
    return 0


def dying_at(folder: Path, statement: int, *, split: bool) -> int:
    """Sync, and be killed before that statement of SQL; by then the one before it is done."""
    heard = 0

    def count(_: str) -> None:
        nonlocal heard
        if heard == statement:
            os.kill(os.getpid(), signal.SIGKILL)
        heard += 1

    return sync(folder, split=split, told=count)


def dying_after(folder: Path, seconds: float, *, split: bool) -> int:
    """Sync, and be killed by the system's timer wherever the program is by then."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    return sync(folder, split=split)


def closes(desk: Desk) -> dict[str, list[float]]:
    """What is cached, after `mtum bars check` has found nothing wrong with it."""
    for found in check_bars(desk.store, desk.calendar, AT):
        assert found.problems == (), found.problems[0].text
    return {name: desk.store.bars.bars(name, "yahoo").close.tolist() for name in SYMBOLS}


def worth_dying_at(statements: list[str]) -> list[int]:
    """Every statement, but of the rows of one write the first two and the last."""
    kinds = [text.split("(")[0] for text in statements]
    last = len(kinds) - 1
    return [
        n for n, kind in enumerate(kinds) if n in (0, last) or not kinds[n - 2] == kinds[n - 1] == kind == kinds[n + 1]
    ]


def around_a_commit(statements: list[str]) -> list[int]:
    """Every COMMIT and the statement after it: what was written is not yet, or just, to stay."""
    found = [n for n, text in enumerate(statements) if "COMMIT" in text]
    return sorted({n for commit in found for n in (commit, commit + 1) if n < len(statements)})


@pytest.mark.parametrize("split", [False, True], ids=["first sync", "sync across a split"])
@pytest.mark.parametrize("anywhere", [False, pytest.param(True, marks=pytest.mark.full)], ids=["commits", "anywhere"])
def test_a_sync_killed_at_any_moment_leaves_a_sound_cache_that_the_next_one_completes(
    tmp_path: Path, split: bool, anywhere: bool
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    if split:
        sync(before, split=False)

    def copy(name: str) -> Path:
        return Path(shutil.copytree(before, tmp_path / name))

    def completed(folder: Path) -> dict[str, list[float]]:
        with desk_of(folder, split=split) as desk:
            closes(desk)
            synced(desk)
            return closes(desk)

    heard: list[str] = []
    began = perf_counter()
    sync(copy("whole"), split=split, told=heard.append)
    seconds = perf_counter() - began
    expected = completed(tmp_path / "whole")
    moments = worth_dying_at(heard) if anywhere else around_a_commit(heard)
    times = TIMES if anywhere else QUICK_TIMES
    assert sum("COMMIT" in heard[moment] for moment in moments) >= len(SYMBOLS)
    for moment in moments:
        folder = copy(f"statement-{moment}")
        assert in_child(partial(dying_at, folder, moment, split=split)) == -signal.SIGKILL
        assert completed(folder) == expected, f"killed before {heard[moment]}"
    for part in range(1, times + 1):
        folder = copy(f"time-{part}")
        # A child faster than the timer ends by itself.
        assert in_child(partial(dying_after, folder, seconds * part / times, split=split)) in (-signal.SIGALRM, 0)
        assert completed(folder) == expected, f"killed after {part} of {times} parts of {seconds} seconds"
