"""What a person writes after `mtum reconcile --accept`."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from mtum.errors import UsageError

MOST = Decimal(1_000_000_000)
"""No number of shares is larger."""


class Statement(Struct, frozen=True):
    """A person's words: the kind, what follows it, and the options that some kinds take."""

    kind: str
    words: Sequence[str]
    strategy: str | None = None
    entry_session: date | None = None
    entry_price: Decimal | None = None
    cash_in_lieu: Decimal | None = None
    first_session: date | None = None
    cash: Decimal | None = None
    into: str | None = None
    ratio: Decimal | None = None
    basis_frac: Decimal | None = None


def number_in(text: str, form: str) -> Decimal:
    """Return a number of a statement.

    Raises
    ------
    UsageError
        If the text is none; `form` says how the statement is written.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > MOST:
        raise UsageError(f'"{text}" is no number: write `mtum reconcile --accept {form}`')
    return number


def words_in(statement: Statement, count: int, form: str) -> Sequence[str]:
    """Return the words that follow the kind.

    Parameters
    ----------
    statement : Statement
        A person's words: the kind, what follows it, and the options that some kinds take.
    count : int
        How many words are needed.
    form : str
        How the statement is written, for the message.

    Raises
    ------
    UsageError
        If they are not so many; `form` says how the statement is written.
    """
    if len(statement.words) != count:
        raise UsageError(f"write it as `mtum reconcile --accept {form}`")
    return statement.words
