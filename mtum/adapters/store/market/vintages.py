"""What did the cache say at an earlier instant? Undo what was recorded since, newest first."""

from collections.abc import Iterable
from sqlite3 import Row

from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS

type BarRows = dict[str, list[float]]
"""Values in the order of `COLUMNS` by session text."""

_PLACE = {name: place for place, name in enumerate(COLUMNS)}


def undone(rows: BarRows, revisions: Iterable[Row], splits: Iterable[Row]) -> None:
    """Take revisions and re-basing splits back, in place.

    Parameters
    ----------
    rows : BarRows
        Values by session, in the order of the columns; they are changed in place.
    revisions : rows with session, field, before, at
        In the order they were recorded.
    splits : rows with session, amount, at
        A split multiplied volumes before its session and divided prices and dividends.
    """
    changes = [(row["at"], 1, number, row) for number, row in enumerate(revisions)]
    changes += [(row["at"], 0, number, row) for number, row in enumerate(splits)]
    # Noticed together, the split came first: a revision's earlier value is already re-based.
    for _, revised, _, row in sorted(changes, key=lambda change: change[:3], reverse=True):
        if revised:
            _take_back(rows, row)
        else:
            _unsplit(rows, row["session"], row["amount"])


def _take_back(rows: BarRows, row: Row) -> None:
    if row["session"] in rows:
        rows[row["session"]][_PLACE[row["field"]]] = row["before"]


def _unsplit(rows: BarRows, session: str, ratio: float) -> None:
    for day, numbers in rows.items():
        if day >= session:
            continue
        for name in (*PRICE_COLUMNS, "dividend"):
            numbers[_PLACE[name]] *= ratio
        numbers[_PLACE["volume"]] /= ratio
