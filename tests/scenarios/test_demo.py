"""The first command of a new user: the whole daily job on the embedded market, twice the same."""

import json
import re
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.sources.embedded import sample_source
from support.commands import Called, call, call_json, start
from support.registry import OF_SHARES

SESSIONS = 21
CONTRACT = {
    "sessions": int,
    "decisions": int,
    "orders": int,
    "fills": int,
    "trades": list,
    "equity_end_usd": float,
    "benchmark_end_usd": float,
    "database": str,
    "report": str,
}
TRADE = {
    "entry_session",
    "entry_price",
    "exit_session",
    "exit_price",
    "shares",
    "pnl_usd",
    "return_frac",
    "reason",
    "sessions_held",
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Called:
    return call_json(tmp_path_factory.mktemp("first"), "demo", "--sessions", str(SESSIONS))


def without_paths(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("database", "report")}


def tables(database: str) -> dict[str, list[tuple[Any, ...]]]:
    connection = sqlite3.connect(database)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in sorted(names)}
    connection.close()
    return found


@pytest.mark.parametrize(("variable", "typed"), [("UV", "uv run mtum"), ("", "mtum")])
def test_what_to_type_next_is_written_as_this_call_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, typed: str
) -> None:
    monkeypatch.delenv("UV", raising=False)
    if variable:
        monkeypatch.setenv(variable, "/usr/bin/uv")
    told = call(tmp_path, "demo", "--sessions", "1", "--out", str(tmp_path / "out"))
    assert f"Next: {typed} explain --data-dir {tmp_path}/out " in told.out + told.err


def test_the_document_has_the_fields_of_its_contract(first: Called) -> None:
    assert first.code == 0
    document = first.document
    for name, kind in CONTRACT.items():
        assert isinstance(document[name], kind), name
    assert (document["sessions"], document["decisions"]) == (SESSIONS, SESSIONS)
    assert document["trades"], "a demo without a trade shows nothing"
    assert all(set(trade) >= TRADE for trade in document["trades"])
    for name in ("database", "report"):
        assert Path(document[name]).is_absolute()
        assert Path(document[name]).is_file()


def test_cash_trades_and_benchmark_add_up_by_hand(first: Called) -> None:
    document = first.document
    entered, left = (sum(trade[key] is not None for trade in document["trades"]) for key in ("entry_price", "pnl_usd"))
    assert document["fills"] == document["orders"] == entered + left
    closed = [trade for trade in document["trades"] if trade["exit_session"] is not None]
    for trade in closed:
        paid, got = (trade["shares"] * trade[key] for key in ("entry_price", "exit_price"))
        costs = round(paid * 0.001, 2) + round(got * 0.001, 2)
        assert trade["pnl_usd"] == pytest.approx(got - paid - costs, abs=0.021)
    assert len(closed) == len(document["trades"])
    assert document["equity_end_usd"] == pytest.approx(5000 + sum(trade["pnl_usd"] for trade in closed), abs=0.001)
    bars = sample_source().history("SP500", *map(date.fromisoformat, (document["start"], document["end"])))
    shares = int(5000 // (float(bars.close[0]) * 1.001))
    rest = 5000 - shares * float(bars.close[0]) * 1.001
    assert document["benchmark_end_usd"] == pytest.approx(rest + shares * float(bars.close[-1]), abs=0.02)


@pytest.mark.full
def test_the_same_call_in_another_folder_process_zone_and_locale_gives_the_same(first: Called, tmp_path: Path) -> None:
    elsewhere = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "77", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
    again = start(tmp_path, "demo", "--sessions", str(SESSIONS), "--json", environment=elsewhere)
    assert (again.code, again.err) == (0, "")
    assert without_paths(again.document) == without_paths(first.document)
    ours, theirs = tables(first.document["database"]), tables(again.document["database"])
    for name in ours.keys() - {"_sqlite_migrations"}:  # a library's own record of when the tables were made
        assert ours[name] == theirs[name], name
    assert len(ours["decisions"]) == len(ours["plans"]) == SESSIONS
    assert len(ours["input_frames"]) == 2 * SESSIONS


def test_every_decision_of_the_demo_verifies(first: Called) -> None:
    folder = Path(first.document["database"]).parent
    verified = call_json(folder, "verify", "--all", "--data-dir", str(folder))
    assert (verified.code, verified.document["verified"], verified.document["failed"]) == (0, SESSIONS, 0)
    assert verified.document["drift"] == []


def test_reports_are_written_for_every_session_and_charts_for_the_last_five(first: Called) -> None:
    shelf = Path(first.document["report"]).parent
    decided = [row[0] for row in rows(first, "SELECT session FROM decisions ORDER BY session")]
    for session in decided:
        assert json.loads((shelf / f"{session}.json").read_text())["session"] == session
        assert f"{date.fromisoformat(session):%-d %b}" in (shelf / f"{session}.txt").read_text()
    pages = sorted(path.stem for path in shelf.glob("*.html"))
    assert pages == [*decided[-5:], "demo"]
    for page in shelf.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<svg" in text or "data:image/" in text
        assert not re.findall(r"""(?:src|href)=["'](?!data:|#)[^"']*""", text), "a page needs nothing beside itself"


def rows(called: Called, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(called.document["database"])
    found = connection.execute(sql).fetchall()
    connection.close()
    return found


def test_a_used_folder_is_refused_and_left_as_it_is(first: Called, tmp_path: Path) -> None:
    database = Path(first.document["database"])
    before = database.read_bytes()
    refused = call_json(tmp_path, "demo", "--sessions", "2", "--out", str(database.parent))
    assert (refused.code, refused.document["exit_code"]) == (2, 2)
    assert str(database) in refused.texts
    assert database.read_bytes() == before


def test_without_out_each_demo_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = {Path(call_json(tmp_path, "demo", "--sessions", "1").document["database"]).parent for _ in range(2)}
    assert folders == {tmp_path / "data" / "demo-1", tmp_path / "data" / "demo-2"}


def test_a_person_sees_the_table_and_both_paths_and_that_a_sample_stands_in(tmp_path: Path) -> None:
    shown = call(tmp_path, "demo", "--sessions", "3", "--out", "played")
    assert shown.code == 0
    for part in (str(tmp_path / "played" / "mtum.db"), str(tmp_path / "played" / "reports" / "demo.html")):
        assert part in shown.out
    assert "S&P 500 / 10 of the embedded sample stands in for MTUM: price index, dividends missing" in shown.out
    assert "buy-and-hold" in shown.out


@pytest.mark.parametrize("count", ["0", "-3", "many", "100000"])
def test_a_number_of_sessions_that_cannot_be_played_is_refused_in_one_line(tmp_path: Path, count: str) -> None:
    refused = call_json(tmp_path, "demo", "--sessions", count, "--out", "d")
    assert (refused.code, refused.document["exit_code"]) == (2, 2)
    assert not (tmp_path / "d").exists(), "the folder can still be used"


def test_the_demo_is_practice_on_the_sample_whatever_the_settings_say(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        'mode = "paper"\n[market]\nsource = "yahoo"\n[broker]\naccount = "DU1"\n[portfolio]\ncapital_usd = 9000.0\n'
    )
    played = call_json(tmp_path, "demo", "--sessions", "2")
    assert played.code == 0
    assert dict(rows(played, "SELECT key, value FROM meta WHERE key IN ('mode', 'account')")) == {
        "mode": "practice",
        "account": "PRACTICE",
    }
    assert rows(played, "SELECT amount_usd FROM cash_movements WHERE kind = 'capital'") == [(9000.0,)]


@pytest.mark.full
def test_the_250_sessions_of_the_readme_twice_the_same(tmp_path: Path) -> None:
    played = [start(tmp_path / name, "demo", "--sessions", "250", "--json") for name in ("one", "two")]
    one, two = (called.document for called in played)
    assert without_paths(one) == without_paths(two)
    ours, theirs = (tables(document["database"]) for document in (one, two))
    assert all(ours[name] == theirs[name] for name in ours.keys() - {"_sqlite_migrations"})
    verified = call_json(tmp_path, "verify", "--all", "--data-dir", str(Path(one["database"]).parent))
    assert (verified.code, verified.document["verified"]) == (0, 250)


def test_one_strategy_plays_its_example_from_shares_and_cash(tmp_path: Path) -> None:
    words = (
        "--sessions",
        "6",
        "--strategy",
        "buy_and_hold",
        "--holding",
        "SP500=30",
        "--out",
        str(tmp_path / "played"),
    )
    found = call_json(tmp_path, "demo", *words).document
    # The session before the first one played is 2018-12-20; the example has 10,000 USD beside the shares.
    source = sample_source()
    (close,) = source.history("SP500", date(2018, 12, 20), date(2018, 12, 20)).close
    assert found["equity_start_usd"] == pytest.approx(10_000 + 30 * float(close))
    held = {trade["symbol"]: trade["shares"] for trade in found["trades"]}
    assert held["SP500"] == 30
    assert held["UST10"] > 0
    report = json.loads((tmp_path / "played" / "reports" / "demo.json").read_text())
    assert report["settings"]["strategy.buy_and_hold.symbols"] == "SP500, UST10"
    own = ("--config", str(tmp_path / "played" / "config.toml"), "--data-dir", str(tmp_path / "played"))
    assert call(tmp_path, *own, "verify", "--all").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--strategy", "buy_and_hld"), "there is no strategy"),
        (("--strategy", "buy_and_hold", "--portfolio"), "leave --strategy out"),
        (("--holding", "SP500=3"), "add --strategy NAME"),
        (("--strategy", "buy_and_hold", "--holding", "SP500=x"), "write SYMBOL=SHARES"),
    ],
)
def test_a_strategy_that_cannot_be_shown_is_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    found = call(tmp_path, "demo", *words, "--sessions", "2")
    assert found.code == 2
    assert said in found.err
    assert not list(tmp_path.rglob("mtum.db"))


def test_a_persons_own_settings_win_over_the_example(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[strategy.buy_and_hold]\nsymbols = ["NDQ"]\n[portfolio]\ncapital_usd = 7000\n'
    )
    found = call_json(tmp_path, "demo", "--sessions", "2", "--strategy", "buy_and_hold").document
    assert {trade["symbol"] for trade in found["trades"]} == {"NDQ"}
    assert found["equity_start_usd"] == 7000


@pytest.mark.full
@pytest.mark.parametrize("name", OF_SHARES)
def test_every_strategy_plays_a_year_that_can_be_verified(name: str, tmp_path: Path) -> None:
    call_json(tmp_path, "demo", "--strategy", name, "--out", str(tmp_path / "played"))
    own = ("--config", str(tmp_path / "played" / "config.toml"), "--data-dir", str(tmp_path / "played"))
    assert call(tmp_path, *own, "verify", "--all").code == 0
