"""Frames as they are stored: small ones whole, of large ones only the bars that no frame had before.

A finished bar is the same in hundreds of frames. It is written once for each value it had; a frame says
which sessions it uses and the newest row it knew, and is put together again to the last bit of its text.
"""

import functools
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct, field

from mtum.adapters.store.frame_spans import LOOKED_AT, Span, keep, span_of
from mtum.core.canonical import canonical, canonical_numbers, digest, parsed

WHOLE_CHARACTERS = 24_000
"""A frame of no more text is kept whole, for a person to read."""
SEAL = "packed_hash"
"""SHA-256 of the packed text without it: not every change of that would show in the frame put together."""
_PACKING = ("bars_usual", "bars_until", SEAL)
_VALUES = ("open", "high", "low", "close", "volume", "dividend")
type Row = tuple[float | None, ...]


class FrameWriter(Struct, frozen=True):
    """Stores frames in one transaction; bars that one frame has of the frame before it are encoded once.

    `final` tells whether their bars are written down for later frames to use; a dry run keeps those of its own.
    """

    connection: sqlite3.Connection
    final: bool
    _told: dict[str, "_Told"] = field(default_factory=dict)
    _parts: dict[tuple[str, str], tuple[object, Row | None, dict[str, Any]]] = field(default_factory=dict)
    _spans: list[Span] = field(default_factory=list)

    def insert(self, frame: Mapping[str, Any]) -> str:
        """Store a frame and return its hash, that of its whole text; a frame that is there already stays."""
        texts = {name: [canonical(value)] for name, value in frame.items() if name != "bars"}
        if "bars" in frame:
            texts["bars"] = self._bars_text(frame["bars"])
        parts = _table(texts)
        key = digest(*parts)
        if self.connection.execute("SELECT 1 FROM input_frames WHERE hash = ?", (key,)).fetchone() is None:
            whole = sum(map(len, parts)) <= WHOLE_CHARACTERS or not frame.get("bars")
            stored = "".join(parts if whole else _sealed(texts | self._packed(frame)))
            self.connection.execute("INSERT INTO input_frames VALUES (?, ?)", (key, stored))
        return key

    def _bars_text(self, bars: Mapping[str, Mapping[str, Any]]) -> list[str]:
        for symbol, one in bars.items():
            if symbol not in self._told or self._told[symbol].bars is not one:
                self._told[symbol] = _told_of(one)
        return _table({symbol: [self._told[symbol].text] for symbol in bars})

    def _packed(self, frame: Mapping[str, Any]) -> dict[str, list[str]]:
        # The texts of what a packed frame has in place of its bars.
        newest = _newest(self.connection)

        def parted(table: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
            # Most symbols have the same sessions from the same source: only what differs is written.
            parts = {symbol: self._part(frame, symbol, bars, newest) for symbol, bars in table.items()}
            usual = next(iter(parts.values()), {})
            return usual, {
                symbol: {name: value for name, value in part.items() if value != usual[name]}
                for symbol, part in parts.items()
            }

        usual, differing = parted(frame["bars"])
        packed: dict[str, Any] = {"bars": differing, "bars_usual": usual}
        if "intraday" in frame:
            packed["intraday"] = {timeframe: parted(table) for timeframe, table in frame["intraday"].items()}
        packed["bars_until"] = _newest(self.connection)
        keep(self.connection, self._spans, packed["bars_until"])
        self._spans.clear()
        return {name: [canonical(value)] for name, value in packed.items()}

    def _part(self, frame: Mapping[str, Any], symbol: str, bars: Mapping[str, Any], newest: int) -> dict[str, Any]:
        session, days, of = frame["session"], bars["days"], (symbol, bars["source"])
        names = [name for name in _VALUES if name in bars]
        seen = _as_seen(frame, symbol, names)
        last = self._parts.get(of)
        if last is not None and last[0] is bars and last[1] == seen:
            return last[2]
        span = self._span(symbol, bars)
        own, without = self._unknown(bars, names, of, span, newest)
        today = own.pop(session, None)
        if self.final:
            _write(self.connection, *of, names, own)
            own = {}
            if span is not None and not without and session >= days[-1]:
                self._spans.append(span)
        if today is not None and today != seen:
            own[session] = today
        where = {"source": bars["source"], "columns": names, "first": days[0], "last": days[-1]}
        part = {**where, "without": without, "own": own}
        self._parts[of] = bars, seen, part
        return part

    def _span(self, symbol: str, bars: Mapping[str, Any]) -> Span | None:
        # None for bars within the session: several of them are new every day.
        told, sessions = self._told.get(symbol), len(bars["days"])
        if told is None or told.bars is not bars or sessions < LOOKED_AT:
            return None
        return span_of(symbol, bars["source"], sessions, told.text)

    def _unknown(
        self, bars: Mapping[str, Any], names: list[str], of: tuple[str, str], span: Span | None, newest: int
    ) -> tuple[dict[str, Row], list[str]]:
        # The rows that are not the newest of their sessions, and the sessions that the frame is without.
        days, whole = bars["days"], (bars["days"][0], bars["days"][-1])
        # On Mondays all is read: what somebody damaged is written anew before many frames rest on it.
        until = None if span is None or date.fromisoformat(days[-1]).weekday() == 0 else span.until(self.connection)
        if until is not None:
            since, columns = days[-LOOKED_AT], [self._told[of[0]].newest[name] for name in names]
            span_asked = (since, days[-1]) if until >= newest else whole
            versions = _versions(self.connection, names, of, span_asked, newest, (since, until))
            if not versions or versions[0][0] >= since:  # nobody wrote another value of an older bar
                return _new([*zip(days[-LOOKED_AT:], *columns, strict=True)], versions)
        versions = _versions(self.connection, names, of, whole, newest)
        return _new([*zip(days, *(bars[name] for name in names), strict=True)], versions)


def _table(texts: Mapping[str, list[str]]) -> list[str]:
    # The canonical text of a table by those of its values, all in parts: that of a frame has millions of characters.
    parts = ["{"]
    for place, name in enumerate(sorted(texts)):
        parts += "," if place else "", f"{canonical(name)}:", *texts[name]
    return [*parts, "}"]


def _sealed(texts: dict[str, list[str]]) -> list[str]:
    return _table({**texts, SEAL: [canonical(digest(*_table(texts)))]})


class _Told(Struct, frozen=True):
    # A symbol's bars, their canonical text, and the newest numbers of each column.
    bars: Mapping[str, Any]
    text: str
    newest: dict[str, list[float | None]]


def _told_of(bars: Mapping[str, Any]) -> _Told:
    # Six columns of hundreds of numbers, one after the other, beside the days and the source.
    newest: dict[str, list[float | None]] = {}
    texts: dict[str, list[str]] = {}
    for name, one in bars.items():
        if name in _VALUES:
            newest[name] = one[-LOOKED_AT:]
            texts[name] = [canonical_numbers(one)]
        else:
            texts[name] = [_days_text(tuple(one)) if name == "days" else canonical(one)]
    return _Told(bars, "".join(_table(texts)), newest)


@functools.lru_cache(maxsize=16)
def _days_text(days: tuple[str, ...]) -> str:
    # Most symbols have the same sessions.
    return canonical(days)


def whole_frame(connection: sqlite3.Connection, stored: str, *, bars: bool = True) -> dict[str, Any]:
    """Return a frame put together from its stored text, or all of it but its bars.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    stored : str
        The stored text.
    bars : bool
        Whether the bars of a large frame are read too.

    Raises
    ------
    ValueError
        If the text is not that of a frame.
    """
    frame = parsed(dict[str, Any], stored, "a stored frame")
    if "bars_until" not in frame:
        return frame
    if not bars:
        return {name: value for name, value in frame.items() if name not in (*_PACKING, "bars", "intraday")}

    def put_together(usual: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
        return {symbol: _whole(connection, frame, symbol, {**usual, **part}) for symbol, part in parts.items()}

    try:
        whole = {"bars": put_together(frame["bars_usual"], frame["bars"])}
        if "intraday" in frame:
            whole["intraday"] = {name: put_together(*parts) for name, parts in frame["intraday"].items()}
    except (AttributeError, IndexError, KeyError, TypeError, sqlite3.Error) as error:
        raise ValueError(f"a frame's bars cannot be put together: {error!r}") from error
    return {name: value for name, value in frame.items() if name not in _PACKING} | whole


def is_sound(connection: sqlite3.Connection, key: str, stored: str) -> bool:
    """Return whether a stored frame still is what its hash says, its bars included.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    key : str
        Hash under which the frame is stored.
    stored : str
        The stored text.
    """
    if digest(stored) == key:
        return True
    try:
        packed = parsed(dict[str, Any], stored, "a stored frame")
        as_written = canonical(packed) == stored and packed.pop(SEAL, None) == digest(canonical(packed))
        return as_written and digest(canonical(whole_frame(connection, stored))) == key
    except ValueError:
        return False


def _newest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM frame_bars").fetchone()[0])


def _as_seen(frame: Mapping[str, Any], symbol: str, names: list[str]) -> Row | None:
    # The bar of the session itself, as it mostly is: the provisional one of the same frame, without a dividend.
    seen = frame.get("provisional", {}).get(symbol, {}).get("bar")
    return None if seen is None else tuple(seen.get(name, 0.0) for name in names)


def _write(connection: sqlite3.Connection, symbol: str, source: str, names: list[str], rows: Mapping[str, Row]) -> None:
    columns = ", ".join(("symbol", "source", "session", *names))
    marks = ", ".join("?" * (3 + len(names)))
    connection.executemany(
        f"INSERT INTO frame_bars ({columns}) VALUES ({marks})",
        [(symbol, source, day, *row) for day, row in rows.items()],
    )


def _whole(
    connection: sqlite3.Connection, frame: Mapping[str, Any], symbol: str, part: Mapping[str, Any]
) -> dict[str, Any]:
    names, source, today = [name for name in _VALUES if name in part["columns"]], part["source"], frame["session"]
    versions = _versions(connection, names, (symbol, source), (part["first"], part["last"]), frame["bars_until"])
    rows = {day: row for day, row in _by_day(versions).items() if day not in part["without"]}
    rows |= {day: tuple(row) for day, row in part["own"].items()}
    if today not in rows and part["last"] == today:
        rows[today] = _as_seen(frame, symbol, names) or ()
    days = sorted(rows)
    columns = {name: [rows[day][place] for day in days] for place, name in enumerate(names)}
    return {"source": source, "days": days, **columns}


def _versions(
    connection: sqlite3.Connection,
    names: Sequence[str],
    of: tuple[str, str],
    span: tuple[str, str],
    until: int,
    beyond: tuple[str, int] = ("", 0),
) -> list[tuple[Any, ...]]:
    # Sessions of a symbol from a source, each with its values; the newest row of each stands, and comes last.
    # `beyond` asks for those from a session on, and for what was written after a row, alone.
    sql = (
        f"SELECT session, {', '.join(names)} FROM frame_bars WHERE symbol = ? AND source = ? "
        "AND session BETWEEN ? AND ? AND id <= ? AND (session >= ? OR id > ?) ORDER BY session, id"
    )
    rows = connection.cursor()
    rows.row_factory = None  # plain tuples: there are hundreds for every symbol
    return rows.execute(sql, (*of, *span, until, *beyond)).fetchall()


def _by_day(rows: Sequence[tuple[Any, ...]]) -> dict[str, Row]:
    # The values of each session; of several rows the last.
    return {row[0]: row[1:] for row in rows}


def _new(rows: list[tuple[Any, ...]], versions: list[tuple[Any, ...]]) -> tuple[dict[str, Row], list[str]]:
    # The rows of a frame that are not the newest of their sessions, by session, and the sessions that it is without.
    if versions == rows[: len(versions)]:  # mostly only the last bars are new, which one look at both lists tells
        return _by_day(rows[len(versions) :]), []
    known, given = _by_day(versions), _by_day(rows)
    return {day: row for day, row in given.items() if known.get(day) != row}, sorted(known.keys() - given.keys())
