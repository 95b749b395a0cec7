"""What the broker's texts of a refused option order mean: code 201 says everything in words alone."""

from collections.abc import Mapping
from enum import Enum

REJECTED = 201


class Refusal(Enum):
    """What a refusal asks for."""

    COLLISION = "another order works on the other side of a contract; closings go first"
    IMPOSSIBLE = "its legs could only win: a price or a side is wrong in this program; send nothing more, tell a person"
    MARGIN = "the account's margin does not allow it; a smaller order is not tried by itself"
    PERMISSION = "the account may not trade this structure; ask the broker for the level of options it needs"
    PRICE = "the price is off the market; a new quote is needed"
    CLOSED = "the exchange is shut, or allows closing alone"
    MADE_TO_ORDER = "the contract is made to order (FLEX) and is not traded here"
    UNKNOWN = "this text is not known; nothing is sent in it again, tell a person"


TEXTS: Mapping[str, Refusal] = {
    "both sides of the same us option contract": Refusal.COLLISION,
    "riskless combination": Refusal.IMPOSSIBLE,
    "flex option": Refusal.MADE_TO_ORDER,
    "must exceed the initial margin": Refusal.MARGIN,
    "initial margin": Refusal.MARGIN,
    "equity with loan value": Refusal.MARGIN,
    "minimum of 2000": Refusal.MARGIN,
    "minimum of 2,000": Refusal.MARGIN,
    "trading permission": Refusal.PERMISSION,
    "more aggressive than": Refusal.PRICE,
    "closing-only": Refusal.CLOSED,
    "close-only": Refusal.CLOSED,
    "exchange is closed": Refusal.CLOSED,
    "exchange closed": Refusal.CLOSED,
}
"""Parts of a text that stay the same, the most telling first."""
BY_CODE: Mapping[int, Refusal] = {
    110: Refusal.PRICE,
    203: Refusal.PERMISSION,
    460: Refusal.PERMISSION,
    382: Refusal.PRICE,
    383: Refusal.PRICE,
    109: Refusal.PRICE,
    163: Refusal.PRICE,
}


def meaning_of(code: int, text: str) -> Refusal | None:
    """Return what a refusal of an option order means; None for a code that says it by itself.

    Examples
    --------
    >>> meaning_of(201, "Order rejected - reason:Riskless combination orders are not allowed.")
    <Refusal.IMPOSSIBLE: 'its legs could only win: a price or a side is wrong in this program; send nothing more, ...'>
    """
    if code != REJECTED:
        return BY_CODE.get(code)
    heard = text.lower()
    return next((meaning for part, meaning in TEXTS.items() if part in heard), Refusal.UNKNOWN)


def needs_person(code: int, text: str) -> bool:
    """Return whether nothing more may be opened before a person has looked."""
    return meaning_of(code, text) in (Refusal.IMPOSSIBLE, Refusal.UNKNOWN)


def in_words(code: int, text: str) -> str:
    """Return the broker's text and what it means."""
    meaning = meaning_of(code, text)
    return f"{text} ({meaning.value})" if meaning is not None else text
