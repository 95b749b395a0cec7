"""Frames of a market that is revised are stored alike, whether older bars are read or told by their hash."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import date
from itertools import count
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Struct

from mtum.adapters.store.frames import WHOLE_CHARACTERS, FrameWriter, is_sound, whole_frame
from mtum.adapters.store.schema.statements import create_table
from mtum.adapters.store.schema.tables import TABLES
from mtum.core.canonical import canonical, digest
from support.markets import weekdays
from support.values import replace

SYMBOLS = ("AAA", "BBB")
DAYS = [day.isoformat() for day in weekdays(40, date(2024, 1, 1))]
FIRST = 12
COLUMNS = ("open", "high", "low", "close", "volume")
BACK = -1.0
"""A revised value that stands for the one before any revision."""


class Step(Struct, frozen=True):
    """What one sleeve's frame is made of, and what the source changed before it.

    Parameters
    ----------
    later : int
        Sessions since the frame before; none for another sleeve of the same decision.
    revised : tuple of (symbol, sessions ago, column, value)
        Bars that have another value from now on.
    missing : frozenset of int
        Sessions ago that this frame is without; it reaches further back for them.
    seen : str
        What the frame tells of today's bar: the same, another, or nothing.
    behind : int
        Sessions that its bars go on after the one decided, which none should.
    hours : bool
        Whether it has bars within the sessions too.
    """

    later: int
    sessions: int
    dividends: bool
    final: bool
    revised: tuple[tuple[str, int, str, float | None], ...]
    missing: frozenset[int]
    seen: str
    behind: int
    hours: bool


STEPS = st.lists(
    st.builds(
        Step,
        later=st.sampled_from([1, 1, 1, 0, 2]),
        sessions=st.sampled_from([6, 6, 6, 8, 2]),
        dividends=st.sampled_from([False, False, True]),
        final=st.sampled_from([True, True, True, False]),
        revised=st.lists(
            st.tuples(
                st.sampled_from(SYMBOLS),
                st.integers(0, 8),
                st.sampled_from([*COLUMNS, "hour"]),
                st.sampled_from([1.5, BACK, None]),
            ).filter(lambda one: one[3] is not None or one[2] == "volume"),
            max_size=1,
        ).map(tuple),
        missing=st.sampled_from([(), (), (0,), (1,), (2,), (3,), (4,)]).map(frozenset),
        seen=st.sampled_from(["same", "same", "other", "nothing"]),
        behind=st.sampled_from([0] * 8 + [1, 2]),
        hours=st.booleans(),
    ),
    min_size=2,
    max_size=8,
)


USUAL = Step(
    later=1,
    sessions=6,
    dividends=False,
    final=True,
    revised=(),
    missing=frozenset(),
    seen="same",
    behind=0,
    hours=False,
)
LEFT_OUT_LATER = [
    USUAL,
    replace(USUAL, sessions=8, behind=1),
    replace(USUAL, later=0),
    replace(USUAL, later=2, missing=frozenset({2})),
]
"""A session's own bar was written already, and the frames after it are without that session."""
LEFT_OUT_TWICE = [USUAL, replace(USUAL, missing=frozenset({3})), replace(USUAL, missing=frozenset({4}))]
TAKEN_BACK = [
    USUAL,
    replace(USUAL, later=0, sessions=8, revised=(("AAA", 3, "close", 1.5),)),
    replace(USUAL, revised=(("AAA", 4, "close", BACK),)),
]
"""Only another sleeve's frame saw a revision, which is written as the newest value."""
DRY_FIRST = [replace(USUAL, final=False), USUAL]
AHEAD_FIRST = [replace(USUAL, behind=2), USUAL]
AN_HOUR_REVISED = [replace(USUAL, hours=True), replace(USUAL, hours=True, revised=(("AAA", 4, "hour", 1.5),))]


def frames_of(steps: list[Step]) -> Iterator[tuple[Step, dict[str, Any]]]:
    """The frames of a sequence of steps: what was revised stays so until it is revised again."""
    market: dict[tuple[str, int, str], float | None] = {}
    at = FIRST
    for step in steps:
        at += step.later
        market |= {(symbol, at - ago, column): value for symbol, ago, column, value in step.revised}
        market = {where: value for where, value in market.items() if value != BACK}
        places = [n for n in range(at + 1) if at - n not in step.missing][-step.sessions :]
        bars: dict[str, Any] = {}
        for number, symbol in enumerate(SYMBOLS):
            bars[symbol] = {"source": "yahoo", "days": [DAYS[n] for n in places]} | {
                # A bar is half a cent off on its day and final the day after.
                name: [market.get((symbol, n, name), 10.0 * number + n + 0.005 * (n == at)) for n in places]
                for name in COLUMNS
            }
            if step.dividends:
                bars[symbol]["dividend"] = [0.25 if n % 5 == 0 else 0.0 for n in places]
        shift = {"same": 0.0, "other": 1.0}.get(step.seen)
        provisional = {
            symbol: {"bar": {name: (table[name][-1] or 0.0) + shift for name in COLUMNS}}
            for symbol, table in bars.items()
            if shift is not None
        }
        frame = {"session": DAYS[at - step.behind], "bars": bars, "series": {}, "provisional": provisional}
        hours: dict[str, Any] = {}
        for symbol, table in bars.items():
            # Those of today are not there yet.
            earlier = [*zip(places[:-1], table["close"], strict=False)]
            found = [market.get((symbol, n, "hour"), close) for n, close in earlier]
            names = [f"{DAYS[n]}T15:30/60" for n, _ in earlier]
            hours[symbol] = {"source": "yahoo 1h", "days": names} | dict.fromkeys(COLUMNS, found)
        intraday = {"intraday": {"1h": hours}} if step.hours else {}
        yield step, {**frame, **intraday, "book": {"padding": "x" * WHOLE_CHARACTERS}}


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for name in ("input_frames", "frame_bars", "frame_spans"):
            connection.execute(create_table(TABLES[name]))
            for statement in TABLES[name].indexes:
                connection.execute(statement)
        yield connection


def kept(connection: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


@given(steps=STEPS)
@example(steps=LEFT_OUT_LATER)
@example(steps=LEFT_OUT_TWICE)
@example(steps=TAKEN_BACK)
@example(steps=DRY_FIRST)
@example(steps=AHEAD_FIRST)
@example(steps=AN_HOUR_REVISED)
def test_a_frame_is_stored_the_same_whether_its_older_bars_are_read_or_told_by_their_hash(steps: list[Step]) -> None:
    with database() as told, database() as read:
        stored: dict[str, Mapping[str, Any]] = {}
        writers: list[FrameWriter] = []
        for step, frame in frames_of(steps):
            if step.later or not writers or writers[0].final is not step.final:
                writers = [FrameWriter(connection, final=step.final) for connection in (told, read)]
            read.execute("DELETE FROM frame_spans")
            keys = {writer.insert(frame) for writer in writers}
            assert keys == {digest(canonical(frame))}
            stored[keys.pop()] = frame
        assert kept(told, "frame_bars") == kept(read, "frame_bars")
        assert kept(told, "input_frames") == kept(read, "input_frames")
        for key, text in [] if any(step.behind for step in steps) else kept(told, "input_frames"):
            assert "bars_until" in text
            assert canonical(whole_frame(told, text)) == canonical(stored[key])
            assert is_sound(told, key, text)


def steps_of(connection: sqlite3.Connection, frame: Mapping[str, Any]) -> int:
    """Steps of SQLite's machine that storing a frame takes."""
    taken = count()
    connection.set_progress_handler(lambda: next(taken) < 0, 1)
    FrameWriter(connection, final=True).insert(frame)
    connection.set_progress_handler(None, 0)
    return next(taken)


def plain_frame(at: int, sessions: int) -> dict[str, Any]:
    places = range(at - sessions + 1, at + 1)
    closes = {name: [float(n) for n in places] for name in COLUMNS}
    bars = {symbol: {"source": "yahoo", "days": [DAYS[n] for n in places], **closes} for symbol in SYMBOLS}
    return {"session": DAYS[at], "bars": bars, "provisional": {}, "book": {"padding": "x" * WHOLE_CHARACTERS}}


def test_the_frame_of_the_next_session_costs_the_same_however_long_it_is() -> None:
    told: dict[int, int] = {}
    beside: dict[int, int] = {}
    read: dict[int, int] = {}
    for sessions in (8, 24):
        with database() as connection:
            steps_of(connection, plain_frame(30, sessions))
            told[sessions] = steps_of(connection, plain_frame(31, sessions))
            connection.execute(
                "INSERT INTO frame_bars (symbol, source, session, open, high, low, close) "
                "SELECT 'CCC', source, session, open, high, low, close FROM frame_bars LIMIT 1"
            )
            beside[sessions] = steps_of(connection, plain_frame(32, sessions))
            connection.execute("DELETE FROM frame_spans")
            read[sessions] = steps_of(connection, plain_frame(33, sessions))
    assert told[8] == told[24] < read[8] < read[24] - 16 * len(SYMBOLS)
    # Where others wrote since, their rows are looked for, and the bars are not read either.
    assert beside[24] < read[24] - 8 * 24
