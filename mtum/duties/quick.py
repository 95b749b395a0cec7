"""What commands of a moment need of the world; nothing here loads a library that takes time."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mtum.adapters.clock import SystemClock
from mtum.adapters.store.reading import SqliteReader, meta, open_read_only
from mtum.app.queries.ownership import ownership_problems
from mtum.errors import StoreError, StoreMismatchError
from mtum.ports.reading import Reader

if TYPE_CHECKING:
    from mtum.config import Settings
    from mtum.ports.time import Clock


def system_clock() -> "Clock":
    """Return the computer's clock."""
    return SystemClock()


def log_to_terminal(level: str, environment: Mapping[str, str]) -> None:
    """Show what is logged from that level on; secrets are left out."""
    from mtum.adapters import logs
    from mtum.duties.secrets import secrets_of

    logs.to_terminal(level, secrets_of(environment))


@contextmanager
def opened_reader(settings: "Settings", database: Path, *, any_owner: bool = False) -> Iterator[Reader | None]:
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
    if database.parent.exists() and not database.parent.is_dir():
        raise StoreError(f"{database.parent} is not a folder; name another one with --data-dir")
    # A run that was stopped before its first commit leaves an empty file.
    if not database.exists() or (database.is_file() and database.stat().st_size == 0):
        yield None
        return
    with closing(open_read_only(database)) as connection:
        facts = meta(connection)
        strange = [] if any_owner else ownership_problems(settings, facts.get("mode"), facts.get("account"))
        if strange:
            raise StoreMismatchError("; ".join(strange))
        yield SqliteReader(connection)
