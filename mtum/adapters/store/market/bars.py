"""The cache of daily bars: the latest accepted value, what it replaced, and what was kept out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from math import nan
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.adapters.store.actions import AGREED, read_actions
from mtum.adapters.store.database import Database, ReadBars
from mtum.adapters.store.faults import faults_of
from mtum.adapters.store.market.checksums import checksum
from mtum.adapters.store.market.vintages import BarRows, undone
from mtum.adapters.store.orders.trades import write_trades
from mtum.adapters.store.texts import cells, insert, instant, instant_text, of_row, plain, since_text
from mtum.core.market.bars import COLUMNS, Bars, Days, among, followed, selected
from mtum.core.portfolio.fills import Action, Split
from mtum.ports.records import Revision

if TYPE_CHECKING:
    from sqlite3 import Connection

_NAMES = ", ".join(COLUMNS)

_SINCE = "FROM bars WHERE symbol = ? AND source = ? AND session >= ?"
_SESSIONS = f"SELECT group_concat(session) {_SINCE}"
_NUMBERS = ("open", "high", "low", "close", "volume")
_ALL_NUMBERS = f"SELECT {', '.join(_NUMBERS)} {_SINCE} ORDER BY session"
_EVENTFUL = "(dividend <> 0 OR split <> 0)"  # as the index of these bars says it
_EVENTS = f"SELECT session, dividend, split {_SINCE} AND {_EVENTFUL}"

_ACCEPT = f"""
INSERT INTO bars (symbol, source, session, {_NAMES}, first_read_at, read_at, final, checksum)
VALUES (?, ?, ?, {", ".join("?" * len(COLUMNS))}, ?, ?, ?, ?)
ON CONFLICT (symbol, source, session) DO UPDATE SET
  {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)},
  read_at = excluded.read_at, final = max(final, excluded.final), checksum = excluded.checksum"""

_ACTION = "INSERT INTO corporate_actions VALUES (?, ?, ?, ?, ?, ?)"


class SqliteBars(Struct, frozen=True):
    """The port `BarStore` on SQLite."""

    database: Database

    def bars(self, symbol: str, source: str, since: date | None = None) -> Bars:
        """Return all accepted bars, or those from a date on; empty when nothing is cached."""
        first, version = since_text(since), self.database.version()
        known = self.database.bars.get((symbol, source))
        if known is None or known.version != version or first < known.first:
            known = self.database.bars[symbol, source] = ReadBars(version, first, self._read(symbol, source, first))
        return known.bars if since is None else known.bars.since(since)

    def _read(self, symbol: str, source: str, first: str) -> Bars:
        # Of bars there are thousands, and each cell that Python has to make costs: the sessions come as one text,
        # dividends and splits only where there are any, and the numbers go into an array as they are read.
        asked = (symbol, source, first)
        with self.database.read():
            ((sessions,),) = self.database.tuples(_SESSIONS, asked)
            numbers = np.fromiter(self.database.cells(_ALL_NUMBERS, asked), np.float64)  # NaN for an unknown volume
            events = self.database.tuples(_EVENTS, asked)
        days = _days(sessions or "")
        columns = dict(zip(_NUMBERS, numbers.reshape(-1, len(_NUMBERS)).T, strict=True))
        columns |= {name: np.zeros(len(days)) for name in ("dividend", "split")}
        if events:
            when, dividends, splits = zip(*events, strict=True)
            places = days.searchsorted(np.array(when, dtype="datetime64[D]"))
            columns["dividend"][places], columns["split"][places] = dividends, splits
        return Bars.from_columns(symbol, source, days, columns)

    def eventful(self, symbol: str, source: str, since: date, until: date, days: Sequence[date] = ()) -> Bars:
        """Return the first and the last bar of the closed interval, those with a dividend or a split, and `days`."""
        known = self.database.bars.get((symbol, source))
        if known is not None and known.first <= since.isoformat() and known.version == self.database.version():
            bars, asked_for = known.bars.since(since).until(until), np.array(sorted(days), dtype="datetime64[D]")
            wanted = (bars.dividend != 0) | (bars.split != 0) & (bars.split != 1) | among(bars.days, asked_for)
            wanted[:1] = wanted[-1:] = True
            return selected(bars, wanted)
        span = "symbol = :symbol AND source = :source AND session BETWEEN :since AND :until"
        found = (
            f"SELECT session AS day FROM bars WHERE {span} AND {_EVENTFUL} AND (dividend <> 0 OR split <> 1) "
            "UNION SELECT value FROM json_each(:days) WHERE value BETWEEN :since AND :until "
            f"UNION SELECT min(session) FROM bars WHERE {span} UNION SELECT max(session) FROM bars WHERE {span}"
        )
        # From the days to their bars, not through every bar of the interval.
        which = "symbol = :symbol AND source = :source AND session = day"
        sql = f"SELECT session, {_NAMES} FROM ({found}) CROSS JOIN bars ON {which} ORDER BY session"
        wanted = plain([day.isoformat() for day in days])
        asked = {"symbol": symbol, "source": source, "since": since.isoformat(), "until": until.isoformat()}
        return _bars(symbol, source, self.database.rows(sql, {**asked, "days": wanted}))

    def as_of(self, symbol: str, source: str, instant: datetime) -> Bars:
        """Return the bars as they were accepted at that instant.

        Bars first read later are left out; accepted revisions and re-basing splits recorded
        later are undone, newest first.
        """
        known = instant_text(instant)
        sql = (
            f"SELECT session, {_NAMES} FROM bars "
            "WHERE symbol = ? AND source = ? AND first_read_at <= ? ORDER BY session"
        )
        rows: BarRows = {
            row[0]: [nan if number is None else number for number in list(row)[1:]]  # an unknown volume is empty
            for row in self.database.rows(sql, (symbol, source, known))
        }
        changes = self.database.rows(
            "SELECT session, field, before, replaced_at AS at FROM bar_revisions "
            "WHERE symbol = ? AND source = ? AND accepted = 1 AND replaced_at > ? ORDER BY id",
            (symbol, source, known),
        )
        splits = self.database.rows(
            "SELECT session, amount, recorded_at AS at FROM corporate_actions "
            "WHERE kind = 'split' AND symbol = ? AND source = ? AND recorded_at > ? "
            "AND source <> 'csv'",  # files are re-based already
            (symbol, source, known),
        )
        undone(rows, changes, splits)
        untold = self.database.rows(
            "SELECT session FROM corporate_actions "
            "WHERE kind = 'dividend' AND symbol = ? AND source = ? AND recorded_at > ?",
            (symbol, source, known),
        )
        for row in untold:
            if row["session"] in rows:
                rows[row["session"]][COLUMNS.index("dividend")] = 0.0
        return _bars(symbol, source, [(session, *values) for session, values in rows.items()])

    def last_final(self, symbol: str, source: str) -> date | None:
        """Return the newest session whose bar is final."""
        # From the newest bar back: `max` would look at every bar there is.
        sql = "SELECT session FROM bars WHERE symbol = ? AND source = ? AND final = 1 ORDER BY session DESC LIMIT 1"
        row = self.database.row(sql, (symbol, source))
        return date.fromisoformat(row[0]) if row else None

    def read_times(self, symbol: str, source: str, first: date) -> Mapping[date, datetime]:
        """Return when the present value of each bar from that session on was read."""
        sql = "SELECT session, read_at FROM bars WHERE symbol = ? AND source = ? AND session >= ?"
        rows = self.database.rows(sql, (symbol, source, first.isoformat()))
        return {date.fromisoformat(session): instant(at) for session, at in rows}

    def accept(
        self, bars: Bars, read_at: datetime, final_until: date | None, revisions: Sequence[Revision] = ()
    ) -> None:
        """Insert or update bars in one transaction; earlier values go to revisions.

        Bars up to `final_until` are final, and a final bar stays so. Splits and dividends among
        the bars are recorded with the instant they were first told.
        """
        if not len(bars) and not revisions:
            return
        at = instant_text(read_at)
        known = self.database.bars.pop((bars.symbol, bars.source), None)
        with self.database.write(flushed=False) as connection:
            connection.executemany(_ACCEPT, _accepted(bars, at, final_until))
            _record_actions(connection, bars, at)
            for one in revisions:
                values = {**cells(one, "column"), "field": one.column}
                insert(connection, "bar_revisions", values, "ON CONFLICT DO NOTHING")
        if known is not None and len(bars) and len(known.bars) and known.bars.last_day < bars.day(0):
            # What stands behind all that was read need not be read again: as on most days. There is no -0 in SQLite.
            added = replace(bars, **{name: getattr(bars, name) + 0.0 for name in COLUMNS})
            self.database.bars[bars.symbol, bars.source] = known._replace(bars=followed(known.bars, added))

    def revisions(self, symbol: str | None = None) -> Sequence[Revision]:
        """Return recorded revisions, oldest first."""
        sql = "SELECT * FROM bar_revisions WHERE ? IS NULL OR symbol = ? ORDER BY replaced_at, id"
        return tuple(
            of_row(Revision, row, f"the revision {row['id']}", column=row["field"])
            for row in self.database.rows(sql, (symbol, symbol))
        )

    def actions(self) -> Sequence[Action]:
        """Return what lots follow: splits that source and broker agreed upon, and changes of symbols stated."""
        with faults_of(self.database.path):
            return read_actions(self.database.connection)

    def agree_split(self, split: Split, at: datetime) -> None:
        """Record that the broker's position confirmed a split; the same again changes nothing."""
        values = (split.symbol, split.session.isoformat(), "split", AGREED, float(split.ratio), instant_text(at))
        with self.database.write() as connection:
            connection.execute(f"{_ACTION} ON CONFLICT DO NOTHING", values)
            write_trades(connection, {split.symbol})

    def series(self, name: str, source: str, since: date | None = None) -> Mapping[date, float]:
        """Return cached official closes of an extra series by session, all or from a date on, oldest first."""
        sql = "SELECT session, close FROM bars WHERE symbol = ? AND source = ? AND session >= ? ORDER BY session"
        rows = self.database.rows(sql, (name, source, since_text(since)))
        return {date.fromisoformat(session): close for session, close in rows}


@lru_cache(maxsize=64)
def _days(text: str) -> Days:
    # Made once: most symbols have the same sessions.
    return np.sort(np.array(text.split(",") if text else (), dtype="datetime64[D]"))


def _bars(symbol: str, source: str, rows: Iterable[Sequence[object]]) -> Bars:
    columns = list(zip(*rows, strict=True)) or [()] * (1 + len(COLUMNS))
    return Bars.from_columns(symbol, source, columns[0], dict(zip(COLUMNS, columns[1:], strict=True)))


def _accepted(bars: Bars, at: str, final_until: date | None) -> Iterator[tuple[str | float | int, ...]]:
    days = [day.isoformat() for day in bars.days.tolist()]
    last_final = "" if final_until is None else final_until.isoformat()
    columns = [getattr(bars, name).tolist() for name in COLUMNS]
    for day, *numbers in zip(days, *columns, strict=True):
        key = (bars.symbol, bars.source, day)
        yield (*key, *numbers, at, at, int(day <= last_final), checksum(numbers, key))


def _record_actions(connection: "Connection", bars: Bars, at: str) -> None:
    for kind, column in (("split", bars.split), ("dividend", bars.dividend)):
        rows = [
            (bars.symbol, bars.day(int(index)).isoformat(), kind, bars.source, float(column[index]), at)
            for index in column.nonzero()[0]
        ]
        if rows:
            # The instant of the first word stays: provenance goes by it.
            connection.executemany(
                f"{_ACTION} ON CONFLICT (symbol, session, kind, source) DO UPDATE SET amount = excluded.amount", rows
            )
