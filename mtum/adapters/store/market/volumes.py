"""Volumes seen at decisions, and the final ones once they are known."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import astuple

from mtum.adapters.store.database import Database
from mtum.adapters.store.texts import RESTORE, or_update, plain, since_text
from mtum.core.canonical import decode
from mtum.errors import DocumentError, StoreError
from mtum.ports.records import VolumeSnapshot

if TYPE_CHECKING:
    from mtum.core.market.volume import ObservedShare  # loads numpy

_FIELDS = VolumeSnapshot.__struct_fields__
_SNAPSHOTS = f"SELECT {', '.join(_FIELDS)} FROM volume_snapshots"
_WRITE = (
    f"INSERT INTO volume_snapshots ({', '.join(_FIELDS)}) VALUES ({', '.join('?' * len(_FIELDS))}) "
    f"{or_update(dict.fromkeys(_FIELDS), 'symbol', 'source', 'session')}"
)


class SqliteVolumes(Struct, frozen=True):
    """The port `VolumeStore` on SQLite."""

    database: Database

    def write(self, *snapshots: VolumeSnapshot) -> None:
        """Insert or update the snapshots of their symbols, sources and sessions."""
        with self.database.write() as connection:
            rows = map(astuple, snapshots)
            connection.executemany(_WRITE, [(symbol, source, f"{day}", *rest) for symbol, source, day, *rest in rows])

    def snapshots(self, symbol: str, source: str, since: date | None = None) -> Sequence[VolumeSnapshot]:
        """Return snapshots, oldest first; all, or those from a session on."""
        sql = f"{_SNAPSHOTS} WHERE symbol = ? AND source = ? AND session >= ? ORDER BY session"
        return _snapshots(self.database.tuples(sql, (symbol, source, since_text(since))), source, (symbol,))

    def waiting(self, source: str, symbols: Collection[str]) -> Sequence[VolumeSnapshot]:
        """Return the snapshots still without a final volume, by symbol and oldest first."""
        wanted = "symbol IN (SELECT value FROM json_each(?))"
        sql = f"{_SNAPSHOTS} WHERE {wanted} AND source = ? AND final_volume IS NULL ORDER BY symbol, session"
        return _snapshots(self.database.tuples(sql, (plain(symbols), source)), source, symbols)

    def observed_shares(self, symbol: str, source: str, day: date, minutes: float) -> Sequence["ObservedShare"]:
        """Return the shares that the usual one is learned from, newest first, of the snapshots before a session."""
        from mtum.core.market.volume import LEARNING_DAYS, LEARNING_SESSIONS, NEAR_MINUTES, ObservedShare

        sql = (
            "SELECT session, minutes, volume_so_far / final_volume AS share FROM volume_snapshots "
            "WHERE symbol = ? AND source = ? AND session >= ? AND session < ? AND half_day = 0 AND final_volume <> 0 "
            "AND abs(minutes - ?) <= ? ORDER BY session DESC LIMIT ?"
        )
        since = (day - timedelta(LEARNING_DAYS)).isoformat()
        values = (symbol, source, since, day.isoformat(), minutes, NEAR_MINUTES, LEARNING_SESSIONS)
        found = [dict(row) for row in self.database.rows(sql, values)]
        return _of_rows(tuple[ObservedShare, ...], found, f"the volumes of {symbol} seen by {source}")


def _snapshots(rows: Sequence[Sequence[object]], source: str, symbols: Collection[str]) -> Sequence[VolumeSnapshot]:
    # All at once: a hundred symbols have twenty-five thousand of them in a year.
    found = [dict(zip(_FIELDS, row, strict=True)) for row in rows]
    for one in found:
        one["half_day"] = bool(one["half_day"])
    return _of_rows(tuple[VolumeSnapshot, ...], found, f"the volumes of {', '.join(symbols)} seen by {source}")


def _of_rows[T](kind: type[T], rows: Sequence[Mapping[str, object]], what: str) -> T:
    try:
        return decode(kind, rows, what)
    except DocumentError as broken:
        raise StoreError(f"{broken}; {RESTORE}") from broken
