"""The cache as a source of history for backtests."""

from datetime import date
from pathlib import Path

import pytest

from mtum.adapters.store.cached_bars import CachedBars
from mtum.adapters.store.opening import SqliteStore
from mtum.errors import BarsMissingError, SourceUnavailableError
from support.bar_folders import made_up_market
from support.commands import call
from support.store import FRIDAY, MONDAY, THURSDAY, TUESDAY, bars_of, later, opened


def test_the_source_s_own_bars_and_closes_of_the_interval_are_read(store: SqliteStore) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0, THURSDAY: 3.0}, source="ib"), later(0), None)
    store.bars.accept(bars_of({MONDAY: 9.0}, source="yahoo"), later(0), None)
    store.bars.accept(bars_of({MONDAY: 15.0, TUESDAY: 16.0, FRIDAY: 17.0}, symbol="VIX", source="ib"), later(0), None)
    cached = CachedBars("ib", store.database.path)
    assert cached.history("MTUM", MONDAY, TUESDAY).close.tolist() == [1.0, 2.0]
    assert cached.history("MTUM", TUESDAY, FRIDAY).close.tolist() == [2.0, 3.0]
    assert cached.series_history("VIX", TUESDAY, THURSDAY) == {TUESDAY: 16.0}


def test_what_is_not_cached_is_named_with_the_command_that_reads_it(store: SqliteStore, tmp_path: Path) -> None:
    for path in (store.database.path, tmp_path / "absent.db"):
        with pytest.raises(BarsMissingError, match=r"MTUM: no bars from ib .*mtum bars sync"):
            CachedBars("ib", path).history("MTUM", MONDAY, FRIDAY)
    assert not (tmp_path / "absent.db").exists()


def test_it_tells_nothing_about_now(store: SqliteStore) -> None:
    with pytest.raises(SourceUnavailableError, match="no unfinished bar"):
        CachedBars("ib", store.database.path).quote("MTUM", None, later(0))  # type: ignore[arg-type]  # never looked at


def test_a_backtest_of_the_broker_s_bars_reads_the_cache(tmp_path: Path) -> None:
    bars, vix = made_up_market("MTUM", 300, source="ib")
    words = ("backtest", "--source", "ib", "--data-dir", str(tmp_path), "--json", "--quiet")
    assert call(tmp_path, *words).code == 3
    kept = opened(tmp_path)
    kept.bars.accept(bars, later(0), bars.last_day)
    kept.bars.accept(bars_of(vix, symbol="VIX", source="ib"), later(0), bars.last_day)
    kept.close()
    found = call(tmp_path, *words)
    assert found.code == 0, found.err
    assert found.document["source"] == "ib"
    assert date.fromisoformat(found.document["end"]) == bars.last_day
    assert found.document["trades"]
