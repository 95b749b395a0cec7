"""The schema as SQL and as documentation. Standard library only."""

from collections.abc import Iterator, Mapping

from mtum.adapters.store.schema.documented import DocumentedTable
from mtum.adapters.store.schema.tables import TABLES
from mtum.adapters.store.schema.view import View
from mtum.adapters.store.schema.views import VIEWS


def create_table(table: DocumentedTable) -> str:
    """Return the statement that creates a table, every column commented."""
    lines = [(f"{column.name} {column.sql}", f" -- {column.meaning}") for column in table.columns]
    lines += [(constraint, "") for constraint in table.constraints]
    body = "\n".join(
        f"  {text}{',' if number < len(lines) else ''}{comment}" for number, (text, comment) in enumerate(lines, 1)
    )
    return f"CREATE TABLE {table.name} ( -- {table.meaning}\n{body}\n) STRICT"


def create_view(view: View) -> str:
    """Return the statement that creates a view, every column commented."""
    comments = "\n".join(f"-- {name}: {meaning}" for name, meaning in view.columns.items())
    return f"CREATE VIEW {view.name} AS -- {view.meaning}\n{comments}\n{view.query.strip()}"


def create_statements() -> Iterator[str]:
    """Yield every statement that makes the tables of an empty database; `migrate` adds the views."""
    for table in TABLES.values():
        yield create_table(table)
        yield from table.indexes


def columns_documentation() -> Mapping[str, Mapping[str, str]]:
    """Return what every column of every table and view means: table, then column, then text."""
    tables = {table.name: {column.name: column.meaning for column in table.columns} for table in TABLES.values()}
    return {**tables, **{view.name: view.columns for view in VIEWS.values()}}


def tables_documentation() -> Mapping[str, str]:
    """Return what a row of every table and view is."""
    tables = {table.name: table.meaning for table in TABLES.values()}
    return {**tables, **{view.name: view.meaning for view in VIEWS.values()}}
