"""Messages waiting to be delivered: written with the run, sent after it."""

import json
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mtum.adapters.store.database import Database
from mtum.adapters.store.texts import instant_text, maybe_instant, plain
from mtum.ports.messages import Message, Urgency


@dataclass(frozen=True, slots=True)
class SqliteMessages:
    """The port `MessageStore` on SQLite."""

    database: Database

    def queue_message(self, message: Message, at: datetime, run_id: int | None) -> bool:
        """Put a message into the outbox; False if its key is already there."""
        images = {name: b64encode(image).decode("ascii") for name, image in message.images.items()}
        sql = (
            "INSERT INTO notifications (key, run_id, noted_at, urgency, subject, text, html, images) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"
        )
        values = (
            message.key,
            run_id,
            instant_text(at),
            message.urgency.value,
            message.subject,
            message.text,
            message.html,
            plain(images),
        )
        with self.database.write() as connection:
            return connection.execute(sql, values).rowcount == 1

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
    return Message(
        key=row["key"],
        urgency=Urgency(row["urgency"]),
        subject=row["subject"],
        text=row["text"],
        html=row["html"],
        images={name: b64decode(image) for name, image in json.loads(row["images"]).items()},
        at=maybe_instant(row["noted_at"]),
    )
