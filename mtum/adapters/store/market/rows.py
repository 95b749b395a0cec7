"""Rows of revisions and quarantined bars, both ways."""

import sqlite3
from datetime import date

from mtum.adapters.store.texts import instant, instant_text, maybe_instant
from mtum.core.market.bars import Bar
from mtum.ports.records import QuarantinedBar, Revision

type Cells = tuple[str | float | int, ...]


def revision_values(one: Revision) -> Cells:
    """Return the cells of a revision but its id."""
    return (
        one.symbol,
        one.source,
        one.session.isoformat(),
        one.column,
        one.before,
        one.after,
        instant_text(one.first_read_at),
        instant_text(one.replaced_at),
        int(one.accepted),
    )


def revision(row: sqlite3.Row) -> Revision:
    """Return the revision of a row."""
    return Revision(
        symbol=row["symbol"],
        source=row["source"],
        session=date.fromisoformat(row["session"]),
        column=row["field"],
        before=row["before"],
        after=row["after"],
        first_read_at=instant(row["first_read_at"]),
        replaced_at=instant(row["replaced_at"]),
        accepted=bool(row["accepted"]),
    )


def quarantine_values(one: QuarantinedBar) -> Cells:
    """Return the cells of a quarantined bar but its id and release; a missing number becomes empty."""
    bar = one.bar
    numbers = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return (
        one.symbol,
        one.source,
        bar.day.isoformat(),
        *numbers,
        one.rule,
        one.found,
        instant_text(one.seen_at),
    )


def kept_out(row: sqlite3.Row) -> QuarantinedBar:
    """Return the quarantined bar of a row; an empty number is NaN."""
    names = ("open", "high", "low", "close", "volume")
    numbers = [float("nan") if row[name] is None else row[name] for name in names]
    return QuarantinedBar(
        symbol=row["symbol"],
        source=row["source"],
        bar=Bar(date.fromisoformat(row["session"]), *numbers),
        rule=row["rule"],
        found=row["found"],
        seen_at=instant(row["seen_at"]),
        id=row["id"],
        released_at=maybe_instant(row["released_at"]),
        released_by=row["released_by"],
    )
