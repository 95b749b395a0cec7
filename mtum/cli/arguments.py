"""Words of the command line as values: sessions and amounts."""

import os
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from mtum.errors import UsageError

Session = Annotated[str | None, typer.Option("--session", metavar="DATE", help="Session, YYYY-MM-DD.")]
Since = Annotated[str | None, typer.Option("--since", metavar="DATE", help="Only sessions from this date on.")]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Only the newest N rows.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept with the record.")]

_SYMBOL = re.compile(r"[A-Z0-9]{1,10}([. -][A-Z0-9]{1,4})?")


def day_of(text: str | None, option: str) -> date | None:
    """Return the date an option names; None when it was not given.

    Raises
    ------
    UsageError
        If the text is no date.
    """
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f'{option} "{text}" is no date; write it as 2026-01-31') from None


def symbols_of(texts: Sequence[str] | None) -> list[str]:
    """Return symbols in capitals, each once.

    Raises
    ------
    UsageError
        Naming one that cannot be a symbol.
    """
    found = list(dict.fromkeys(text.upper() for text in texts or ()))
    for symbol in found:
        if not _SYMBOL.fullmatch(symbol):
            raise UsageError(f'"{symbol}" is no symbol; write it as MTUM or BRK.B')
    return found


def instant_of(text: str | None) -> datetime | None:
    """Return the instant that --as-of names; None when it was not given."""
    from mtum.core.market.instants import instant_named

    return None if text is None else instant_named(text)


def usd_of(text: str) -> Decimal:
    """Return an amount of money above zero, whole cents.

    Raises
    ------
    UsageError
        If the text is no such amount.
    """
    try:
        amount = Decimal(text)
        usable = amount > 0 and amount == amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        raise UsageError(f'"{text}" is no amount in USD; write it as 2500 or 2500.50') from None
    if not usable:
        raise UsageError(f'"{text}" is no amount in USD above zero with whole cents')
    return amount


def reason_of(text: str) -> str:
    """Return a reason on one line.

    Raises
    ------
    UsageError
        If it is empty or no text.
    """
    line = " ".join(_decoded(text).split())
    if not line:
        raise UsageError("--why is empty; say why in a few words, it is kept with the record")
    return line


def _decoded(text: str) -> str:
    # Bytes that the locale cannot tell arrive as lone surrogates; a terminal may send UTF-8 all the same.
    if not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        raise UsageError("--why is not UTF-8 text; write it in plain letters") from None
