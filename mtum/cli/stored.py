"""The database as the reading commands open it: read only, by the standard library alone."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mtum.cli.context import Call
from mtum.errors import StoreError, StoreMismatchError

if TYPE_CHECKING:
    from sqlite3 import Connection

STAND_IN = "S&P 500 / 10 of the embedded sample stands in for the symbol; everything is simulated"
NOTHING_YET = "nothing recorded yet; `mtum run` plays the first session, `mtum demo` shows a whole year"


@contextmanager
def stored(call: Call, *, any_owner: bool = False) -> Iterator["Connection | None"]:
    """Open the database for reading; None when nothing has been recorded yet.

    Parameters
    ----------
    any_owner : bool
        Whether a database of another mode or account is read too.

    Raises
    ------
    StoreError
        If there is a file that cannot be read.
    StoreMismatchError
        If it is another mode's or account's.
    """
    from mtum.adapters.store.reading import meta, open_read_only
    from mtum.app.records.status import ownership_problems

    settings, path = call.settings(), call.database()
    if path.parent.exists() and not path.parent.is_dir():
        raise StoreError(f"{path.parent} is not a folder; name another one with --data-dir")
    if _nothing_in(path):
        yield None
        return
    connection = open_read_only(path)
    try:
        strange = [] if any_owner else ownership_problems(settings, meta(connection))
        if strange:
            raise StoreMismatchError("; ".join(strange))
        yield connection
    finally:
        connection.close()


def stand_in(call: Call) -> list[str]:
    """Return the line that every output on the embedded market carries; nothing on a real one."""
    settings = call.settings()
    return [STAND_IN] if settings.mode == "practice" and settings.market.source == "sample" else []


def untold_commissions(fills: Sequence[Mapping[str, object]], left: str) -> list[str]:
    """Return the lines that name executions without a commission and say what is left open for it.

    Parameters
    ----------
    fills : sequence of mapping
        Fills without a commission (see `reading.without_commission`); none give no line.
    left : str
        What that does to the listing or file.
    """
    if not fills:
        return []
    named = ", ".join(
        f"{one['exec_id']} ({one['side']} {one['shares']} {one['symbol']}, {one['session']})" for one in fills
    )
    which = "1 execution has" if len(fills) == 1 else f"{len(fills)} executions have"
    return [f"{which} no commission yet: {named}; {left}. `mtum settle` asks the broker for the newest again"]


def _nothing_in(path: Path) -> bool:
    # A run that was stopped before its first commit leaves an empty file.
    return not path.exists() or (path.is_file() and path.stat().st_size == 0)
