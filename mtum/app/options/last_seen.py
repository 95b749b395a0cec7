"""What the last decision of a sleeve saw of options, and its open groups as they stand now."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mtum.config import restored_strategy
from mtum.core.canonical import table_in, text_in
from mtum.core.options.asking import OptionVerdict, OwnOptions
from mtum.core.options.chain import ReadChain, read
from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.options.lots import Book
from mtum.core.portfolio.options.own import groups_in
from mtum.core.record import view_of
from mtum.core.record_options import options_of
from mtum.core.reporting.option_groups import GroupLine, group_line
from mtum.core.strategies.option_contract import OptionStrategy
from mtum.core.view import MarketView
from mtum.errors import VerificationError

UNTOLD = "nobody tells its dividends, so that an ex-date counts as near in March, June, September and December"
"""What is said of a group that may be exercised for a dividend of which nobody knows."""


class Seen(Struct, frozen=True):
    """What a stored decision saw of options.

    Parameters
    ----------
    strategy : OptionStrategy or None
        With the parameters of then; None if this program no longer knows it.
    """

    day: date
    strategy: OptionStrategy | None
    view: MarketView
    own: OwnOptions
    chains: Mapping[str, ReadChain]
    source: str
    model_priced: bool


def seen_of(sleeve: str, day: date, frame: Mapping[str, Any], settings: Mapping[str, Any]) -> Seen | None:
    """Return what a stored decision saw of options; None if it saw none.

    Parameters
    ----------
    sleeve : str
        Name of the sleeve.
    day : date
        The session's date.
    frame : mapping of str to any
        Inputs that were stored with the decision.
    settings : mapping of str to any
        Settings that were stored with the decision.

    Raises
    ------
    VerificationError
        If its frame is not what a decision leaves.
    """
    if "options" not in frame:
        return None
    try:
        stored = table_in(frame["options"])
        own, chains, _ = options_of(stored, day)
        strategy = restored_strategy(sleeve, settings)
        return Seen(
            day,
            strategy if isinstance(strategy, OptionStrategy) else None,
            view_of(frame),
            own,
            {underlying: read(chain) for underlying, chain in chains.items()},
            text_in(stored["source"]),
            bool(stored["model_priced"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError(f"the stored decision of {day} cannot be read: {error!r}") from error


def open_groups(
    sleeve: str, book: Book, seen: Seen | None, marks: Mapping[OptionContract, Decimal]
) -> Iterator[GroupLine]:
    """Return a sleeve's open groups, with the marks, deltas and rules of a decision.

    Parameters
    ----------
    sleeve : str
        Name of the sleeve.
    book : Book
        Of everybody.
    seen : Seen or None
        The decision; what filled after it is in the book already.
    marks : mapping of OptionContract to Decimal
        What contracts are worth where its chains do not tell, USD per share.
    """
    lots = tuple(lot for lot in book.lots if lot.strategy == sleeve)
    groups = groups_in(Book(lots=lots, delivered=tuple(one for one in book.delivered if one.strategy == sleeve)))
    if not groups:
        return
    verdicts: Sequence[OptionVerdict] = ()
    if seen is not None and seen.strategy is not None:
        verdicts = seen.strategy.option_verdicts(seen.view, replace(seen.own, groups=groups), seen.chains)
    day = max(lot.session for lot in lots) if seen is None else seen.day
    for group in groups:
        chain = None if seen is None else seen.chains.get(group.underlying)
        said = [one for one in verdicts if one.group == group.group]
        line = group_line(sleeve, group, day, chain, marks, said)
        if line.next is not None and seen is not None and group.underlying in seen.own.untold:
            line = replace(line, next=replace(line.next, text=f"{line.next.text}; {UNTOLD}"))
        yield line
