"""`mtum backtest`: the contract of its document, its files and its refusals."""

import csv
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mtum.app.research.run_backtest import NOT_MODELLED
from support.bar_folders import write_market
from support.commands import Called, call
from support.markets import real_bars
from support.pages import shown_of

KEYS = {
    *("symbol", "strategy", "start", "end", "sessions", "settings", "fill_model", "decision_model"),
    *("trades", "final_equity_usd", "metrics", "benchmark", "seconds"),
}


def test_the_document_keeps_its_contract(tmp_path: Path) -> None:
    bars = write_market(tmp_path / "bars")
    found = call(tmp_path, "backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--json", "--quiet")
    assert found.code == 0, found.err
    document = found.document
    assert document.keys() >= KEYS
    assert (document["symbol"], document["strategy"]) == ("AAA", "mtum_confluence")
    assert document["start"] == bars.day(59).isoformat(), "the first fit session"
    assert document["sessions"] == 700 - 59
    assert document["seconds"].keys() == {"load", "indicators", "simulate"}
    # Reading files and machine code takes most of it; neither is counted as work on the history.
    assert 0 < document["seconds"]["indicators"] + document["seconds"]["simulate"] < document["seconds"]["load"]
    assert document["settings"]["strategy"]["mtum_confluence"]["symbol"] == "AAA"
    trade = document["trades"][0]
    assert trade.keys() >= {
        *("entry_session", "entry_price", "exit_session", "exit_price", "shares"),
        *("pnl_usd", "return_frac", "reason", "sessions_held"),
    }
    assert document["metrics"]["exit_reasons"]
    (unknown,) = document["assumptions"]
    assert unknown == NOT_MODELLED
    assert not (tmp_path / "data").exists(), "the data folder is neither read nor written"


def test_a_data_folder_that_is_there_gets_what_is_kept_of_the_backtest_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_market(tmp_path / "bars")
    (tmp_path / "data").mkdir()
    (tmp_path / "cache").mkdir()
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--quiet")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert call(tmp_path, *words).code == 0
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["research.db"]
    assert [path.name for path in (tmp_path / "cache" / "mtum").iterdir()] == ["sessions.json"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "bars" / "AAA.csv"))
    assert call(tmp_path, *words).code == 0, "nowhere to keep it only takes longer"


def test_start_bounds_decisions_and_earlier_bars_are_warm_up(tmp_path: Path) -> None:
    bars = write_market(tmp_path / "bars")
    source = f"csv:{tmp_path / 'bars'}"
    words = ("backtest", "--symbol", "AAA", "--source", source, "--json", "--quiet")
    found = call(tmp_path, *words, "--start", bars.day(200).isoformat(), "--end", bars.day(400).isoformat())
    assert (found.document["start"], found.document["end"]) == (bars.day(200).isoformat(), bars.day(400).isoformat())
    assert found.document["sessions"] == 201


def test_settings_are_overridden_one_by_one(tmp_path: Path) -> None:
    write_market(tmp_path / "bars")
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--json", "--quiet")
    plain = call(tmp_path, *words).document
    other = call(
        tmp_path, *words, "--set", "strategy.mtum_confluence.ma_sessions=20", "--set", "portfolio.capital_usd=1e5"
    )
    assert other.document["settings"]["portfolio"]["capital_usd"] == 100000
    assert other.document["trades"] != plain["trades"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--start", "2018-01-01", "--end", "2017-01-01"), 2, "later than"),
        (("--start", "2030-01-01"), 3, "no session from 2030-01-01 on"),
        (("--start", "2015-01-03", "--end", "2015-01-04"), 3, "no session from 2015-01-03 to 2015-01-04"),
        (("--end", "2014-02-01"), 3, "needed"),
        (("--set", "strategy.mtum_confluence.ma_sesions=20"), 2, "did you mean"),
        (("--set", "nonsense"), 2, "KEY=VALUE"),
        (("--strategy", "magic"), 2, "there is no strategy"),
        (("--fill", "yesterday"), 2, "same_close or next_open"),
        (("--decision", "psychic"), 2, "official or near_close"),
        (("--start", "soon"), 2, "is no date"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_clear_line(
    tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    write_market(tmp_path / "bars")
    found = call(tmp_path, "backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", *words)
    assert found.code == code
    assert told in found.err
    assert found.err.count("\n") == 1


def test_a_hole_in_the_bars_is_named(tmp_path: Path) -> None:
    bars = write_market(tmp_path / "bars", drop=300)
    found = call(tmp_path, "backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}")
    assert found.code == 3
    assert f"AAA {bars.day(300)}: missing_session: no bar from csv; add the session to AAA.csv" in found.err


def rewritten(path: Path, ratio: float, *, since: int, until: int, split: float = 0.0) -> str:
    """Give the prices of rows `since` to `until` another level and record a split at `since`; return that day."""
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    for number, row in enumerate(rows):
        day, *cells = row.split(",")
        factor = ratio if since <= number < until else 1.0
        moved = [
            *(repr(float(cell) * factor) for cell in cells[:4]),
            repr(float(cells[4]) / factor),
            repr(float(cells[5]) * factor),
        ]
        rows[number] = ",".join([day, *moved, str(split if number == since else 1.0)])
    path.write_text("\n".join([f"{head},split", *rows, ""]), encoding="utf-8")
    return rows[since].partition(",")[0]


def test_a_move_that_is_none_of_the_market_is_refused_and_no_column_of_ones_explains_it(tmp_path: Path) -> None:
    write_market(tmp_path / "bars")
    day = rewritten(tmp_path / "bars" / "AAA.csv", 2.0, since=300, until=301)
    refused = call(tmp_path, "backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}")
    assert refused.code == 3
    assert f"AAA {day}: spike: move of +" in refused.err
    assert "correct AAA.csv" in refused.err


def test_prices_as_traded_are_refused_with_the_way_out_that_makes_them_those_of_the_adjusted_file(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "bars"
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{folder}", "--json", "--quiet")
    write_market(folder)
    rewritten(folder / "AAA.csv", 0.25, since=0, until=700)
    wanted = call(tmp_path, *words).document
    write_market(folder)
    day = rewritten(folder / "AAA.csv", 0.25, since=300, until=700, split=4.0)
    refused = call(tmp_path, *words)
    assert refused.code == 3
    assert f"AAA.csv: prices jump by the split 4:1 recorded on {day}" in refused.err
    assert 'set [market] csv_prices = "raw"' in refused.err
    found = call(tmp_path, *words, "--set", "market.csv_prices=raw").document
    assert (found["benchmark"], found["trades"]) == (wanted["benchmark"], wanted["trades"])
    assert len(found["trades"]) > 5


def test_adjusted_prices_are_not_rebased_again(tmp_path: Path) -> None:
    write_market(tmp_path / "bars")
    day = rewritten(tmp_path / "bars" / "AAA.csv", 1.0, since=300, until=700, split=4.0)
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}")
    assert call(tmp_path, *words).code == 0
    refused = call(tmp_path, *words, "--set", "market.csv_prices=raw")
    assert refused.code == 3
    assert f"AAA.csv: prices do not jump by the split 4:1 recorded on {day}: they are split-adjusted" in refused.err


def test_what_a_download_is_taken_for_and_what_of_it_is_not_read_is_told(tmp_path: Path) -> None:
    write_market(tmp_path / "bars")
    path = tmp_path / "bars" / "AAA.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    head = head.replace("date", "time").replace("volume", "Volume") + ",Signal"
    path.write_text("\n".join([head, *(f"{row},1" for row in rows), ""]), encoding="utf-8")
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--json", "--quiet")
    told = call(tmp_path, *words).document["metrics"]["cautions"]
    assert told[-2:] == ["AAA.csv: read in the layout of TradingView", "AAA.csv: not read: Signal"]


def test_a_vix_that_is_none_is_refused_with_its_value(tmp_path: Path) -> None:
    write_market(tmp_path / "bars")
    path = tmp_path / "bars" / "VIX.csv"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}")
    fractions = [f"{row[:11]}15,15,15,{float(row.split(',')[4]) / 100},0" for row in rows]
    path.write_text("\n".join([head, *fractions, ""]), encoding="utf-8")
    refused = call(tmp_path, *words)
    assert refused.code == 3
    assert "700 of 700 closes are outside 5 to 150 index points, the first 0.15 on 2014-01-02" in refused.err
    path.write_text(
        "\n".join([head, *rows[:200], rows[200][:11] + "15,15,15,1500,0", *rows[201:], ""]), encoding="utf-8"
    )
    refused = call(tmp_path, *words)
    assert refused.code == 3
    assert "1 of 700 closes are outside 5 to 150 index points, the first 1500 on" in refused.err


def test_a_history_without_vix_is_refused_and_gaps_in_it_are_told(tmp_path: Path) -> None:
    bars = write_market(tmp_path / "bars")
    path = tmp_path / "bars" / "VIX.csv"
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--json", "--quiet")
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines[:101], *lines[103:], ""]), encoding="utf-8")
    told = call(tmp_path, *words).document["metrics"]["cautions"]
    assert told[-1] == f"2 sessions without a VIX close, the first {bars.day(100)}: nothing is entered there"
    path.unlink()
    found = call(tmp_path, *words)
    assert found.code == 3
    assert "VIX: no close from csv" in found.err
    assert call(tmp_path, *words, "--strategy", "buy_and_hold").code == 0, "which asks for no VIX"


def test_the_embedded_market_says_that_it_stands_in(tmp_path: Path) -> None:
    found = call(tmp_path, "backtest", "--start", "2018-06-01", "--quiet")
    assert "S&P 500 / 10 of the embedded sample stands in for MTUM" in found.out


def test_a_cell_that_is_no_number_is_named(tmp_path: Path) -> None:
    write_market(tmp_path / "bars", wrong="n/a")
    found = call(tmp_path, "backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}")
    assert found.code == 3
    assert "line 302" in found.err


def test_a_symbol_without_a_file_is_named(tmp_path: Path) -> None:
    write_market(tmp_path / "bars")
    found = call(tmp_path, "backtest", "--symbol", "BBB", "--source", f"csv:{tmp_path / 'bars'}")
    assert found.code == 3
    assert "BBB.csv" in found.err


class Outside(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]


@pytest.fixture(scope="module")
def in_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Called]:
    """The folder of a backtest with `--out`, and its answer."""
    root = tmp_path_factory.mktemp("sheet")
    write_market(root / "bars", sessions=500)
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{root / 'bars'}", "--out", str(root / "out"))
    found = call(root, *words, "--json", "--quiet")
    assert found.code == 0, found.err
    return root / "out", found


def test_the_tear_sheet_is_whole_and_fetches_nothing(in_folder: tuple[Path, Called]) -> None:
    out, found = in_folder
    names = [Path(file).name for file in found.document["files"]]
    lists = [f"{name}.csv" for name in ("orders", "sessions", "symbols", "trades", "weights", "years")]
    pictures = [f"{name}.png" for name in ("equity", "rolling", "exposure", "trades")]
    assert names == ["tear-sheet.html", "tear-sheet.json", *lists, *pictures]
    page = (out / "tear-sheet.html").read_text(encoding="utf-8")
    reader = Outside()
    reader.feed(page)
    assert set(reader.fetched) <= {"data:,"}
    shown, trades = shown_of(page), found.document["trades"]
    for title in ("Equity", "Drawdown", "last 12 months", "Return by month", "Score-card", "Sensitivity"):
        assert title in shown
    for title in (
        "Year by year",
        "Worst periods",
        "Rolling figures",
        "Exposure by symbol",
        "How the figures are worked",
    ):
        assert title in shown
    assert page.count(" bought at ") == len(trades), "a reader who points at a mark is told of it"
    for trade in trades:
        assert f">{trade['entry_price']:,.2f}</td>" in page
        assert f">{trade['pnl_usd']:,.2f}</td>".replace("-", "\u2212") in page
    assert "unknown" not in shown
    assert (out / "equity.png").read_bytes()[:4] == b"\x89PNG"
    assert not list((out).glob("*.partial"))


def test_the_files_beside_the_tear_sheet_tell_the_same_as_the_document(in_folder: tuple[Path, Called]) -> None:
    out, found = in_folder[0], in_folder[1].document
    whole = json.loads((out / "tear-sheet.json").read_text(encoding="utf-8"))
    told = whole.pop("tear_sheet")
    assert whole == {name: one for name, one in found.items() if name not in ("files", "id")}

    def rows(name: str) -> list[dict[str, str]]:
        with (out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return [*csv.DictReader(file)]

    sessions = rows("sessions")
    assert (len(sessions), sessions[0]["session"]) == (found["sessions"], found["start"])
    assert float(sessions[-1]["equity_usd"]) == pytest.approx(found["final_equity_usd"])
    assert float(sessions[-1]["benchmark_usd"]) == pytest.approx(found["benchmark"]["final_equity_usd"])
    deepest = min(float(row["drawdown_frac"]) for row in sessions)
    assert deepest == told["worst_periods"][0]["frac"] == found["metrics"]["max_drawdown_frac"]
    assert [row["entry_session"] for row in rows("trades")] == [trade["entry_session"] for trade in found["trades"]]
    assert [int(row["shares"]) for row in rows("orders")] == [order["shares"] for order in found["orders"]]
    # What it holds at a close is what its orders make it, and no more than all of the equity.
    bought, last = found["orders"][0], rows("weights")[0]
    assert (last["session"], last["symbol"], int(last["shares"])) == (bought["session"], "AAA", bought["shares"])
    invested = {row["session"]: float(row["invested_frac"]) for row in sessions}
    assert all(invested[row["session"]] == float(row["weight_frac"]) <= 1 for row in rows("weights"))
    (symbol,) = rows("symbols")
    capital = found["settings"]["portfolio"]["capital_usd"]
    assert float(symbol["pnl_usd"]) == pytest.approx(found["final_equity_usd"] - capital, abs=0.005)
    grown = 1.0
    for month in told["months"]:
        grown *= 1 + month["return_frac"]
    assert grown == pytest.approx(found["final_equity_usd"] / capital, rel=1e-4)


def test_a_backtest_without_a_page_loads_nothing_that_draws_one(tmp_path: Path) -> None:
    write_market(tmp_path / "bars", sessions=200)
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--json", "--quiet")
    code = (
        "import sys\n"
        "from mtum.cli.app import run\n"
        f"code = run({words!r})\n"
        "print(code, *sorted(set(sys.modules) & {'matplotlib', 'jinja2'}), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.stderr.splitlines()[-1].split() == ["0"]


def test_near_close_reports_the_spread_over_three_ties(tmp_path: Path) -> None:
    write_market(tmp_path / "bars", sessions=400)
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--decision", "near_close")
    found = call(tmp_path, *words, "--json", "--quiet").document
    assert [row["correlation"] for row in found["near_close"]] == [-0.66, -0.8, 0.0]
    assert all(0 <= row["elsewhere_frac"] <= 1 and row["draws"] == 200 for row in found["near_close"])
    row = found["near_close"][0]
    assert row["final_equity_low"] <= found["final_equity_usd"] <= row["final_equity_high"]


def test_real_history_through_the_command(tmp_path: Path) -> None:
    import os

    real_bars("MTUM")  # skips where there is none
    words = ("--source", f"csv:{os.environ['MTUM_REAL_BARS']}", "--start", "2014-01-02", "--end", "2024-06-28")
    sets = ("--set", "portfolio.cash_buffer_frac=0", "--set", "risk.max_position_usd=1e12")
    document = call(tmp_path, "backtest", *words, *sets, "--json", "--quiet").document
    assert len(document["trades"]) == 82
    assert document["trades"][-1]["exit_session"] is None
    assert round(document["final_equity_usd"]) == 5336
    assert document["benchmark"]["cagr_frac"] == pytest.approx(0.134, abs=0.0015)


def test_an_approved_backtest_is_what_reports_compare_with(tmp_path: Path) -> None:
    approved = call(tmp_path, "backtest", "--approve", "--json", "--quiet")
    assert approved.code == 0, approved.err
    assert approved.document["approved"] is True
    assert call(tmp_path, "run", "--json", "--quiet").code == 0
    report = call(tmp_path, "report", "--json").document
    assert report["drift"] == [], "played with the same settings, code and libraries"
    tested = report["backtest"]
    assert (tested["start"], tested["sessions"]) == (approved.document["start"], approved.document["sessions"])
    lines = {line["figure"]: line["expected_frac"] for line in tested["lines"]}
    assert lines["sessions held"] == approved.document["metrics"]["exposure_frac"]
    assert lines["deepest fall"] == approved.document["metrics"]["max_drawdown_frac"]


def test_only_the_daily_jobs_strategy_can_be_approved(tmp_path: Path) -> None:
    refused = call(tmp_path, "backtest", "--strategy", "buy_and_hold", "--approve", "--quiet")
    assert refused.code == 2
    assert "this backtest plays buy_and_hold" in refused.err


def test_a_position_that_was_never_left_has_one_sign_for_all_that_is_not_known(tmp_path: Path) -> None:
    write_market(tmp_path / "bars")
    source = ("--source", f"csv:{tmp_path / 'bars'}", "--set", "strategy.buy_and_hold.symbol=AAA", "--quiet")
    found = call(tmp_path, "backtest", "--strategy", "buy_and_hold", *source)
    rows = {
        label.strip(): value.strip() for label, _, value in (line.partition("|") for line in found.out.splitlines())
    }
    labels = ("won, % (95 % interval)", "profit factor", "average, USD", "average length, sessions")
    assert (rows["made (closed)"], [rows[label] for label in labels]) == ("1 (0)", ["-"] * 4)
    assert f"\n{NOT_MODELLED}" in found.out
    assert "Why positions were exited" not in found.out  # a table without a row says nothing
