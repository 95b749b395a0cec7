"""A view that says what a row of it is and what each column means."""

from msgspec import Struct


class View(Struct, frozen=True):
    """One view: what a row is, what its columns mean, and the query."""

    name: str
    meaning: str
    columns: dict[str, str]
    query: str
