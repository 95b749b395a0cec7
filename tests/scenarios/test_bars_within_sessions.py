"""Bars within the sessions from a file to the decision and its replay, over a week with an early close."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from math import fsum, sin
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest

from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.strategies import STRATEGIES
from support.commands import call, call_json
from support.exchange_sessions import xnys
from support.hourly import Hourly
from support.practice import write_market

SESSIONS = xnys("2017-11-01", "2017-12-05")
EARLY = date(2017, 11, 24)
"""The day after Thanksgiving: the exchange closes at 13:00."""
SETTINGS = """
[market]
source = "csv"
[portfolio]
strategy = "hourly"
"""
SNAPSHOT = timedelta(minutes=20)


def price(number: int) -> float:
    return round(50 + 0.4 * sin(number / 5), 2)


def halves() -> Iterator[tuple[date, str, float]]:
    """Half hours of every session: its day, the begin in New York, the close."""
    number = 0
    for session in SESSIONS:
        begin = session.open
        while begin < session.close:
            yield session.day, f"{begin:%Y-%m-%d %H:%M:%S}+00:00", price(number)
            number, begin = number + 1, begin + timedelta(minutes=30)


def write(folder: Path, *, without: frozenset[str] = frozenset()) -> None:
    rows = [*halves()]
    last = {day: close for day, _, close in rows}
    columns = dict.fromkeys(PRICE_COLUMNS, tuple(last.values())) | {"volume": (1e6,) * len(last)}
    bars = Bars.from_columns("AAA", "csv", [*last], columns)
    write_market(folder, {"AAA": bars})
    lines = [f"{at},{c},{c + 0.1},{c - 0.1},{c},1000" for _, at, c in rows if at not in without]
    (folder / "AAA_30m.csv").write_text("\n".join(["time,open,high,low,close,volume", *lines]) + "\n")


def hours_by(day: date) -> list[float]:
    """Closes of the hours that had ended 20 minutes before the close of a day, worked out anew."""
    closes: list[float] = []
    at = SESSIONS.get(day)
    assert at is not None
    for session in SESSIONS.between(date(2017, 11, 1), day):
        own = [close for of, _, close in halves() if of == session.day]
        ends = [min(session.open + timedelta(minutes=30 * (n + 1)), session.close) for n in range(len(own))]
        closes += [
            close
            for n, (end, close) in enumerate(zip(ends, own, strict=True))
            if (n % 2 == 1 or end == session.close) and end <= at.close - SNAPSHOT
        ]
    return closes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("within")
    write(place / "data" / "bars")
    (place / "config.toml").write_text(SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Hourly.name, Hourly)
        for _ in range(18):
            called = call(place, "run", "--quiet")
            assert called.code == 0, called.err
        yield place


def decisions(folder: Path) -> Mapping[str, Any]:
    with closing(connect(folder / "data" / "mtum.db")) as database:
        return {day: json.loads(text) for day, text in database.execute("SELECT session, document FROM decisions")}


def test_each_decision_sees_the_hours_that_had_ended_and_no_others(folder: Path) -> None:
    found = decisions(folder)
    assert EARLY.isoformat() in found
    seen = set()
    for day, document in found.items():
        told, closes = document["symbols"]["AAA"], hours_by(date.fromisoformat(day))
        if len(closes) < 14:
            assert told["indicators"] == {"hour": None, "hour_mean": None}, day
            continue
        mean = fsum(closes[-14:]) / 14
        assert told["indicators"]["hour"] == closes[-1], day
        assert told["indicators"]["hour_mean"] == pytest.approx(mean, abs=1.1e-6), day
        assert told["conditions"][0]["passed"] is (closes[-1] > mean), day
        seen.add(told["conditions"][0]["passed"])
    assert seen == {True, False}


def test_where_bars_are_missing_the_condition_does_not_hold_and_that_is_said(folder: Path, tmp_path: Path) -> None:
    """One of thirteen half hours is 8 % of a session; without a file there are none at all."""
    first, second = sorted(decisions(folder))[:2]
    assert decisions(folder)[first]["symbols"]["AAA"]["conditions"][0]["passed"] is False
    said = call(folder, "explain", "--session", first).out
    assert "AAA 1h: 13 bars from csv, 14 needed; a condition on them does not hold" in said
    assert "a condition on them" not in call(folder, "explain", "--session", second).out

    write(tmp_path / "data" / "bars", without=frozenset({f"{second} 15:30:00+00:00"}))
    (tmp_path / "config.toml").write_text(SETTINGS)
    for _ in range(2):
        assert call(tmp_path, "run", "--quiet").code == 0
    assert (
        f"1 of the 12 30-minute bars of {second} are missing from csv"
        in call(tmp_path, "explain", "--session", second).out
    )

    (tmp_path / "data" / "bars" / "AAA_30m.csv").unlink()
    assert call(tmp_path, "run", "--quiet").code == 0
    assert "AAA: csv has no bars of 1h" in call(tmp_path, "explain").out


def test_stored_decisions_replay_from_the_database_alone(folder: Path) -> None:
    for path in (folder / "data" / "bars").iterdir():
        path.rename(path.with_suffix(".away"))
    found = call_json(folder, "verify", "--all").document
    assert (found["verified"], found["failed"], found["drift"]) == (18, 0, [])
    for path in (folder / "data" / "bars").iterdir():
        path.rename(path.with_suffix(".csv"))


def test_the_indicators_are_told_of_every_timeframe_that_has_bars_and_no_later_ones(folder: Path) -> None:
    found = call_json(folder, "indicators", "AAA", "sma", "vwap").document
    assert [frame["timeframe"] for frame in found["frames"]] == ["30m", "1h", "4h", "1d", "1w", "1mo"]
    day = max(decisions(folder))
    rows = [close for of, _, close in halves() if of <= date.fromisoformat(day)]
    half, hour = found["frames"][:2]
    # To the last session that was settled, which is over; every half hour has a thousand shares.
    assert (half["days"][0], half["close"], half["bars"]) == (day, rows[-1], len(rows))
    assert half["ends"] == [f"{day}T21:00:00Z", f"{day}T20:30:00Z"]
    # The last half hour of every session is a bar of its own, so that the last hour of this one is too.
    closes = [*hours_by(date.fromisoformat(day)), rows[-1]]
    assert hour["readings"][0]["values"][0]["sma"] == pytest.approx(fsum(closes[-20:]) / 20, abs=1.1e-6)
    own = [close for of, _, close in halves() if of.isoformat() == day]
    assert half["readings"][1]["values"][0]["session"] == pytest.approx(fsum(own) / 13, abs=1.1e-6)
    assert "session" not in found["frames"][3]["readings"][1]["values"][0]
    assert found["agreement"] is not None

    text = call(folder, "indicators", "AAA", "vwap", "--timeframe", "4h").out
    assert f"AAA, 4h: 37 bars to {day} 16:00 New York, close {rows[-1]:,.2f} USD" in text
    assert "5m: no bars of 5m from csv" in call(folder, "indicators", "AAA", "--timeframe", "5m").out


def test_the_check_of_the_settings_names_the_bars_that_a_replayed_market_does_not_have(
    folder: Path, tmp_path: Path
) -> None:
    assert call_json(folder, "config", "check").document["warnings"] == []
    (tmp_path / "config.toml").write_text(SETTINGS.replace('"csv"', '"sample"'))
    assert "hourly: sample has no bars of AAA 1h: conditions on them never hold" in call(
        tmp_path, "config", "check"
    ).out.replace("\n", " ")


def test_a_file_whose_bars_do_not_begin_with_the_session_is_one_clear_line(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "data" / "bars")
    (tmp_path / "config.toml").write_text(SETTINGS)
    file = tmp_path / "data" / "bars" / "AAA_30m.csv"
    file.write_text(file.read_text().replace(":30:00+00:00", ":31:00+00:00"))
    assert call(tmp_path, "run", "--quiet").code == 0
    said = "AAA: the 30-minute bar of csv at 2017-11-01T13:31:00Z does not begin a whole number of bars after the open"
    assert said in call(tmp_path, "explain").out.replace("\n", " ")
    assert said in call(tmp_path, "indicators", "AAA", "rsi", "--timeframe", "1h").out.replace("\n", " ")
