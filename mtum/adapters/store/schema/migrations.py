"""The schema's history: one migration per step, each applied once and recorded."""

import sqlite3

from sqlite_utils import Database, Migrations

from mtum.adapters.store.schema import SCHEMA_VERSION, create_statements

MIGRATIONS = Migrations("mtum")


@MIGRATIONS(name="0001_tables_and_views")
def tables_and_views(db: Database) -> None:
    """Create every table and view of the first schema."""
    for statement in create_statements():
        db.execute(statement)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to this program's, all or nothing; `PRAGMA user_version` says how far it is.

    The caller holds the write transaction, so that two first runs do not collide.
    """
    db = Database(connection, recursive_triggers=False)
    MIGRATIONS.apply(db)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
