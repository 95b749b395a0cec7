"""Real bars, where MTUM_REAL_BARS names a folder of them: downloads of other years, known oddities, crashes."""

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.csv_files import CsvTerms, read_bars
from mtum.adapters.sources.vendor import VendorSource
from mtum.adapters.sources.yahoo import yahoo_source
from mtum.app.bars.check_bars import check_bars
from mtum.app.bars.sync_bars import sync_bars
from mtum.app.desk import Desk
from mtum.core.indicators.atr import atr
from mtum.core.indicators.rsi import rsi
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.market.merging import NewSplit, dividend_adjusted, merge, rebased
from mtum.core.market.validation import moves, problems_in_history, session_days
from mtum.core.market.vix import VixProblem, VixValue, on_sessions, vix_reading
from mtum.errors import BarsInvalidError
from support.commands import call, call_json
from support.desks import ShelfSource, market_desk
from support.yahoo import Reply, yahoo_server

ETFS = ("AGG", "EFA", "GLD", "IEF", "IWM", "MTUM", "QQQ", "SPY", "TLT", "VNQ")
VINTAGES = ("2020-02-21", "2020-11-18", "2023-08-29", "2024-04-05")
CALENDAR = ExchangeCalendar()


@pytest.fixture(scope="module")
def folder() -> Path:
    named = os.environ.get("MTUM_REAL_BARS")
    if not named:
        pytest.skip("MTUM_REAL_BARS names no folder of real bars")
    return Path(named)


def rows_of(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bars_in(path: Path, symbol: str, source: str = "yahoo") -> Bars:
    rows = rows_of(path)
    names = ("open", "high", "low", "close", "volume", "dividend", "split")
    columns = {name: [float(row.get(name) or 0) for row in rows] for name in names}
    return Bars.from_columns(symbol, source, [row["date"] for row in rows], columns)


def without_actions(bars: Bars) -> Bars:
    nothing = np.zeros(len(bars))
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    return Bars.from_columns(bars.symbol, bars.source, bars.days, {**columns, "dividend": nothing, "split": nothing})


@contextmanager
def desk_on(path: Path, source: ShelfSource, day: date) -> Iterator[Desk]:
    with market_desk(path, source, datetime.combine(day, time(12, 0), tzinfo=UTC), calendar=CALENDAR) as desk:
        yield desk


# fmt: off
STOCKS_AND_MORE = (
    "AAPL", "ACWX", "AMZN", "BAC", "BIL", "DBC", "EEM", "GE", "GOOGL", "HYG", "JNJ", "JPM", "KO", "LQD", "META", "MSFT",
    "NFLX", "NVDA", "PG", "SGOV", "SHY", "TIP", "TSLA", "UNH", "USO", "V", "WMT", "XLB", "XLC", "XLE", "XLF", "XLI",
    "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY", "XOM",
)
# fmt: on


@pytest.mark.parametrize("symbol", [*ETFS, *(f"more/{symbol}" for symbol in STOCKS_AND_MORE)])
def test_no_real_bar_is_refused_inside_history(folder: Path, symbol: str) -> None:
    path = folder / f"{symbol}.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    bars = read_bars(path, path.stem, "csv", CsvTerms(today=date(2024, 6, 28)))
    days = [session.day for session in CALENDAR.sessions(bars.day(0), bars.last_day)]
    assert problems_in_history(bars, session_days(tuple(days))) == ()


def test_the_newest_bar_rule_would_have_asked_for_confirmation_once_in_four_thousand_sessions(folder: Path) -> None:
    asked, judged = 0, 0
    for symbol in ETFS:
        changes = moves(bars_in(folder / f"{symbol}.csv", symbol))
        usual = np.full(len(changes), np.nan)
        usual[61:] = sliding_window_view(np.abs(changes[1:-1]), 60).mean(axis=1)
        asked += int((np.abs(changes) > 10 * usual).sum())
        judged += int(np.isfinite(usual).sum())
    assert (asked, judged) == (11, 49_359)


@pytest.mark.parametrize("taken", VINTAGES)
def test_a_later_download_is_no_revision_but_for_the_one_real_change(folder: Path, tmp_path: Path, taken: str) -> None:
    earlier = bars_in(folder / "vintages" / f"MTUM_asof_{taken}.csv", "MTUM")
    later = bars_in(folder / "MTUM.csv", "MTUM")
    found = merge(earlier, without_actions(later), earlier.last_day)
    beyond = [(one.session, one.column) for one in found.refused]
    assert (found.basis, found.splits) == (None, ())
    assert beyond == ([(date(2019, 8, 12), "volume")] if taken < "2021" else [])
    assert all(one.column == "volume" for one in found.changes)


@pytest.mark.parametrize("taken", VINTAGES)
def test_the_command_records_no_other_revision_of_a_download_followed_by_a_later_one(
    folder: Path, tmp_path: Path, taken: str
) -> None:
    earlier = folder / "vintages" / f"MTUM_asof_{taken}.csv"
    for path in (earlier, folder / "MTUM.csv"):
        assert call(tmp_path, "bars", "import", str(path), "--symbol", "MTUM", "--source", "yahoo").code == 0
    found = call_json(tmp_path, "bars", "revisions").document["revisions"]
    size = {one["session"]: abs(one["after"] / one["before"] - 1.0) for one in found}
    assert {one["column"] for one in found} <= {"volume"}
    assert [day for day, frac in size.items() if frac > 0.002] == (["2019-08-12"] if taken < "2021" else [])
    assert call(tmp_path, "bars", "check").code == 0


@pytest.mark.parametrize("taken", VINTAGES)
def test_the_adjusted_series_of_a_cache_that_grew_equals_a_fresh_download(
    folder: Path, tmp_path: Path, taken: str
) -> None:
    """The vendor's own adjusted closes are the oracle; the cache was begun years earlier."""
    earlier = bars_in(folder / "vintages" / f"MTUM_asof_{taken}.csv", "MTUM")
    later = bars_in(folder / "MTUM.csv", "MTUM")
    source = ShelfSource({"MTUM": later})
    with desk_on(tmp_path, source, date(2024, 6, 29)) as desk:
        at = datetime.combine(earlier.last_day, time(23, 0), tzinfo=UTC)
        desk.store.bars.accept(earlier, at, earlier.last_day)
        (synced,) = sync_bars(desk, ["MTUM"], (), lambda _: None, since=earlier.day(0))
        assert synced.refresh is not None
        assert synced.refresh.problems == ()
        grown = desk.store.bars.bars("MTUM", "yahoo")
        merged = merge(grown, later.since(grown.day(0)), grown.last_day).bars
    adjusted = {row["date"]: float(row["adj_close"]) for row in rows_of(folder / "MTUM.csv")}
    fresh = [adjusted[str(day)] for day in merged.days]
    np.testing.assert_allclose(dividend_adjusted(merged).close, fresh, rtol=2e-5)


def test_vix_values_of_days_the_exchange_was_shut_are_dropped(folder: Path) -> None:
    rows = rows_of(folder / "quirks" / "VIX_prints_on_closed_days.csv")
    closes = {date.fromisoformat(row["date"]): float(row["close"]) for row in rows}
    days = {session.day for session in CALENDAR.sessions(min(closes), max(closes))}
    assert len(closes) == 17
    assert on_sessions(closes, days) == {}


def test_partial_bars_are_changed_by_the_final_ones_and_never_final(folder: Path, tmp_path: Path) -> None:
    for row in rows_of(folder / "quirks" / "partial_day_bars.csv"):
        day = date.fromisoformat(row["date"])
        (session,) = CALENDAR.sessions(day, day)
        names = ("open", "high", "low", "close", "volume")
        partial, final = (
            Bars.from_columns(row["symbol"], "yahoo", [day], {name: [float(row[f"{kind}_{name}"])] for name in names})
            for kind in ("p", "f")
        )
        source = ShelfSource({row["symbol"]: partial})
        with market_desk(tmp_path / row["symbol"], source, session.before_close(13), calendar=CALENDAR) as desk:
            sync_bars(desk, [row["symbol"]], (), lambda _: None, since=day)
            assert len(desk.store.bars.bars(row["symbol"], "yahoo")) == 0
            source.shelf = {row["symbol"]: final}
            desk.clock.wait_until(session.before_close(-121))
            sync_bars(desk, [row["symbol"]], (), lambda _: None, since=day)
            stored = desk.store.bars.bars(row["symbol"], "yahoo")
            assert stored.bar(0).close == float(row["f_close"])


def test_yahoos_vix_is_caught_by_a_second_source_when_it_matters(folder: Path) -> None:
    at = datetime(2024, 1, 2, 20, 40, tzinfo=UTC)
    apart = {}
    for row in rows_of(folder / "quirks" / "VIX_close_cboe_vs_yahoo.csv"):
        cboe, yahoo = float(row["close_cboe"]), float(row["close_yahoo"])
        found = vix_reading(VixValue("ib", cboe, at), VixValue("yahoo", yahoo, at), at)
        apart[row["date"]] = (abs(cboe - yahoo), [kind for kind, _ in found.problems])
        limit = max(0.5, 0.05 * cboe)
        assert apart[row["date"]][1] == ([VixProblem.SOURCES_DISAGREE] if abs(cboe - yahoo) > limit else [])
        # Within tolerance neither threshold of the rules lies between the two.
        if not apart[row["date"]][1] and row["date"] >= "2013":
            assert all((cboe < level) == (yahoo < level) for level in (25.0, 30.0))
    assert len(apart) == 10


def test_every_close_at_which_yahoos_vix_is_not_cboes_is_listed(folder: Path, tmp_path: Path) -> None:
    for name, source in (("VIX", "csv"), ("VIX_yahoo", "yahoo")):
        path = str(folder / f"{name}.csv")
        assert call(tmp_path, "bars", "import", path, "--symbol", "VIX", "--source", source).code == 0
    checked = call_json(tmp_path, "bars", "check", "VIX")
    known = rows_of(folder / "quirks" / "VIX_close_cboe_vs_yahoo.csv")
    assert [(one["session"], one["close"], one["other_close"]) for one in checked.document["sources_apart"]] == [
        (row["date"], float(row["close_cboe"]), float(row["close_yahoo"])) for row in known
    ]
    assert (checked.code, len(known)) == (0, 10)


CAPTURED = [
    ("AAPL", "chart_AAPL_1d_2020-08-31_2020-11-07_split_and_dividend.json", date(2020, 8, 31), date(2020, 11, 6)),
    ("NVDA", "chart_NVDA_1d_2021_split.json", date(2021, 2, 1), date(2022, 1, 28)),
    ("MSFT", "chart_MSFT_1d_2021_dividends.json", date(2021, 2, 1), date(2022, 1, 28)),
    ("QQQ", "chart_QQQ_1d_single_day_etf.json", date(2020, 1, 2), date(2020, 1, 2)),
]


@contextmanager
def answering(folder: Path, name: str, cache: Path) -> Iterator[VendorSource]:
    path = folder / "yahoo-json" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    with yahoo_server() as server:
        server.always = Reply(body=json.dumps(json.loads(path.read_text())["body"]).encode())
        yield yahoo_source(CALENDAR, cache, server.url)


@pytest.mark.parametrize(("symbol", "name", "first", "last"), CAPTURED)
def test_captured_answers_of_the_vendor_become_fit_bars(
    folder: Path, tmp_path: Path, symbol: str, name: str, first: date, last: date
) -> None:
    with answering(folder, name, tmp_path) as source:
        bars = source.history(symbol, first, last)
    days = [session.day for session in CALENDAR.sessions(first, last)]
    assert problems_in_history(bars, session_days(tuple(days))) == ()
    body = json.loads((folder / "yahoo-json" / name).read_text())["body"]["chart"]["result"][0]
    raw = [price for price in body["indicators"]["quote"][0]["close"] if price is not None]
    np.testing.assert_allclose(bars.close, raw[: len(bars)], rtol=2e-7)
    told = body.get("events", {})
    assert np.count_nonzero(bars.dividend) == len(told.get("dividends", {}))
    assert [ratio for ratio in bars.split if ratio] == [4.0] * len(told.get("splits", {}))


def test_captured_answers_that_hold_nothing_or_no_dollars_say_so(folder: Path, tmp_path: Path) -> None:
    with answering(folder, "chart_WSU.DE_1d.json", tmp_path) as source, pytest.raises(BarsInvalidError):
        source.history("WSU.DE", date(2020, 1, 2), date(2020, 1, 3))
    with answering(folder, "chart_AAPL_1m_closed_day_no_rows.json", tmp_path) as source:
        assert len(source.history("AAPL", date(2025, 2, 15), date(2025, 2, 16))) == 0


SPLIT = NewSplit(date(2005, 6, 9), 2.0)


def test_a_real_split_rebases_the_cache_to_what_the_vendor_shows_today(folder: Path, tmp_path: Path) -> None:
    """IWM 2:1 on 2005-06-09: cached before it in old shares, synced after it."""
    today = bars_in(folder / "IWM.csv", "IWM")
    old = rebased(without_actions(today.until(date(2005, 6, 8))), (NewSplit(SPLIT.session, 0.5),))
    source = ShelfSource({"IWM": old})
    with desk_on(tmp_path, source, date(2005, 6, 9)) as desk:
        sync_bars(desk, ["IWM"], (), lambda _: None, since=old.day(0))
        np.testing.assert_allclose(desk.store.bars.bars("IWM", "yahoo").close, old.close)
        source.shelf = {"IWM": today}
        desk.clock.wait_until(datetime(2005, 6, 20, 12, 0, tzinfo=UTC))
        (synced,) = sync_bars(desk, ["IWM"], (), lambda _: None)
        assert synced.refresh is not None
        assert synced.refresh.splits == (SPLIT,)
        assert synced.refresh.problems == ()
        assert synced.refresh.revisions == ()
        grown = desk.store.bars.bars("IWM", "yahoo")
        shown = today.until(grown.last_day)
        np.testing.assert_allclose(grown.close, shown.close, rtol=1e-9)
        np.testing.assert_allclose(grown.volume, shown.volume, rtol=1e-6)
        assert all(one.problems == () for one in check_bars(desk.store, desk.calendar, desk.clock.now()))
        before = desk.store.bars.as_of("IWM", "yahoo", datetime(2005, 6, 10, tzinfo=UTC))
        np.testing.assert_allclose(before.close, old.close, rtol=1e-9)


def test_indicators_across_a_real_split_are_the_same_in_new_shares(folder: Path) -> None:
    today = bars_in(folder / "IWM.csv", "IWM").until(date(2005, 6, 8)).tail(60)
    old = rebased(today, (NewSplit(SPLIT.session, 0.5),))
    np.testing.assert_allclose(rsi(old.close, 14, Smoothing.SIMPLE), rsi(today.close, 14, Smoothing.SIMPLE), atol=1e-6)
    np.testing.assert_allclose(
        atr(old, 14, Smoothing.SIMPLE) / 2, atr(today, 14, Smoothing.SIMPLE), atol=2e-6, equal_nan=True
    )
