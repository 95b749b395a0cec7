"""Large frames: every finished bar once, put together to the last bit, and no byte can change unseen."""

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtum.adapters.store.frames import WHOLE_CHARACTERS
from mtum.adapters.store.opening import SqliteStore
from mtum.core.canonical import canonical, digest
from support.markets import weekdays
from support.store import decision, later, opened
from support.values import replace

BARS, SYMBOLS = 260, ("AAA", "BBB", "CCC")
DAYS = weekdays(BARS + 40, date(2018, 1, 1))
COLUMNS = ("open", "high", "low", "close", "volume")


def price(symbol: str, day: date, name: str) -> float:
    return round(40 + len(symbol) + SYMBOLS.index(symbol) + day.toordinal() % 97 / 7 + COLUMNS.index(name) / 3, 4)


def frame_at(
    at: int,
    changed: Mapping[tuple[str, int, str], float | None] | None = None,
    *,
    symbols: tuple[str, ...] = SYMBOLS,
    dividends: bool = False,
    without: tuple[int, ...] = (),
) -> dict[str, Any]:
    """The frame of a session: today's bar is half a cent off, a bar is final the day after."""
    days = [DAYS[n] for n in range(at - BARS + 1, at + 1) if n not in without]
    bars: dict[str, Any] = {}
    for symbol in symbols:
        table: dict[str, Any] = {"source": "yahoo", "days": [day.isoformat() for day in days]}
        for name in COLUMNS:
            shift = {DAYS[at]: 0.005}
            table[name] = [price(symbol, day, name) + shift.get(day, 0.0) for day in days]
        if dividends:
            table["dividend"] = [0.25 if day.day == 15 else 0.0 for day in days]
        bars[symbol] = table
    for (symbol, where, name), value in (changed or {}).items():
        if DAYS[where] in days:
            bars[symbol][name][days.index(DAYS[where])] = value
    seen = {symbol: {"bar": {name: bars[symbol][name][-1] for name in COLUMNS}} for symbol in symbols[:2]}
    return {"session": DAYS[at].isoformat(), "bars": bars, "series": {}, "provisional": seen, "book": {}}


def committed(store: SqliteStore, at: int, frame: Mapping[str, Any], strategy: str = "s") -> None:
    record = replace(decision(DAYS[at], frame=frame), strategy=strategy, decided_at=later(at))
    store.decisions.commit_decisions([record], ())


def found(store: SqliteStore, at: int, strategy: str = "s") -> Mapping[str, Any]:
    record = store.decisions.decision_of(DAYS[at], strategy)
    assert record is not None
    return record.frame


def rows(store: SqliteStore) -> int:
    return int(store.database.rows("SELECT count(*) FROM frame_bars")[0][0])


def test_a_small_frame_is_kept_whole_for_a_person_to_read(store: SqliteStore) -> None:
    frame = frame_at(BARS, symbols=("AAA",))
    assert len(canonical(frame)) < WHOLE_CHARACTERS
    committed(store, BARS, frame)
    (stored,) = store.database.rows("SELECT hash, frame FROM input_frames")
    assert tuple(stored) == (digest(canonical(frame)), canonical(frame))
    assert rows(store) == 0


def test_a_large_frame_without_bars_is_kept_whole(store: SqliteStore) -> None:
    """That of an account's plan, where many orders meet and no limit looks at a history."""
    frame = {**frame_at(BARS, symbols=()), "prices": {f"S{number}": 100.0 for number in range(3000)}}
    assert (len(canonical(frame)) > WHOLE_CHARACTERS, frame["bars"]) == (True, {})
    committed(store, BARS, frame)
    assert found(store, BARS) == frame
    assert store.decisions.altered_decisions() == ()


def test_a_large_frame_adds_only_the_bars_that_are_new(store: SqliteStore) -> None:
    for at in range(BARS, BARS + 4):
        committed(store, at, frame_at(at))
    # The first writes all finished bars of three symbols, each further one those of the session before.
    assert rows(store) == 3 * (BARS - 1) + 3 * 3
    for at in range(BARS, BARS + 4):
        assert canonical(found(store, at)) == canonical(frame_at(at))
    hashes = {row[0] for row in store.database.rows("SELECT hash FROM input_frames")}
    assert hashes == {digest(canonical(frame_at(at))) for at in range(BARS, BARS + 4)}
    assert store.decisions.altered_decisions() == ()


def test_a_revised_bar_a_split_and_a_bar_that_went_away_leave_earlier_frames_as_they_were(store: SqliteStore) -> None:
    first = BARS
    revised = {("BBB", first - 5, "close"): 12.5, ("AAA", first - 9, "volume"): None}
    halved = {("CCC", n, name): price("CCC", DAYS[n], name) / 3 for n in range(BARS + 4) for name in COLUMNS}
    frames = {
        first: frame_at(first),
        first + 1: frame_at(first + 1, revised),
        first + 2: frame_at(first + 2, halved),  # and the revision is taken back
        first + 3: frame_at(first + 3, halved, without=(first - 20,)),
        first + 4: frame_at(first + 4, halved),
    }
    for at, frame in frames.items():
        committed(store, at, frame)
    for at, frame in frames.items():
        assert canonical(found(store, at)) == canonical(frame)
    assert store.decisions.altered_decisions() == ()


def test_bars_that_somebody_damaged_are_written_anew_by_the_next_monday(store: SqliteStore) -> None:
    committed(store, BARS, frame_at(BARS))
    store.database.connection.execute("UPDATE frame_bars SET close = 99 WHERE session = ?", (f"{DAYS[BARS - 50]}",))
    later_ones = range(BARS + 1, BARS + 8)
    for at in later_ones:
        committed(store, at, frame_at(at))
    monday = next(at for at in later_ones if DAYS[at].weekday() == 0)
    assert BARS + 1 < monday < BARS + 7
    sound = [canonical(found(store, at)) == canonical(frame_at(at)) for at in later_ones]
    assert sound == [at >= monday for at in later_ones]


def test_sleeves_share_bars_with_and_without_dividends_and_of_any_length(store: SqliteStore) -> None:
    for at in (BARS, BARS + 1):
        committed(store, at, frame_at(at), "plain")
        committed(store, at, frame_at(at, dividends=True), "total")
        committed(store, at, frame_at(at, symbols=SYMBOLS[:2]), "fewer")
    for at in (BARS, BARS + 1):
        assert canonical(found(store, at, "plain")) == canonical(frame_at(at))
        assert canonical(found(store, at, "total")) == canonical(frame_at(at, dividends=True))
    # Dividends are written beside the bars once: the frames without them use the same rows afterwards.
    assert rows(store) == 2 * 3 * (BARS - 1) + 2 * 3


def test_sleeves_of_one_commit_that_hold_the_same_bars_or_others_come_back_whole(store: SqliteStore) -> None:
    """The third holds the bars of the first, after the second wrote down others for the same days."""
    same, other = frame_at(BARS), frame_at(BARS, {("BBB", BARS - 5, "close"): 12.5})
    frames = {"a": same, "b": other, "c": {**same, "book": {"cash_usd": 1.0}}, "d": {**other, "series": {"VIX": 14.0}}}
    frames["e"] = {**frames["c"], "provisional": {}}  # which saw no bar of today
    records = [
        replace(decision(DAYS[BARS], frame=frame), strategy=name, decided_at=later(BARS))
        for name, frame in frames.items()
    ]
    store.decisions.commit_decisions(records, ())
    assert {name: canonical(found(store, BARS, name)) for name in frames} == {
        name: canonical(frame) for name, frame in frames.items()
    }
    assert store.decisions.altered_decisions() == ()
    lean = store.decisions.decision_of(DAYS[BARS], "c", bars=False)
    assert lean is not None
    assert lean.frame == {name: value for name, value in frames["c"].items() if name != "bars"}


def test_a_dry_run_writes_no_bars_for_others_and_comes_back_whole(store: SqliteStore) -> None:
    committed(store, BARS, frame_at(BARS))
    before = rows(store)
    at = BARS + 1
    store.decisions.write_preview(replace(decision(DAYS[at], frame=frame_at(at), preview=True), decided_at=later(at)))
    assert rows(store) == before
    assert store.decisions.altered_decisions() == ()
    store.database.connection.execute(
        "UPDATE input_frames SET frame = replace(frame, 'yahoo', 'yahop') WHERE hash = "
        "(SELECT frame_hash FROM decisions WHERE preview = 1)"
    )
    assert store.decisions.altered_decisions() == (DAYS[at],)


CHANGES = [f"{name} = {name} + 1e-9" for name in (*COLUMNS[:4], "volume")] + [
    "symbol = 'AAB'",
    "source = 'yahop'",
    "session = '2017-12-31'",
    "dividend = 0.1",
    "id = id + 100000",
]


@pytest.mark.parametrize("change", CHANGES)
def test_no_value_of_a_bar_can_change_unseen(store: SqliteStore, change: str) -> None:
    for at in (BARS, BARS + 1):
        committed(store, at, frame_at(at, dividends=True))
    place = "(SELECT min(id) FROM frame_bars) + 17"
    store.database.connection.execute(f"UPDATE frame_bars SET {change} WHERE id = {place}")
    assert DAYS[BARS] in store.decisions.altered_decisions()


@given(data=st.data())
def test_no_character_of_a_stored_frame_can_change_unseen(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    with closing(opened(tmp_path_factory.mktemp("frames"))) as store:
        committed(store, BARS, frame_at(BARS))
        ((key, stored),) = store.database.rows("SELECT hash, frame FROM input_frames")
        place = data.draw(st.integers(0, len(stored) - 1))
        other = data.draw(st.sampled_from([one for one in '0123456789.,:"{}[]aZ' if one != stored[place]]))
        changed = stored[:place] + other + stored[place + 1 :]
        store.database.connection.execute("UPDATE input_frames SET frame = ? WHERE hash = ?", (changed, key))
        assert store.decisions.altered_decisions() == (DAYS[BARS],)


def test_frames_of_older_databases_are_whole_and_stay_so(tmp_path: Path) -> None:
    frame = frame_at(BARS)
    store = opened(tmp_path)
    committed(store, BARS, frame)
    text = canonical(frame)
    store.database.connection.execute("UPDATE input_frames SET frame = ?", (text,))
    store.database.connection.execute("DELETE FROM frame_bars")
    assert store.decisions.altered_decisions() == ()
    assert found(store, BARS) == json.loads(text)
    store.close()


def hours(day: date) -> list[str]:
    return [f"{day}T{hour}:30/{60 if hour < 19 else 30}" for hour in range(13, 20)]


def intraday_frame(at: int, revised: float = 0.0) -> dict[str, Any]:
    """A frame with thirty sessions of hours of two symbols; one bar of the first day may have been revised."""
    names = [name for day in DAYS[at - 29 : at + 1] for name in hours(day)]
    closes = [float(DAYS[at - 29 + n // 7].toordinal() % 31 + n % 7 + (revised if n == 3 else 0)) for n in range(210)]
    tables = {name: {"source": "yahoo 1h", "days": names} | dict.fromkeys(COLUMNS, closes) for name in SYMBOLS[:2]}
    return {**frame_at(at), "intraday": {"1h": tables, "5m": {}}}


def test_bars_within_the_session_are_written_once_too_and_come_back_to_the_last_bit(store: SqliteStore) -> None:
    first, second, third = intraday_frame(BARS), intraday_frame(BARS + 1), intraday_frame(BARS + 1, 0.25)
    committed(store, BARS, first)
    whole = rows(store)
    committed(store, BARS + 1, second)
    # Yesterday's final day and seven hours of two symbols each; today's bar stands in the frame itself.
    assert rows(store) - whole <= 3 * 2 + 2 * 7
    committed(store, BARS + 1, third, "other")
    for frame, at, strategy in ((first, BARS, "s"), (second, BARS + 1, "s"), (third, BARS + 1, "other")):
        assert canonical(found(store, at, strategy)) == canonical(frame)
    kept = [len(text) for (text,) in store.database.rows("SELECT frame FROM input_frames")]
    assert max(kept) < 4_000 < len(canonical(first)) / 10
    assert not store.decisions.altered_decisions()


def test_an_hour_changed_by_hand_is_noticed(store: SqliteStore) -> None:
    committed(store, BARS, intraday_frame(BARS))
    store.database.connection.execute(
        "UPDATE frame_bars SET close = close + 0.01 WHERE source = 'yahoo 1h' AND session = ?", (hours(DAYS[BARS])[2],)
    )
    assert store.decisions.altered_decisions() == (DAYS[BARS],)
