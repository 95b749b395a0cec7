"""Words of the command line as values: sessions, amounts, reasons, and where results go."""

import os
import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.config import Settings

_HIGHEST_PRICE = Decimal(10_000_000)
_SYMBOL = r"[A-Z0-9]{1,10}([. -][A-Z0-9]{1,4})?"


def day_of(option: str, text: str) -> date:
    """Return the date an option names.

    Raises
    ------
    UsageError
        If the text is no date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f'{option} "{text}" is no date; write it as 2026-01-31') from None


def symbol_of(text: str) -> str:
    """Return a symbol in capitals.

    Raises
    ------
    UsageError
        If the text cannot be one.
    """
    symbol = text.upper()
    if not re.fullmatch(_SYMBOL, symbol):
        raise UsageError(f'"{symbol}" is no symbol; write it as MTUM or BRK.B')
    return symbol


def word_of(option: str, words: tuple[str, ...], text: str) -> str:
    """Return one of the words that an option knows.

    Parameters
    ----------
    option : str
        Name of the option.
    words : tuple of str
        The words it knows.
    text : str
        What was typed.

    Raises
    ------
    UsageError
        If it is none of them.
    """
    if text not in words:
        raise UsageError(f'{option} "{text}" is not known; use {", ".join(words[:-1])} or {words[-1]}')
    return text


def sleeve_of(settings: "Settings", name: str | None) -> str | None:
    """Return the name of a sleeve that the settings have, None where none is named.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    from mtum.wiring.control import sleeve_named

    return sleeve_named(settings, name)


def _instant_of(text: str) -> datetime:
    from mtum.core.market.instants import instant_named

    return instant_named(text)


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


def number_of(option: str, text: str, *, price: bool = False) -> Decimal:
    """Return a number of zero or above, or a price above zero.

    Parameters
    ----------
    option : str
        Name of the option.
    text : str
        What was typed.
    price : bool
        Whether it is a price, which must be above zero.

    Raises
    ------
    UsageError
        If the text is none.
    """
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found <= _HIGHEST_PRICE or (price and not found):
        raise UsageError(f'{option} "{text}" is no {"price in USD" if price else "number of zero or above"}')
    return found


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


def _folder_made(text: str) -> Path:
    return _result_place(Path(text), folder=True)


def _file_made(text: str) -> Path:
    return Path(text) if text == "-" else _result_place(Path(text), folder=False)


def _result_place(out: Path, *, folder: bool) -> Path:
    # Asked before hours of work. A folder above that is missing is a slip of the pen, or a disk that is not mounted.
    above = out.absolute().parent
    if not above.is_dir():
        raise UsageError(f"--out {out}: there is no folder {above}; create it first, or name another place")
    if out.exists() and out.is_dir() is not folder:
        stands, wanted = ("a file", "a folder") if folder else ("a folder", "a file")
        raise UsageError(f"--out {out} is {stands}; name {wanted}")
    if not os.access(out if out.exists() else above, os.W_OK):
        raise UsageError(f"--out {out} cannot be written: Permission denied")
    return out


def day_option(name: str, says: str) -> Any:
    """Return an option that is a date."""
    return typer.Option(name, metavar="DATE", help=says, parser=partial(day_of, name))


def usd_option(name: str, says: str) -> Any:
    """Return an option that is a price."""
    return typer.Option(name, metavar="USD", help=says, parser=partial(number_of, name, price=True))


def number_option(name: str, says: str) -> Any:
    """Return an option that is a number of zero or above."""
    return typer.Option(name, metavar="NUMBER", help=says, parser=partial(number_of, name))


def word_option(name: str, *words: str, metavar: str = "MODEL") -> Any:
    """Return an option that is one of some words.

    Parameters
    ----------
    name : str
        Name of the option, such as ``--engine``.
    words : str
        The words, parted by a bar.
    metavar : str
        Word for its value in the help.
    """
    says = f"{', '.join(words[:-1])} or {words[-1]}."
    return typer.Option(name, metavar=metavar, help=says, parser=partial(word_of, name, words))


Session = Annotated[date | None, day_option("--session", "Session, YYYY-MM-DD.")]
Since = Annotated[date | None, day_option("--since", "Only sessions from this date on.")]
AsOf = Annotated[
    datetime | None, typer.Option("--as-of", metavar="TIME", help="Take this instant for now.", parser=_instant_of)
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Only the newest N rows.")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, kept with the record.", parser=reason_of)]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder of the results.", parser=_folder_made)
]
OutFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="File to write; - for stdout.", parser=_file_made)
]


SleeveName = Annotated[str | None, typer.Option("--sleeve", metavar="NAME", help="Only this sleeve.")]


def own_name(strategy: str | None) -> str | None:
    """Return a strategy's own name, whatever it was asked for by."""
    if strategy is None:
        return None
    from mtum.core.strategies import ALIASES

    return ALIASES.get(strategy, strategy)
