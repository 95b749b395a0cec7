"""Messages waiting to be delivered: written with the run, sent after it."""

import sqlite3
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.texts import cells, insert, instant_text, maybe_instant, of_row, plain
from mtum.ports.messages import Message

_ONCE = "ON CONFLICT (key) DO NOTHING"


class SqliteMessages(Struct, frozen=True):
    """The port `MessageStore` on SQLite."""

    database: Database

    def queue_message(self, message: Message, at: datetime, run_id: int | None) -> bool:
        """Put a message into the outbox; False if its key is already there."""
        images = {name: b64encode(image).decode("ascii") for name, image in message.images.items()}
        values = {**cells(message, "images", "at"), "images": plain(images), "noted_at": instant_text(at)}
        with self.database.write() as connection:
            return insert(connection, "notifications", {**values, "run_id": run_id}, _ONCE).rowcount == 1

    def undelivered(self) -> Sequence[tuple[int, Message]]:
        """Return outbox messages not delivered yet, with their ids, oldest first."""
        rows = self.database.rows("SELECT * FROM notifications WHERE delivered_at IS NULL ORDER BY id")
        return tuple((row["id"], _message(row)) for row in rows)

    def delivered(self, note_id: int, at: datetime, error: str | None = None) -> None:
        """Record a delivery, which also lets go of HTML and images, or a failed try with its error."""
        if error is None:
            change = "delivered_at = ?, error = NULL, html = NULL, images = '{}'"
            values: tuple[str | int, ...] = (instant_text(at), note_id)
        else:
            change, values = "error = ?", (error, note_id)
        with self.database.write() as connection:
            connection.execute(f"UPDATE notifications SET tries = tries + 1, {change} WHERE id = ?", values)

    def deliveries(self, prefix: str) -> Mapping[str, datetime | None]:
        """Return when each message whose key begins so was delivered, None for not yet, oldest first."""
        # A range of keys, as a pattern would read % and _ in an account's name; char is the last character there is.
        sql = "SELECT key, delivered_at FROM notifications WHERE key >= ? AND key < ? || char(1114111) ORDER BY id"
        rows = self.database.rows(sql, (prefix, prefix))
        return {row["key"]: maybe_instant(row["delivered_at"]) for row in rows}


def _message(row: sqlite3.Row) -> Message:
    return of_row(Message, row, f"the message {row['key']}", at=row["noted_at"])
