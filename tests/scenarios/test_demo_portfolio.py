"""The packaged portfolio through the whole daily job: twice the same, adding up, and true to the last byte."""

import json
import random
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mtum import config
from mtum.app.demo import play_sessions
from mtum.app.records.verify import verify
from mtum.app.session.play_session import Replay, play_session
from mtum.cli.demo import CONTENTS
from mtum.core.market.embedded import COMPUTED
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Own, SymbolVerdict
from mtum.core.view import MarketView
from mtum.errors import VerificationError
from mtum.wiring import desks, resources
from mtum.wiring.provenance import provenance
from support.commands import Called, call, call_json, start

SESSIONS, QUICK_SESSIONS = 34, 20
"""The longer begin at the session before a bond holiday, the shorter with a trade."""
HOLIDAY = date(2018, 11, 12)
"""Veterans Day, observed: nobody publishes yields."""
NAMES = ("trend", "switch", "dips", "timing")
EDITED = ("input_frames", "frame_bars", "plans", "bars")
NO_PART = {("plans", "id"), ("frame_bars", "id"), ("bars", "first_read_at"), ("bars", "read_at"), ("bars", "final")}
"""What is no part of a plan or of a bar: the number of its row, and when the bar was looked at."""


@pytest.fixture(scope="module", params=[QUICK_SESSIONS, pytest.param(SESSIONS, marks=pytest.mark.full)])
def first(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Called:
    return call_json(tmp_path_factory.mktemp("first"), "demo", "--portfolio", "--sessions", str(request.param))


def rows(database: str | Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


def tables(database: str) -> dict[str, list[tuple[Any, ...]]]:
    names = [name for (name,) in rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    # A library's own record of when the tables were made is left out.
    return {name: rows(database, f"SELECT * FROM {name}") for name in names if name != "_sqlite_migrations"}


def same_in_another_folder(one: Called, folder: Path, sessions: int) -> None:
    elsewhere = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "77", "LC_ALL": "de_DE.UTF-8", "MTUM_RISK__MAX_SYMBOL_FRAC": "1"}
    again = start(folder, "demo", "--portfolio", "--sessions", str(sessions), "--json", environment=elsewhere)
    assert (again.code, again.err) == (0, "")
    for name in ("sleeves", "contains", "trades", "equity_end_usd"):
        assert again.document[name] == one.document[name]
    assert tables(again.document["database"]) == tables(one.document["database"])


def adds_up(database: str, sessions: int) -> None:
    """The sleeves' equity is what the exchange says of the account at every close."""
    sleeves = dict(rows(database, "SELECT session, round(sum(equity_usd), 4) FROM equity GROUP BY session"))
    # The last look of a session is the one after its close.
    account = dict(rows(database, "SELECT session, round(net_liquidation_usd, 4) FROM account_snapshots ORDER BY id"))
    assert len(sleeves) == sessions
    assert sleeves == pytest.approx(account, abs=2e-4)


def verified(folder: Path) -> Called:
    return call_json(folder, "verify", "--all", "--config", str(folder / "config.toml"), "--data-dir", str(folder))


@pytest.mark.full
def test_the_same_call_in_another_folder_process_and_zone_gives_the_same(first: Called, tmp_path: Path) -> None:
    same_in_another_folder(first, tmp_path, first.document["sessions"])


def test_the_sleeves_add_up_to_the_account_at_every_session_and_everything_verifies(first: Called) -> None:
    sessions = first.document["sessions"]
    assert sessions in (QUICK_SESSIONS, SESSIONS)
    adds_up(first.document["database"], sessions)
    found = verified(Path(first.document["database"]).parent)
    assert (found.code, found.document["verified"], found.document["drift"]) == (0, len(NAMES) * sessions, [])


def test_what_is_told_of_the_sessions_is_what_the_tables_hold(first: Called) -> None:
    document = first.document
    assert document["contains"]["abstentions"] == ([str(HOLIDAY)] if document["start"] <= str(HOLIDAY) else [])
    sql = """SELECT i.session FROM order_intents i JOIN fills f ON f.intent_id = i.id AND f.current = 1
        GROUP BY i.id HAVING sum(f.shares) < i.shares ORDER BY i.session"""
    assert [session for (session,) in rows(document["database"], sql)] == document["contains"]["partial_fills"]
    assert [*document["sleeves"]] == [*document["reports"]] == [*NAMES]
    assert sum(one["equity_end_usd"] for one in document["sleeves"].values()) == pytest.approx(
        document["equity_end_usd"], abs=1e-6
    )
    assert any(COMPUTED in note for note in document["notes"])
    assert all(Path(report).is_file() for report in document["reports"].values())


@pytest.mark.full
def test_a_sleeve_that_decides_first_on_another_symbol_has_no_volume_to_correct(tmp_path: Path) -> None:
    """Of two symbols one strategy names first the one it sells, so now the one and now the other."""
    text = resources.packaged_portfolio()[1].decode()
    rules = (
        '"dual_momentum"\nweight = 0.3\n[sleeve.switch.rules]\n'
        'risk_assets = ["SP500", "NDQ"]\nsafe = "BILL"\nbonds = "UST10"'
    )
    assert rules in text
    other = '"pair_reversal"\nweight = 0.3\n[sleeve.switch.rules]\nsymbols = ["SP500", "UST10"]'
    (tmp_path / "pair.toml").write_text(text.replace(rules, other))
    played = call_json(tmp_path, "demo", "--config", str(tmp_path / "pair.toml"), "--sessions", "12")
    reports = [
        json.loads(path.read_text()) for path in Path(played.document["database"]).parent.glob("reports/2*.json")
    ]
    leading = {one["sleeves"]["switch"]["symbol"] for one in reports}
    assert leading == {"SP500", "UST10"}
    corrected = [line for one in reports for line in (*one["corrections"], *one["sleeves"]["switch"]["corrections"])]
    assert [line for line in corrected if line["subject"] == "volume"] == []


def test_every_command_that_is_named_next_answers_with_the_settings_of_the_portfolio(
    first: Called, tmp_path: Path
) -> None:
    folder = Path(first.document["database"]).parent
    where = ("--config", str(folder / "config.toml"), "--data-dir", str(folder))
    for words in (("sleeves",), ("risk",), ("status",), ("explain",), ("show", "trades")):
        told = call(folder, *words, *where)
        assert told.code == 0, told.err
        assert COMPUTED in told.out
        assert "MTUM" not in told.out
    (held,) = [line for line in call(folder, "status", *where).out.splitlines() if line.startswith("position")]
    assert "switch: " in held
    with desk_in(tmp_path) as replay:
        for session in replay.market:
            if date(2018, 11, 9) <= session.day <= HOLIDAY:
                play_session(replay.desk, session)
    where = ("--config", str(tmp_path / "config.toml"), "--data-dir", str(tmp_path))
    told = call(tmp_path, "explain", "--session", str(HOLIDAY), *where)
    assert (told.code, COMPUTED in told.out, "MTUM" in told.out) == (0, True, False)
    text = " ".join(told.out.split())
    assert "the bars of UST10 cannot be decided on" in text
    assert "another symbol's bars cannot be decided on" in text
    assert "no yield is published on a bond holiday" in text


def test_a_market_of_ones_own_is_no_part_of_the_portfolio(tmp_path: Path) -> None:
    refused = call(tmp_path, "demo", "--portfolio", "--market", "stocks")
    assert refused.code == 2
    assert "leave --market out" in refused.err


@contextmanager
def desk_in(folder: Path, **changes: Any) -> Iterator[Replay]:
    """The desk of the portfolio, with single settings changed."""
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_bytes(resources.packaged_portfolio()[1])
    named = {name.replace("__", "."): value for name, value in changes.items()}
    with desks.replay_desk(config.load(folder / "config.toml", {}, named), folder) as replay:
        yield replay


def orders_of(folder: Path, *sleeves: str, **changes: Any) -> list[Any]:
    """The orders of these sleeves in the sessions around two trades of each of two."""
    found = []
    with desk_in(folder, **changes) as replay:
        for session in replay.market:
            if date(2018, 11, 28) <= session.day <= date(2018, 12, 7):
                document = play_session(replay.desk, session).document
                for name in sleeves:
                    sent = document["sleeves"][name]["orders"]
                    found += [(name, one["id"], one["shares"], one["filled"]) for one in sent]
    return found


def test_a_limit_on_the_value_at_risk_sees_five_hundred_returns_of_strategies_that_need_one(tmp_path: Path) -> None:
    """It lets purchases pass that are small enough, and says of others what they would have risked."""
    settings: dict[str, Any] = {f"sleeve__{name}__state": "off" for name in NAMES[1:]}
    settings |= {"sleeve__trend__strategy": "buy_and_hold", "sleeve__trend__rules": {"symbols": ["SP500", "UST10"]}}
    found, cuts = {}, list[dict[str, Any]]()
    for most in (0.01, 0.001):
        with desk_in(tmp_path / str(most), risk__max_var_frac=most, **settings) as replay:
            found[most] = play_session(replay.desk, replay.market[-1]).document["sleeves"]["trend"]["orders"]
            plan = replay.desk.store.plans.plan_of(replay.market[-1].day)
            assert plan is not None
            assert {len(bars["days"]) for bars in plan.frame["bars"].values()} == {501}
            cuts = plan.document["cuts"]
            assert verify(replay.desk.store, replay.desk.settings, provenance()).exit_code == 0
    assert [one["symbol"] for one in found[0.01]] == ["SP500", "UST10"]
    assert {cut["limit"] for cut in cuts} == {"max_var_frac"}
    assert all(0.001 < cut["value"] < 0.01 for cut in cuts)
    assert sum(one["shares"] for one in found[0.001]) < sum(one["shares"] for one in found[0.01])


@dataclass(frozen=True, slots=True)
class Broken(BuyAndHold):
    """A strategy with a mistake."""

    name: ClassVar[str] = "broken"

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Fail whatever the market did."""
        raise RuntimeError("a mistake of the strategy")


@pytest.mark.parametrize(
    "failing",
    [
        {"sleeve__trend__strategy": "broken", "sleeve__trend__rules": {"symbols": ["SP500"]}},
        pytest.param({"sleeve__trend__rules": {"symbols": ["GLD"]}}, marks=pytest.mark.full),
    ],
)
def test_a_sleeve_that_fails_leaves_the_others_as_they_are_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: dict[str, Any]
) -> None:
    monkeypatch.setitem(STRATEGIES, Broken.name, Broken)
    without = orders_of(tmp_path / "without", "timing", "switch", sleeve__trend__state="off")
    assert len({name for name, *_ in without}) == 2
    assert orders_of(tmp_path / "with", "timing", "switch", **failing) == without


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five sessions with frames so large that their bars stand apart."""
    folder = tmp_path_factory.mktemp("large")
    off = dict.fromkeys(("sleeve__trend__state", "sleeve__dips__state"), "off")
    with desk_in(folder, sleeve__timing__rules={"symbol": "SP500", "ma_sessions": 500}, **off) as replay:
        play_sessions(replay.desk, replay.market, 5, lambda *_: None)
    return folder


def edited(value: Any, chance: random.Random) -> Any:
    """The value with one byte changed."""
    if isinstance(value, str):
        at = chance.randrange(len(value))
        return value[:at] + chance.choice([one for one in '0129abZ"{' if one != value[at]]) + value[at + 1 :]
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(8)
    packed = bytearray(struct.pack("<d", value))
    packed[chance.randrange(6)] ^= 1 << chance.randrange(8)
    return struct.unpack("<d", packed)[0]


def missed(folder: Path, copy: Path, seed: int) -> str | None:
    """Change one byte of one cell; name it if the verification says that all is well."""
    chance = random.Random(seed)
    copy.mkdir(exist_ok=True)
    shutil.copy(folder / "mtum.db", copy / "mtum.db")
    table = EDITED[seed % len(EDITED)]
    with closing(sqlite3.connect(copy / "mtum.db")) as connection, connection:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        column = chance.choice([name for name in columns if (table, name) not in NO_PART])
        cells = connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL").fetchall()
        if not cells:
            return None  # a column that nobody asked for
        number, value = chance.choice(cells)
        changed = edited(value, chance)
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed, number))
    settings = config.load(folder / "config.toml", {})
    with resources.opened_store(settings, copy) as store:
        try:
            code = int(verify(store, settings, provenance()).exit_code)
        except VerificationError as error:
            code = int(error.exit_code)
    return None if code == 6 else f"{table}.{column} of row {number}: {value!r:.80} -> {changed!r:.80}"


def all_missed(folder: Path, copy: Path, seeds: range) -> list[str]:
    assert all(rows(folder / "mtum.db", f"SELECT count(*) FROM {table}") != [(0,)] for table in EDITED)
    settings = config.load(folder / "config.toml", {})
    with resources.opened_store(settings, folder) as store:
        assert verify(store, settings, provenance()).exit_code == 0
    return [found for seed in seeds if (found := missed(folder, copy, seed)) is not None]


def test_no_byte_of_a_frame_a_plan_or_a_bar_can_be_changed_unnoticed(large: Path, tmp_path: Path) -> None:
    assert all_missed(large, tmp_path / "copy", range(8)) == []


@pytest.mark.full
def test_no_byte_of_many_can_be_changed_unnoticed(large: Path, tmp_path: Path) -> None:
    assert all_missed(large, tmp_path / "copy", range(8, 424)) == []


@pytest.mark.full
def test_the_whole_year_contains_everything_twice_the_same_and_adds_up(tmp_path: Path) -> None:
    year = call_json(tmp_path / "first", "demo", "--portfolio")
    assert (year.code, year.document["sessions"]) == (0, 250)
    contains = year.document["contains"]
    assert contains["crosses"] == ["2018-02-02", "2018-02-02", "2018-04-20"]
    assert contains["abstentions"] == ["2018-10-08", "2018-11-12"]
    assert [*contains] == [*CONTENTS]
    assert all(contains.values())
    folder = Path(year.document["database"]).parent
    where = ("--config", str(folder / "config.toml"), "--data-dir", str(folder))
    assert "(max_symbol_frac)" in call(folder, "explain", "--session", contains["cuts"][0], *where).out
    adds_up(year.document["database"], 250)
    assert verified(folder).code == 0
    same_in_another_folder(year, tmp_path / "second", 250)
