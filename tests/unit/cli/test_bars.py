"""`mtum bars`: sync, check, import, revisions, release."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.clock import SystemClock
from mtum.core.market.bars import Bars
from support.bars import changed, moved, without
from support.yahoo import CHICAGO, TOO_MANY, Chart, YahooServer, chart_of, daily_rows, yahoo_server

type Mtum = Callable[..., Any]


@pytest.fixture(scope="module")
def recent() -> Bars:
    """Bars of the sessions finished in the last half year, however late it is."""
    now = SystemClock().now()
    sessions = ExchangeCalendar().sessions((now - timedelta(days=200)).date(), now.date())
    days = [session.day for session in sessions if session.close < now]
    close = 180.0 + np.arange(len(days)) % 7
    columns = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": np.full(len(days), 5e5)}
    return Bars.from_columns("MTUM", "yahoo", days, columns)


@pytest.fixture
def server(recent: Bars) -> Iterator[YahooServer]:
    with yahoo_server() as running:
        running.charts["MTUM"] = chart_of(recent)
        running.charts["^VIX"] = Chart(daily_rows(recent.tail(20), CHICAGO), symbol="^VIX", zone=CHICAGO, kind="INDEX")
        for row in running.charts["^VIX"].rows:
            row.open = row.high = row.low = row.close = 14.5
        yield running


@pytest.fixture
def yahoo(server: YahooServer, tmp_path: Path) -> YahooServer:
    """A practice installation in this folder whose bars come from the local server."""
    text = f'mode = "practice"\n[market]\nsource = "yahoo"\nyahoo_url = "{server.url}"\n'
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    return server


def test_before_anything_is_cached_there_is_nothing_to_check(mtum: Mtum) -> None:
    assert mtum("bars", "check").out == "nothing is cached yet\n"
    assert mtum("bars", "revisions", "--json").document == {"revisions": []}


def test_sync_reads_what_the_strategy_needs_and_check_finds_it_fit(
    mtum: Mtum, yahoo: YahooServer, recent: Bars
) -> None:
    synced = mtum("bars", "sync", "--json")
    assert (synced.code, [one["symbol"] for one in synced.document["symbols"]]) == (0, ["MTUM", "VIX"])
    assert synced.document["symbols"][0]["written"] == len(recent)
    checked = mtum("bars", "check", "--json")
    assert checked.code == 0
    found = {one["symbol"]: one for one in checked.document["checked"]}
    assert (found["MTUM"]["bars"], found["MTUM"]["behind_sessions"], found["MTUM"]["problems"]) == (len(recent), 0, [])
    assert found["VIX"]["bars"] == 20


def test_a_second_sync_writes_nothing(mtum: Mtum, yahoo: YahooServer) -> None:
    mtum("bars", "sync")
    again = mtum("bars", "sync", "MTUM", "--json")
    assert (again.document["symbols"][0]["read"], again.document["symbols"][0]["written"]) == (10, 0)


def test_a_symbol_that_cannot_be_read_does_not_stop_the_rest(mtum: Mtum, yahoo: YahooServer) -> None:
    synced = mtum("bars", "sync", "NOPE", "MTUM", "--json")
    assert synced.code == 3
    assert "No data found" in synced.document["symbols"][0]["error"]
    assert synced.document["symbols"][1]["written"] > 0
    assert synced.err.startswith("mtum: NOPE: Yahoo answers")


def test_too_many_requests_for_ever_is_exit_3_with_the_reason(mtum: Mtum, yahoo: YahooServer) -> None:
    yahoo.always = TOO_MANY
    synced = mtum("bars", "sync")
    assert synced.code == 3
    assert "too many requests" in synced.err


def test_a_bar_kept_out_is_listed_released_and_then_fit(mtum: Mtum, yahoo: YahooServer, recent: Bars) -> None:
    yahoo.charts["MTUM"] = chart_of(changed(recent, high={90: 100.0}))
    assert mtum("bars", "sync").code == 3
    checked = mtum("bars", "check", "--json")
    (held,) = checked.document["kept_out"]
    assert (checked.code, held["rule"], held["session"]) == (3, "out_of_range", recent.day(90).isoformat())
    assert f"kept out (out of range): open {recent.open[90]:g}, high 100" in checked.err
    assert f"`mtum bars release {held['id']}`" in checked.err
    assert mtum("bars", "release", str(held["id"])).code == 0
    assert mtum("bars", "check").code == 0
    again = mtum("bars", "release", str(held["id"]))
    assert (again.code, "released already" in again.err) == (2, True)


def test_a_revision_is_listed_with_both_values(mtum: Mtum, yahoo: YahooServer, recent: Bars) -> None:
    mtum("bars", "sync")
    last = len(recent) - 3
    yahoo.charts["MTUM"] = chart_of(moved(recent, {last: float(recent.close[last]) * 1.01}))
    mtum("bars", "sync")
    listed = mtum("bars", "revisions", "--json").document["revisions"]
    close = next(one for one in listed if one["column"] == "close")
    assert (close["before"], close["accepted"]) == (float(recent.close[last]), False)
    (held,) = mtum("bars", "check", "--json").document["kept_out"]
    assert held["rule"] == "revised"
    mtum("bars", "release", str(held["id"]))
    assert mtum("bars", "revisions", "--json").document["revisions"][-1]["accepted"]


def csv_text(bars: Bars) -> str:
    rows = [bars.bar(index) for index in range(len(bars))]
    lines = [f"{b.day},{b.open},{b.high},{b.low},{b.close},{b.volume}" for b in rows]
    return "\n".join(["date,open,high,low,close,volume", *lines, ""])


def test_a_file_is_imported_under_its_name_and_checked_like_any_other(
    mtum: Mtum, yahoo: YahooServer, recent: Bars, tmp_path: Path
) -> None:
    (tmp_path / "SPY.csv").write_text(csv_text(recent))
    done = mtum("bars", "import", "SPY.csv", "--json")
    assert done.document == {
        "symbol": "SPY",
        "source": "csv",
        "read": len(recent),
        "written": len(recent),
        "revisions": 0,
        "notes": [],
    }
    assert mtum("bars", "check", "SPY").code == 0
    missing = mtum("bars", "check", "QQQ")
    assert (missing.code, missing.err) == (2, "mtum: nothing of QQQ is cached; cached: SPY\n")


def test_closes_of_two_sources_that_are_more_than_half_a_percent_apart_are_listed(
    mtum: Mtum, yahoo: YahooServer, recent: Bars, tmp_path: Path
) -> None:
    mtum("bars", "sync", "MTUM")
    close = float(recent.close[50])
    (tmp_path / "MTUM.csv").write_text(
        csv_text(moved(recent, {50: close * 1.004, 51: float(recent.close[51]) * 1.006}))
    )
    mtum("bars", "import", "MTUM.csv")
    (apart,) = mtum("bars", "check", "--json").document["sources_apart"]
    assert (apart["session"], apart["source"], apart["other_source"]) == (recent.day(51).isoformat(), "csv", "yahoo")
    assert "two sources state differently, 1 in all" in mtum("bars", "check").out


def test_a_file_with_a_mistake_changes_nothing(mtum: Mtum, yahoo: YahooServer, recent: Bars, tmp_path: Path) -> None:
    (tmp_path / "SPY.csv").write_text(csv_text(moved(recent, {50: 18_000.0})))
    refused = mtum("bars", "import", "SPY.csv")
    assert (refused.code, "jump" in refused.err) == (3, True)
    # Nothing that can only be a wrong unit waits for a release, and no other source can fill the gaps of a file.
    assert "correct SPY.csv" in refused.err
    assert "`mtum" not in refused.err
    (tmp_path / "SPY.csv").write_text(csv_text(without(recent, 50)))
    assert "add the session to SPY.csv" in mtum("bars", "import", "SPY.csv").err
    (tmp_path / "QQQ.csv").write_text(csv_text(recent).replace("5", "x", 1))
    assert "QQQ.csv, line 2" in mtum("bars", "import", "QQQ.csv").err
    assert mtum("bars", "check", "--json").document["checked"] == []


@pytest.mark.parametrize("factors", [{90: 1.4}, dict.fromkeys(range(90, 400), 0.5)], ids=["spike", "looks_like_split"])
def test_a_real_move_in_a_file_is_taken_once_a_person_has_released_it(
    mtum: Mtum,
    yahoo: YahooServer,
    recent: Bars,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    factors: dict[int, float],
) -> None:
    prices = {name: getattr(recent, name) for name in ("open", "high", "low", "close")}
    cells = {
        name: {at: values[at] * factor for at, factor in factors.items() if at < len(recent)}
        for name, values in prices.items()
    }
    jumped = changed(recent, **cells, volume=dict.fromkeys(range(len(recent)), 1e6))
    (tmp_path / "SPY.csv").write_text(csv_text(jumped))
    refused = mtum("bars", "import", "SPY.csv", "--source", "ib")
    (held,) = mtum("bars", "check", "--json").document["kept_out"]
    assert (refused.code, held["rule"], held["session"]) == (3, request.node.callspec.id, str(recent.day(90)))
    assert f"a real move is accepted with `mtum bars release {held['id']}`, then import it again" in refused.err
    assert mtum("bars", "check", "--json").document["checked"] == []
    assert mtum("bars", "release", str(held["id"])).code == 0
    done = mtum("bars", "import", "SPY.csv", "--source", "ib", "--json")
    assert (done.code, mtum("bars", "check").code) == (0, 0), done.err
    held_on = ("backtest", "--source", "ib", "--strategy", "buy_and_hold", "--set", "strategy.buy_and_hold.symbol=SPY")
    assert mtum(*held_on, "--quiet").code == 0, "it is real to whoever reads the cache"
    # The word holds for these numbers alone.
    (tmp_path / "SPY.csv").write_text(csv_text(changed(jumped, volume={90: 999_999.0})))
    assert mtum("bars", "import", "SPY.csv", "--source", "ib").code == 3


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_parts_of_a_history_are_imported_in_any_order(
    mtum: Mtum, yahoo: YahooServer, recent: Bars, tmp_path: Path, order: tuple[int, ...]
) -> None:
    cuts = (0, 40, 60, len(recent))
    for part in order:
        rows = Bars.of("SPY", "csv", [recent.bar(index) for index in range(cuts[part], cuts[part + 1])])
        (tmp_path / "SPY.csv").write_text(csv_text(rows))
        done = mtum("bars", "import", "SPY.csv", "--json")
        assert (done.code, done.document["written"]) == (0, len(rows))
    (checked,) = mtum("bars", "check", "--json").document["checked"]
    assert (checked["bars"], checked["first"], checked["last"]) == (
        len(recent),
        *map(str, (recent.day(0), recent.last_day)),
    )


def test_an_older_part_given_again_replaces_its_bars_and_no_later_one(
    mtum: Mtum, yahoo: YahooServer, recent: Bars, tmp_path: Path
) -> None:
    (tmp_path / "SPY.csv").write_text(csv_text(recent))
    mtum("bars", "import", "SPY.csv")
    older = Bars.of("SPY", "csv", [recent.bar(index) for index in range(20, 25)])
    (tmp_path / "SPY.csv").write_text(csv_text(changed(older, volume={2: 123_456.0})))
    done = mtum("bars", "import", "SPY.csv", "--json")
    assert (done.code, done.document["written"], done.document["revisions"]) == (0, 1, 1)
    assert mtum("bars", "check", "SPY").code == 0


@pytest.mark.parametrize("name", ["mtum.us.txt", "MTUM_History.csv", "MTUM Historical Data.csv", "BRK.B.csv"])
def test_a_file_whose_name_is_no_plain_symbol_asks_for_one(
    mtum: Mtum, yahoo: YahooServer, recent: Bars, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text(csv_text(recent))
    asked = mtum("bars", "import", name)
    assert (asked.code, asked.err) == (
        2,
        f"mtum: {name} does not say which symbol it holds; name it with --symbol, as in --symbol MTUM\n",
    )
    assert mtum("bars", "import", name, "--symbol", "MTUM").code == 0


def test_prices_as_traded_are_imported_as_the_setting_says_and_the_layout_is_told(
    mtum: Mtum, yahoo: YahooServer, recent: Bars, tmp_path: Path
) -> None:
    doubled = [
        f"{bar.day},{bar.open * 2},{bar.high * 2},{bar.low * 2},{bar.close * 2},{bar.volume / 2},0.0"
        if index < 50
        else f"{bar.day},{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume},{2.0 if index == 50 else 0.0}"
        for index, bar in enumerate(recent.bar(index) for index in range(len(recent)))
    ]
    head = "Date,Open,High,Low,Close,Volume,Stock Splits"
    (tmp_path / "SPY.csv").write_text("\n".join([head, *doubled, ""]))
    refused = mtum("bars", "import", "SPY.csv")
    assert (refused.code, 'csv_prices = "raw"' in refused.err) == (3, True)
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace("[market]\n", '[market]\ncsv_prices = "raw"\n', 1))
    done = mtum("bars", "import", "SPY.csv", "--json")
    assert (done.code, done.document["notes"][0]) == (0, "SPY.csv: read in the layout of yfinance")
    assert mtum("bars", "check", "SPY").code == 0


def test_a_file_may_replace_the_basis_of_a_source(mtum: Mtum, yahoo: YahooServer, recent: Bars, tmp_path: Path) -> None:
    mtum("bars", "sync", "MTUM")
    halved = moved(recent, {index: float(close) / 2 for index, close in enumerate(recent.close)})
    yahoo.charts["MTUM"] = chart_of(halved)
    refused = mtum("bars", "sync", "MTUM")
    assert (refused.code, "lists no split" in refused.err) == (3, True)
    (tmp_path / "MTUM.csv").write_text(csv_text(halved))
    assert mtum("bars", "import", "MTUM.csv", "--source", "yahoo").code == 0
    assert mtum("bars", "sync", "MTUM").code == 0


def test_a_replayed_market_is_read_up_to_the_session_to_play(mtum: Mtum) -> None:
    synced = mtum("bars", "sync", "--json")
    assert {one["last_session"] for one in synced.document["symbols"]} == {"2018-01-02"}


def test_bars_may_be_imported_beside_the_embedded_market_and_the_index_by_its_closes(
    mtum: Mtum, recent: Bars, tmp_path: Path
) -> None:
    (tmp_path / "MTUM.csv").write_text(csv_text(recent))
    assert mtum("bars", "import", "MTUM.csv").code == 0
    # Cboe's own opens and highs do not fit together on some days, and it prints on holidays; the closes are fine.
    rows = ["date,open,high,low,close", "2004-11-08,2.58,14.1,13.5,13.84", "2024-12-25,14,14,14,14.27"]
    (tmp_path / "VIX.csv").write_text("\n".join(rows))
    done = mtum("bars", "import", "VIX.csv", "--json").document
    assert (done["read"], done["written"]) == (2, 1)
    assert done["notes"] == ["1 left out, as there is no session that day or it is not over"]
    (tmp_path / "VIX.csv").write_text("date,close\n2004-11-08,1384\n")
    refused = mtum("bars", "import", "VIX.csv")
    assert (refused.code, "VIX 2004-11-08: 1384 is outside 5 to 150" in refused.err) == (3, True)
    assert mtum("bars", "check").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sync", "../MTUM"), '"../MTUM" is no symbol'),
        (("check", ""), '"" is no symbol'),
        (("import", "bars-of-2024.csv"), '"BARS-OF-2024" is no symbol'),
        (("import", "MTUM.csv", "--source", "sample"), "use csv, yahoo or ib"),
        (("import", "MTUM.csv"), "MTUM.csv cannot be read: No such file"),
        (("sync", "--since", "soon"), '"soon" is no date'),
        (("sync", "--since", "2030-01-01"), "--since 2030-01-01 is later than the session to be ready for, 2018-01-03"),
    ],
)
def test_odd_words_are_named_with_what_to_write_instead(mtum: Mtum, words: tuple[str, ...], said: str) -> None:
    refused = mtum("bars", *words)
    assert (refused.code in (2, 3), said in refused.err, refused.err.count("\n")) == (True, True, 1), refused.err


def test_a_market_of_files_says_where_a_file_belongs(mtum: Mtum, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[market]\nsource = "csv"\n', encoding="utf-8")
    refused = mtum("bars", "import", "MTUM.csv")
    where = tmp_path / "data" / "bars"
    assert (refused.code, f"copy MTUM.csv to {where}" in refused.err) == (2, True)


def test_on_a_terminal_each_symbol_is_told_as_it_comes_and_once(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "mtum", "bars", "sync"]
    ended = subprocess.run(words, cwd=tmp_path, stdout=theirs, stderr=theirs, stdin=theirs, timeout=60, check=False)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode().splitlines()
    os.close(ours)
    assert (ended.returncode, len(shown)) == (0, 4), shown
    assert shown[0].startswith("1/2 MTUM: 1007 read, 1007 written")
    assert shown[1].startswith("2/2 VIX: 1007 read, 1007 written")
    assert shown[2] == "2 of 2 read, 2014 bars written"
    assert shown[3].startswith("S&P 500 / 10 of the embedded sample stands in")


def test_a_symbol_that_was_never_kept_out_cannot_be_released(mtum: Mtum) -> None:
    assert mtum("bars", "release", "7").code == 2


def test_the_half_year_of_the_fixture_reaches_today(recent: Bars) -> None:
    assert recent.last_day >= date.fromordinal(datetime.now(UTC).date().toordinal() - 5)  # noqa: TID251
