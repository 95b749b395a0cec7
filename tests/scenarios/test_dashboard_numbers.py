"""The dashboard shows what the commands tell: the same documents and numbers, and what happens while it is open."""

import gzip
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from mtum.web.html import number, percent, ratio, usd
from mtum.web.registry import PAGES
from support.commands import call, call_json
from support.grown_store import grown
from support.recorded import recorded
from support.served import Served, events_of, served

LISTS = ("trades", "orders", "fills", "decisions", "bars", "equity", "movements", "runs", "notes")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("numbers")
    call(found, "demo", "--sessions", "6", "--out", str(found / "data"), "--quiet")
    for words in ("first", "second", "third", "<i>fourth</i>"):
        assert call(found, "note", words, "--symbol", "SP500").code == 0
    return found


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Served]:
    with served(folder) as found:
        yield found


def read(server: Served, path: str) -> dict[str, Any]:
    found = server.ask(f"/api/v1/{path}")
    assert found.status == 200, found.text
    document: dict[str, Any] = json.loads(found.body)
    return document


@pytest.mark.parametrize("name", ["status", "sleeves", "risk", "explain"])
def test_a_document_is_that_of_its_command(folder: Path, server: Served, name: str) -> None:
    told, wanted = read(server, name), call_json(folder, name).document
    # A page names no path of the machine.
    for key in ("settings_file", "database", "paper_check"):
        wanted.pop(key, None)
    assert told == wanted


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_that_of_its_command_whole_or_in_parts(folder: Path, server: Served, name: str) -> None:
    wanted = call_json(folder, "show", name).document[name]
    assert read(server, f"{name}?limit=5000")[name] == wanted
    limit = max(1, len(wanted) // 3)
    found: list[Any] = []
    cursor: str | None = ""
    parts = 0
    while cursor is not None and parts < 50:
        part = read(server, f"{name}?limit={limit}&cursor={cursor}")
        found, cursor, parts = part[name] + found, part["next"], parts + 1
    assert found == wanted


@pytest.mark.full
def test_rows_added_between_two_parts_neither_repeat_nor_hide_one(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        newest = read(server, "movements?limit=2")
        with closing(sqlite3.connect(tmp_path / "data" / "mtum.db")) as connection, connection:
            connection.execute(
                "INSERT INTO cash_movements (key, strategy, session, kind, amount_usd, note, paid) "
                "SELECT 'late', strategy, session, kind, 1.0, '', 1 FROM cash_movements ORDER BY session DESC LIMIT 1"
            )
        older = read(server, f"movements?limit=500&cursor={newest['next']}")
        keys = [one["key"] for one in (*older["movements"], *newest["movements"])]
        assert len(keys) == len(set(keys))
        whole = [one["key"] for one in read(server, "movements")["movements"]]
        assert [key for key in whole if key != "late"] == keys


def test_pages_show_the_numbers_of_the_commands(folder: Path, server: Served) -> None:
    sleeves = call_json(folder, "sleeves").document
    status, risk = call_json(folder, "status").document, call_json(folder, "risk").document
    pages = {name: unescape(server.ask(f"/{name}").text) for name in PAGES}
    for name in ("", "portfolio"):
        assert usd(sleeves["equity_usd"]) in pages[name]
        assert usd(sleeves["gained_usd"], sign=True) in pages[name]
    for symbol, seen in call_json(folder, "explain").document["inputs"].items():
        assert f"{symbol} {percent(seen['confidence'], 0, sign=False)}" in pages["strategies"]
    for one in sleeves["sleeves"]:
        assert usd(one["equity_usd"]) in pages["strategies"]
        assert one["sleeve"] in pages[""]
    for row in status["positions"]:
        assert usd(row["market_usd"]) in pages["portfolio"]
    for limit in risk["limits"]:
        assert limit["limit"].replace("_", " ").removesuffix(" frac").removesuffix(" usd") in pages["risk"]
    for trade in call_json(folder, "show", "trades").document["trades"][-5:]:
        assert f"{trade['entry_session']} at {usd(trade['entry_price'])}" in pages["trades"]
    assert call_json(folder, "show", "bars", "--limit", "1").document["bars"][0]["session"] in pages["market"]
    assert status["last_run"]["job"].replace("_", " ") in pages["system"]


def test_indicators_are_drawn_as_the_address_names_them_with_the_values_of_the_command(
    folder: Path, server: Served
) -> None:
    frames = call_json(folder, "indicators", "MTUM").document["frames"]
    newest = {one["name"]: one["values"][0] for one in frames[0]["readings"]}
    page = unescape(server.ask("/market?symbol=MTUM&with=sma,rsi,nonsense").text)
    assert f"Newest: rsi {number(newest['rsi']['rsi'])}." in page
    points = page.partition('data-points="')[2].partition('"</')[0]
    assert f"sma {number(newest['sma']['sma'])}" in points
    assert "nonsense" not in page
    assert "Newest: rsi" not in server.ask("/market?symbol=MTUM").text


def test_a_volume_of_billions_is_drawn_in_millions(folder: Path, server: Served) -> None:
    rows = call_json(folder, "show", "bars", "--limit", "5000").document["bars"]
    bar = max((one for one in rows if one["symbol"] == "MTUM"), key=lambda one: one["session"])
    page = unescape(server.ask("/market?symbol=MTUM").text)
    assert "Millions of shares of each session." in page
    assert f"{bar['session']}: volume {number(bar['volume'] / 1_000_000)}" in page


def test_values_of_the_decision_stand_beside_those_of_the_final_bar(folder: Path, server: Served) -> None:
    told = call_json(folder, "explain").document
    ((symbol, seen),) = told["inputs"].items()
    rows = call_json(folder, "show", "bars", "--limit", "9").document["bars"]
    (bar,) = [one for one in rows if one["symbol"] == symbol and one["session"] == told["session"]]
    page = unescape(server.ask(f"/market?symbol={symbol}").text)
    # The decision projected the volume of a session that was still running; the final bar knows it.
    assert seen["volume"] != bar["volume"]
    for key in ("volume", "volume so far"):
        value = number(seen[key.replace(" ", "_")])
        row = f'"value">{key}</td><td data-head="at the decision">{value}</td><td data-head="final">'
        assert f"{row}{number(bar['volume'])}</td>" in page


@pytest.mark.full
def test_bars_kept_out_and_revisions_are_listed_as_the_commands_list_them(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / "mtum.db")) as connection, connection:
        connection.execute(
            "INSERT INTO bar_revisions (symbol, source, session, field, before, after, first_read_at, replaced_at, "
            "accepted) VALUES ('MTUM', 'sample', '2017-12-29', 'close', 110.0, 111.5, '2017-12-29T22:00:00Z', "
            "'2018-01-02T22:00:00Z', 0)"
        )
    (revised,) = call_json(tmp_path, "bars", "revisions").document["revisions"]
    with served(tmp_path) as server:
        page = unescape(server.ask("/market").text)
    assert "Revisions: 1" in page
    assert f'"before">{number(revised["before"])}<' in page
    assert f'"after">{number(revised["after"])}<' in page
    assert "Bars kept out: 0" in page


@pytest.mark.full
def test_a_kept_sweep_is_drawn_as_a_map_of_its_settings_with_how_likely_it_is_luck(tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text(
        "[grid]\nstrategy.mtum_confluence.ma_sessions = [20, 30]\nstrategy.mtum_confluence.vix_entry_below = [18, 20]\n"
    )
    told = call_json(tmp_path, "sweep", "grid.toml", "--source", "sample").document
    with served(tmp_path) as server:
        page = unescape(server.ask(f"/research?of={told['id']}").text)
    sharpes = {tuple(one["settings"].values()): one["sharpe"] for one in told["top"]}
    assert set(sharpes) == {(20, 18), (20, 20), (30, 18), (30, 20)}
    # Average sessions down, VIX limits across.
    for sessions in (20, 30):
        row = page.partition(f'<th scope="row">{sessions}</th>')[2].partition("</tr>")[0]
        found = [part.partition("</td>")[0] for part in row.split('">')[1:]]
        assert found == [ratio(sharpes[sessions, vix]) for vix in (18, 20)]
    assert percent(told["deflated_sharpe_probability"], 1, sign=False) in page
    assert percent(told["overfitting_probability"], 1, sign=False) in page


@pytest.mark.full
def test_the_first_session_counts_in_what_each_sleeve_earned(tmp_path: Path) -> None:
    """5,000 USD became 5,097, of which the commission of the first session took one."""
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        page = unescape(server.ask("/portfolio").text)
    assert page.count(usd(97.0, sign=True)) == 2  # since it began, and by sleeve


@pytest.mark.full
def test_the_best_and_the_worst_point_of_a_trade_begin_at_its_entry(tmp_path: Path) -> None:
    """Bought at 100, sold at 110 at the next close, whose session knew no other price: it was never below."""
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        page = unescape(server.ask("/trades").text)
    assert '"best point">+10.00%<' in page
    assert f'"worst point">{percent(0.0)}<' in page


@pytest.mark.full
def test_what_a_person_writes_down_on_a_page_is_listed_by_the_command(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        assert server.post("/api/v1/note", {"words": " "}).status == 400
        fields = {"words": "sold too early", "session": "2017-12-29", "symbol": "mtum"}
        assert server.post("/api/v1/note", fields, Accept="text/html").status == 303
        (row,) = call_json(tmp_path, "show", "notes").document["notes"]
        assert (row["session"], row["symbol"], row["words"]) == ("2017-12-29", "MTUM", "sold too early")
        assert "sold too early" in server.ask("/trades").text


@pytest.mark.full
def test_before_the_first_run_the_newest_demo_is_shown(tmp_path: Path) -> None:
    assert call(tmp_path, "demo", "--sessions", "2", "--quiet").code == 0
    with served(tmp_path) as server:
        assert "Practice: simulated money, newest demo" in server.ask("/").text
        assert read(server, "decisions")["count"] == 2


def test_a_scheduler_that_gives_no_sign_of_life_is_told_of(folder: Path, server: Served) -> None:
    alive = folder / "data" / "scheduler.alive"
    alive.touch()
    assert "is silent since" not in server.ask("/").text
    os.utime(alive, (1.7e9, 1.7e9))  # 2023-11-14 22:13 UTC
    for page in ("/", "/system"):
        assert "the scheduler is silent since 2023-11-14 17:13 New York" in server.ask(page).text
    alive.unlink()


def test_an_unchanged_document_is_not_sent_twice_and_a_long_one_is_compressed(server: Served) -> None:
    first = server.ask("/api/v1/decisions", headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(first.body))["count"] == 6
    again = server.ask("/api/v1/decisions", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_every_address_is_described(server: Served) -> None:
    described = read(server, "openapi.json")["paths"]
    for name in (*LISTS, "status", "sleeves", "risk", "explain", "report", "jobs", "stream", "halt", "report/send"):
        assert f"/api/v1/{name}" in described
    assert "/api/v1/halt" in server.ask("/docs").text


def test_what_is_recorded_reaches_an_open_page_and_locks_nothing(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        with server.raw(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as line:
            assert b"event: ping" in line.recv(65536) + line.recv(65536)
            assert call(tmp_path, "halt", "--why", "storm").code == 0
            began = time.monotonic()
            (event,) = events_of(line, 1)
            assert time.monotonic() - began < 1
        assert (event["event"], event["kind"]) == ("halt", "halt")
        assert "storm" in server.ask("/").text
        # From the number before it, it is told again; from its own number, not.
        asked = f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: {event['id'] - 3}\r\n\r\n".encode()
        with server.raw(asked) as line:
            assert [one["id"] for one in events_of(line, 3)] == [event["id"] - 2, event["id"] - 1, event["id"]]


@pytest.mark.full
@pytest.mark.parametrize("page", PAGES)
def test_a_page_stands_before_the_first_run_and_fills_by_itself(page: str, empty: Served) -> None:
    found = empty.ask(f"/{page}")
    assert found.status == 200
    assert "mtum " in found.text


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("empty")) as found:
        yield found


@pytest.mark.full
def test_a_database_that_appears_is_migrated_or_replaced_is_told_of(tmp_path: Path) -> None:
    recorded(tmp_path / "kept")
    (tmp_path / "data").mkdir()
    with served(tmp_path) as server:
        assert "Nothing is recorded yet" in server.ask("/").text
        (tmp_path / "kept" / "mtum.db").rename(tmp_path / "data" / "mtum.db")
        assert usd(5097.0) in server.ask("/").text
        with closing(sqlite3.connect(tmp_path / "data" / "mtum.db")) as connection:
            connection.execute("PRAGMA user_version = 7")
            old = server.ask("/")
            assert (old.status, "has schema 7" in old.text) == (503, True)
            assert str(tmp_path) not in old.text
            assert json.loads(server.ask("/api/v1/sleeves").body)["problems"][0]["text"]


def test_pages_stand_where_the_records_are_those_of_another_account(tmp_path: Path) -> None:
    recorded(tmp_path / "data", account="DUP100001")
    with served(tmp_path) as server:
        assert {page: server.ask(f"/{page}").status for page in PAGES} == dict.fromkeys(PAGES, 200)


@pytest.mark.full
@pytest.mark.parametrize("page", PAGES)
def test_ten_years_are_shown_as_one(page: str, tmp_path: Path) -> None:
    grown(tmp_path / "data", 2500).close()
    with served(tmp_path) as server:
        assert server.ask(f"/{page}").status == 200
        began = time.monotonic()
        found = server.ask(f"/{page}")
        assert time.monotonic() - began < 2
        assert len(found.body) < 600_000
