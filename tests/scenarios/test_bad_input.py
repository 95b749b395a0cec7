"""Wrong settings, files and databases: one line that names the thing, the right code, nothing changed."""

import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mtum.wiring import resources
from support.commands import Called, call_json, start
from support.practice import play_until, sample_market, write_market

FIRST, LAST = date(2017, 10, 2), date(2018, 1, 31)  # 84 sessions: the 60th, and the first to be played, is 26 Dec
CSV = '[market]\nsource = "csv"\n'


@pytest.fixture
def played(tmp_path: Path) -> Path:
    """A folder in which two sessions of a CSV market have been played."""
    write_market(tmp_path / "data" / "bars", {"MTUM": sample_market(FIRST, LAST)[0]}, sample_market(FIRST, LAST)[1])
    (tmp_path / "config.toml").write_text(CSV)
    for _ in range(2):
        assert call_json(tmp_path, "run").code == 0
    return tmp_path


def recorded(folder: Path) -> dict[str, Any]:
    """What must not change: decisions, intents, orders, fills, cash, bars, and the exchange's file."""
    connection = sqlite3.connect(folder / "data" / resources.DATABASE_NAME)
    names = ("decisions", "order_intents", "orders", "order_events", "fills", "cash_movements", "equity", "bars")
    found: dict[str, Any] = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    connection.close()
    exchange = folder / "data" / resources.EXCHANGE_NAME
    return {**found, "exchange": exchange.read_bytes() if exchange.exists() else None}


def refused(folder: Path, code: int, *words: str, **parts: str) -> Called:
    """Call, and check code, document and that every given part is named on stderr."""
    called = call_json(folder, *(words or ("run",)))
    assert (called.code, called.document["exit_code"]) == (code, code), called.err
    assert called.document["problems"]
    assert {problem["code"] for problem in called.document["problems"]} == {code}
    for part in parts.values():
        assert part in called.err
        assert part in called.texts
    return called


@pytest.mark.parametrize(
    ("settings", "named", "hint"),
    [
        ("[risk]\nmax_daily_los_usd = 5", "risk.max_daily_los_usd", "risk.max_daily_loss_usd"),
        ("[strategy.mtum_confluence]\nvix_exit_abov = 5", "vix_exit_abov", "vix_exit_above"),
        ("[portfolo]\ncapital_usd = 5", "portfolo.capital_usd", "portfolio.capital_usd"),
        ('mod = "practice"', "mod", "mode"),
        ('[portfolio]\ncapital_usd = "plenty"', "portfolio.capital_usd", "plenty"),
        ("[portfolio]\ncapital_usd = -5", "portfolio.capital_usd", "-5"),
        ("[strategy.mtum_confluence]\nma_sessions = 2.5", "ma_sessions", "2.5"),
        ("[strategy.mtum_confluence]\nma_sessions = 0", "ma_sessions", "0"),
        ("[strategy.mtum_confluence]\nrsi_entry_above = 101.0", "rsi_entry_above", "101"),
        ("[strategy.mtum_confluence]\nvix_entry_below = -1.0", "vix_entry_below", "-1"),
        ("[strategy.mtum_confluence]\nvix_entry_below = nan", "vix_entry_below", "nan"),
        ('[market]\nsource = "bloomberg"', "market.source", "bloomberg"),
        ('[portfolio]\nstrategy = "mtum_confluense"', "portfolio.strategy", "mtum_confluence"),
        ("mode = practice", "config.toml", "not valid TOML"),
        ("[risk]\nmax_drawdown_frac = 1.5", "risk.max_drawdown_frac", "1.5"),
        ("[schedule]\nlast_send_minutes = 5.0", "schedule.last_send_minutes", "allow_late_send"),
    ],
)
@pytest.mark.parametrize("word", ["run", "demo"])
def test_a_wrong_setting_is_named_and_nothing_is_written(
    tmp_path: Path, word: str, settings: str, named: str, hint: str
) -> None:
    (tmp_path / "config.toml").write_text(settings + "\n")
    refused(tmp_path, 2, word, named=named, hint=hint)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml"]


def test_a_settings_file_of_another_encoding_is_named_and_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_bytes('mode = "größer"\n'.encode("latin-1"))
    refused(tmp_path, 2, "run", path=str(settings), said="not a text file (byte 10 is not UTF-8)")
    settings.write_text('mode = "practice"\n', encoding="utf-8-sig")
    assert call_json(tmp_path, "config", "show").code == 0


def test_every_mistake_is_listed_at_once(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[risk]\nmax_loss = 1\n[portfolio]\ncapital_usd = "x"\ncost_frac = 7\n')
    called = refused(tmp_path, 2, one="risk.max_loss", two="portfolio.capital_usd", three="portfolio.cost_frac")
    assert len(called.document["problems"]) == 3


def test_wrong_settings_leave_a_played_folder_alone(played: Path) -> None:
    before = recorded(played)
    (played / "config.toml").write_text(CSV + "volume_mod = 'raw'\n")
    for words in (
        ("run",),
        ("settle",),
        ("flatten", "MTUM", "--why", "x"),
        ("verify", "--all"),
        ("halt", "--why", "x"),
    ):
        refused(played, 2, *words, named="market.volume_mod", hint="market.volume_mode")
    assert recorded(played) == before


def test_a_settings_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    refused(tmp_path, 2, "run", "--config", "nowhere.toml", named="nowhere.toml", hint="does not exist")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_variable_of_ours_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTUM_RISK__MAX_DAILY_LOS_USD", "5")
    refused(tmp_path, 2, named="MTUM_RISK__MAX_DAILY_LOS_USD", hint="MTUM_RISK__MAX_DAILY_LOSS_USD")
    assert list(tmp_path.iterdir()) == []


def test_a_fresh_process_says_the_same_on_both_streams(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[risk]\nmax_daily_los_usd = 5\n")
    ended = start(tmp_path, "run", "--json")
    assert (ended.code, ended.document["exit_code"]) == (2, 2)
    assert ended.err.count("\n") == 1
    assert "risk.max_daily_loss_usd" in ended.err
    plain = start(tmp_path, "run")
    assert (plain.code, plain.out) == (2, "")
    assert plain.err == ended.err


def damaged(path: Path) -> None:
    path.write_bytes(b"this is no database" * 400)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 20_000)


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()


def stamped(**meta: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        connection = sqlite3.connect(path)
        with connection:
            connection.executemany("UPDATE meta SET value = ? WHERE key = ?", [(new, key) for key, new in meta.items()])
        connection.close()

    return change


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (damaged, 3, "is not a SQLite database"),
        (cut, 3, "damaged"),
        (newer, 2, "newer"),
        (stamped(mode="paper"), 2, "mode paper"),
        (stamped(account="DU777"), 2, "account DU777"),
    ],
)
@pytest.mark.parametrize("word", ["run", "settle"])
def test_a_database_that_is_not_ours_is_refused_and_left_alone(
    played: Path, word: str, change: Callable[[Path], None], code: int, said: str
) -> None:
    database, exchange = (played / "data" / name for name in (resources.DATABASE_NAME, resources.EXCHANGE_NAME))
    change(database)
    before = database.read_bytes(), exchange.read_bytes() if exchange.exists() else None
    refused(played, code, word, path=str(database), said=said)
    assert (database.read_bytes(), exchange.read_bytes() if exchange.exists() else None) == before


def test_a_database_of_practice_is_refused_in_paper(played: Path) -> None:
    before = recorded(played)
    (played / "config.toml").write_text('mode = "paper"\n[market]\nsource = "ib"\n[broker]\naccount = "DU1"\n')
    refused(played, 2, "halt", "--why", "x", said="belongs to mode practice")
    assert recorded(played) == before


def test_an_exchange_file_that_cannot_be_read_stops_the_run_before_any_decision(tmp_path: Path) -> None:
    play_until(tmp_path / "data", date(2018, 1, 3))
    before = recorded(tmp_path)
    exchange = tmp_path / "data" / resources.EXCHANGE_NAME
    whole = exchange.read_bytes()
    exchange.write_bytes(whole[:100])
    refused(tmp_path, 4, said="the practice exchange's file cannot be read")
    exchange.write_bytes(whole)
    assert recorded(tmp_path) == before
    assert call_json(tmp_path, "run").code == 0


def rows_of(folder: Path) -> list[str]:
    return (folder / "data" / "bars" / "MTUM.csv").read_text().splitlines()


def rewritten(folder: Path, rows: list[str]) -> None:
    (folder / "data" / "bars" / "MTUM.csv").write_text("\n".join(rows) + "\n")


def twice(rows: list[str]) -> list[str]:
    return [*rows[:70], rows[69], *rows[70:]]


def negative(rows: list[str]) -> list[str]:
    cells = rows[40].split(",")
    return [*rows[:40], ",".join([*cells[:4], "-" + cells[4], *cells[5:]]), *rows[41:]]


def crossed(rows: list[str]) -> list[str]:
    cells = rows[55].split(",")  # the low above the high
    return [*rows[:55], ",".join([*cells[:2], cells[3], cells[2], *cells[4:]]), *rows[56:]]


def without_one(rows: list[str]) -> list[str]:
    return rows[:50] + rows[51:]


def too_few(rows: list[str]) -> list[str]:
    return rows[:41]


def wordy(rows: list[str]) -> list[str]:
    return [*rows[:30], rows[30].replace(rows[30].split(",")[1], "n/a", 1), *rows[31:]]


@pytest.mark.parametrize(
    ("change", "said", "also"),
    [
        (twice, "line 71: duplicate date", "2018-01-09"),
        (negative, "line 41: close -", "negative"),
        (crossed, "MTUM 2017-12-18", "kept out (out of range)"),
        (without_one, "MTUM 2017-12-11", "missing"),
        (too_few, "MTUM: the csv market has 40 sessions", "60 needed"),
        (wordy, "line 31", '"n/a" is not a number'),
    ],
)
def test_a_bad_file_stops_the_first_run_before_any_decision(
    tmp_path: Path, change: Callable[[list[str]], list[str]], said: str, also: str
) -> None:
    bars, vix = sample_market(FIRST, LAST)
    write_market(tmp_path / "data" / "bars", {"MTUM": bars}, vix)
    (tmp_path / "config.toml").write_text(CSV)
    rewritten(tmp_path, change(rows_of(tmp_path)))
    refused(tmp_path, 3, symbol="MTUM", said=said, also=also)
    database = tmp_path / "data" / resources.DATABASE_NAME
    assert not database.exists() or recorded(tmp_path)["decisions"] == recorded(tmp_path)["order_intents"] == []
    assert not (tmp_path / "data" / resources.EXCHANGE_NAME).exists()


@pytest.mark.parametrize("change", [twice, negative, too_few, wordy])
def test_a_file_gone_bad_later_leaves_what_was_recorded(played: Path, change: Callable[[list[str]], list[str]]) -> None:
    before, whole = recorded(played), rows_of(played)
    rewritten(played, change(whole))
    refused(played, 3, symbol="MTUM")
    assert recorded(played) == before
    rewritten(played, whole)
    assert call_json(played, "run").document["session"] == str(sample_market(FIRST, LAST)[0].day(61))


def test_the_session_itself_missing_in_the_file_stops_its_run_until_the_file_has_it(played: Path) -> None:
    before, whole = recorded(played), rows_of(played)
    rewritten(played, whole[:62] + whole[63:])
    day = whole[62].split(",")[0]
    refused(played, 3, day=day)
    after = recorded(played)
    assert {name: after[name] for name in after if name != "bars"} == {n: before[n] for n in before if n != "bars"}
    rewritten(played, whole)
    again = call_json(played, "run")
    assert (again.code, again.document["session"]) == (0, day)


def test_a_missing_file_names_the_files_there_are(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CSV)
    refused(tmp_path, 3, path="MTUM.csv", said="is no folder")
    write_market(tmp_path / "data" / "bars", {"SPY": sample_market(FIRST, LAST)[0]})
    refused(tmp_path, 3, path="MTUM.csv", said="it holds SPY.csv")


BAD_FILES = [(twice, "duplicate date"), (negative, "negative"), (wordy, "is not a number")]


@pytest.mark.parametrize(("change", "said"), BAD_FILES)
def test_a_bad_file_is_not_imported(played: Path, change: Callable[[list[str]], list[str]], said: str) -> None:
    before = recorded(played)
    (played / "config.toml").write_text('[market]\nsource = "yahoo"\n')  # replayed markets import nothing
    rewritten(played, change(rows_of(played)))
    refused(played, 3, "bars", "import", "data/bars/MTUM.csv", path="MTUM.csv, line", said=said)
    assert recorded(played) == before


@pytest.mark.parametrize(("change", "said"), [*BAD_FILES, (without_one, "2017-12-11"), (crossed, "2017-12-18")])
def test_a_backtest_over_a_bad_file_is_refused(
    tmp_path: Path, change: Callable[[list[str]], list[str]], said: str
) -> None:
    write_market(tmp_path / "data" / "bars", {"MTUM": sample_market(FIRST, LAST)[0]}, sample_market(FIRST, LAST)[1])
    rewritten(tmp_path, change(rows_of(tmp_path)))
    refused(tmp_path, 3, "backtest", "--source", "csv:data/bars", symbol="MTUM", said=said)
    assert not (tmp_path / "data" / resources.DATABASE_NAME).exists()
