"""The cache of bars within the sessions: what was read is never changed, the newest value of a bar counts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import numpy as np
from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.texts import instant, instant_text
from mtum.core.market.intraday import VALUES, IntradayBars, Rows

_NAMES = ", ".join(VALUES)
_OF = "symbol = ? AND source = ? AND minutes = ? AND session >= ?"
type _Row = tuple[float | None, ...]


class SqliteIntraday(Struct, frozen=True):
    """The port `IntradayStore` on SQLite."""

    database: Database

    def rows(self, symbol: str, source: str, minutes: int, since: date) -> Rows:
        """Return the cached bars from a session on, oldest first."""
        known = self._known(symbol, source, minutes, since)
        columns = [*zip(*known.values(), strict=True)] or [()] * len(VALUES)
        begins = np.array([begin.removesuffix("Z") for begin in known], dtype="datetime64[s]")
        return {
            "begins": begins,
            **{name: np.array(one, dtype=np.float64) for name, one in zip(VALUES, columns, strict=True)},
        }

    def read_times(self, symbol: str, source: str, minutes: int, since: date) -> Mapping[date, datetime]:
        """Return when each session that was over was last read, from one on."""
        sql = f"SELECT session, read_at FROM intraday_readings WHERE {_OF}"
        rows = self.database.rows(sql, (symbol, source, minutes, since.isoformat()))
        return {date.fromisoformat(session): instant(at) for session, at in rows}

    def accept(self, bars: IntradayBars, minutes: int, read_at: datetime, over: Sequence[date]) -> None:
        """Add the bars that are new or have other values than before, in one transaction.

        Parameters
        ----------
        over : sequence of date
            Sessions of the reading that were over, whether they have bars or not.
        """
        at, of = instant_text(read_at), (bars.symbol, bars.source, minutes)
        known = self._known(*of, bars.day(0)) if len(bars) else {}
        columns = [[None if one != one else one for one in getattr(bars, name).tolist()] for name in VALUES]  # noqa: PLR0124 - NaN
        new = [
            (*of, str(day), begin, *values, at)
            for day, begin, *values in zip(bars.days, _texts(bars), *columns, strict=True)
            if known.get(begin) != tuple(values)
        ]
        names = f"symbol, source, minutes, session, begins_at, {_NAMES}, read_at"
        with self.database.write(flushed=False) as connection:
            marks = ", ".join("?" * (6 + len(VALUES)))
            connection.executemany(f"INSERT INTO intraday_bars ({names}) VALUES ({marks})", new)
            connection.executemany(
                "INSERT OR REPLACE INTO intraday_readings VALUES (?, ?, ?, ?, ?)",
                [(*of, day.isoformat(), at) for day in over],
            )

    def _known(self, symbol: str, source: str, minutes: int, since: date) -> dict[str, _Row]:
        sql = f"SELECT begins_at, {_NAMES} FROM intraday_bars WHERE {_OF} ORDER BY begins_at, id"
        rows = self.database.rows(sql, (symbol, source, minutes, since.isoformat()))
        return {begin: tuple(values) for begin, *values in rows}


def _texts(bars: IntradayBars) -> list[str]:
    return [f"{begin}Z" for begin in bars.begins.astype(str).tolist()]
