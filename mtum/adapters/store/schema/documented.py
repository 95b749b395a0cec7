"""A table that says what a row of it is and what each column means."""

from msgspec import Struct


class Column(Struct, frozen=True):
    """One column: its SQL type with constraints, and what it means."""

    name: str
    sql: str
    meaning: str


class DocumentedTable(Struct, frozen=True):
    """One table: what a row is, its columns, and table constraints and indexes."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    constraints: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()


def table(name: str, meaning: str, columns: str, constraints: str = "", *indexes: str) -> DocumentedTable:
    """Return a table whose columns are written one a line: name | type and constraints | meaning.

    Parameters
    ----------
    name : str
        Name of the table.
    meaning : str
        What a row of it means.
    columns : str
        A column a line: name, type and constraints, meaning.
    constraints : str
        Constraints of the table, one a line.
    indexes : str
        Indexes of the table, one a line.
    """
    rows = [line.split("|") for line in columns.strip().splitlines()]
    parsed = tuple(Column(*(part.strip() for part in row)) for row in rows)
    return DocumentedTable(name, meaning, parsed, (constraints,) if constraints else (), indexes)
