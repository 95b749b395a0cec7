"""Reading costs what there is to read: every view and the status, by the steps SQLite takes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from mtum.adapters.store import reading
from mtum.adapters.store.books import SqliteBooks
from mtum.adapters.store.database import Database
from mtum.adapters.store.ledger import SqliteLedger
from mtum.adapters.store.market.bars import SqliteBars
from mtum.adapters.store.orders.order_store import SqliteOrders
from mtum.adapters.store.schema.views import VIEWS
from mtum.ports.rows import DayRow
from support.grown_store import grown
from support.store import STRATEGY

SMALL, LARGE = 83, 323
"""Both end with shares held: v_positions has a row."""
LINEAR = 1.3 * LARGE / SMALL
"""A query that looks at all bars for each of its rows takes sixteen times the steps instead of four."""


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folders = {sessions: tmp_path_factory.mktemp(f"grown-{sessions}") for sessions in (SMALL, LARGE)}
    for sessions, folder in folders.items():
        grown(folder, sessions).close()
    return {sessions: folder / "mtum.db" for sessions, folder in folders.items()}


def steps(path: Path, sql: str) -> int:
    """Steps of SQLite's machine that the query takes, in tens."""
    taken = count()
    with closing(reading.open_read_only(path)) as connection:
        connection.set_progress_handler(partial(counted, taken), 10)
        connection.execute(sql).fetchall()
    return next(taken)


def counted(taken: Iterator[int]) -> bool:
    """Count a step, and let the statement go on."""
    return next(taken) < 0


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_costs_in_line_with_the_sessions(databases: dict[int, Path], view: str) -> None:
    small, large = (steps(databases[sessions], f"SELECT * FROM {view}") for sessions in (SMALL, LARGE))
    assert large <= LINEAR * small, f"{view}: {small} and {large} steps"


def test_every_question_of_the_status_costs_in_line_with_the_sessions(databases: dict[int, Path]) -> None:
    asked: list[str] = []
    with closing(reading.open_read_only(databases[LARGE])) as connection:
        connection.set_trace_callback(asked.append)
        reading.SqliteReader(connection).state()
    assert len(asked) >= 8
    for sql in asked:
        small, large = (steps(databases[sessions], sql) for sessions in (SMALL, LARGE))
        assert large <= LINEAR * small + 20, f"{sql}: {small} and {large} steps"


@pytest.mark.parametrize(
    "ask",
    [
        lambda database, day: SqliteBooks(database).outline([STRATEGY], day),
        lambda database, day: SqliteLedger(database).movements(STRATEGY, open_only=True),
        lambda database, day: SqliteOrders(database).states(day),
        lambda database, day: SqliteBars(database).eventful("MTUM", "made-up", date(1990, 1, 1), day),
        lambda database, _: reading.SqliteReader(database.connection).decision(),
        lambda database, _: reading.SqliteReader(database.connection).decision(None, STRATEGY),
        lambda database, _: reading.SqliteReader(database.connection).rows(DayRow, None, 1, strategy=STRATEGY),
    ],
    ids=[
        "highest equity",
        "movements not paid yet",
        "orders of a day",
        "bars with dividends",
        "newest decision",
        "newest decision of a sleeve",
        "newest day of a sleeve",
    ],
)
def test_what_a_session_asks_costs_the_same_after_any_number_of_them(
    databases: dict[int, Path], ask: Callable[[Database, date], object]
) -> None:
    """Steps in tens; a table gone through would take a step and more for each session."""
    found = {}
    for sessions, path in databases.items():
        taken = count()
        with closing(reading.open_read_only(path)) as connection:
            day = date.fromisoformat(connection.execute("SELECT max(session) FROM equity").fetchone()[0])
            connection.set_progress_handler(partial(counted, taken), 10)
            ask(Database(path, connection, "PRACTICE"), day)
        found[sessions] = next(taken)
    assert found[LARGE] <= found[SMALL] + 25, found
