"""Why is a session missing? Its source may well have a bar of it: one that broke a rule and was kept out."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from msgspec.structs import replace

from mtum.app.bars.accept_bars import REBASED_SOURCES
from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.market.validation import BarProblem, Rule
from mtum.errors import UsageError
from mtum.ports.bar_store import QuarantineStore
from mtum.ports.records import QuarantinedBar, Revision
from mtum.ports.store import Store


def kept_out(quarantine: QuarantineStore, symbol: str, source: str) -> Mapping[date, QuarantinedBar]:
    """Return the bars of a symbol that are kept out, by session.

    Parameters
    ----------
    quarantine : QuarantineStore
        Bars kept out.
    symbol : str
        Ticker.
    source : str
        Name of the source.
    """
    return {one.bar.day: one for one in quarantine.kept_out(symbol, held=True) if one.source == source}


def why(one: QuarantinedBar) -> str:
    """Return why a bar is kept out."""
    return f"its bar is kept out ({one.rule.replace('_', ' ')}): {one.found}"


def explained(problems: Iterable[BarProblem], kept: Mapping[date, QuarantinedBar]) -> tuple[BarProblem, ...]:
    """Return the problems; a missing session whose bar was kept out says why, and what a person can do."""
    return tuple(
        replace(one, found=why(kept[one.session]), advice=_advice(kept[one.session]))
        if one.rule is Rule.MISSING_SESSION and one.session in kept
        else one
        for one in problems
    )


def better(one: QuarantinedBar) -> str:
    """Return how a better bar gets into the place of one kept out; a folder of files is read as it is."""
    return "correct its file" if one.source in REBASED_SOURCES else "`mtum bars import` a better one"


def _advice(one: QuarantinedBar) -> str:
    if not one.bar.whole:
        return better(one)
    return f"look at it, then `mtum bars release {one.id}`, or {better(one)}"


NOT_FINISHED = (Rule.UNCONFIRMED.value, Rule.LOOKS_LIKE_SPLIT.value)
"""Rules that only a running bar breaks: it is believed, and never stored."""


def release_bar(store: Store, bar_id: int, by: str, at: datetime) -> QuarantinedBar:
    """Declare a bar real, and take it into the cache if its session is over.

    Parameters
    ----------
    store : Store
        The program's records.
    bar_id : int
        Number of the bar that is kept out.
    by : str
        Who declares it real.
    at : datetime
        Instant that is recorded, UTC.

    Raises
    ------
    UsageError
        If there is no such bar, it lacks a number, or it is released already.
    """
    found = next((one for one in store.quarantine.kept_out() if one.id == bar_id), None)
    if found is None:
        raise UsageError(f"no bar with id {bar_id} was kept out; `mtum bars check` lists them")
    if found.rule not in NOT_FINISHED and not found.bar.whole:
        raise UsageError(f"the bar with id {bar_id} lacks a number and cannot be used; {better(found)}")
    if not store.quarantine.release_bar(bar_id, by, at):
        raise UsageError(f"the bar with id {bar_id} is released already")
    if found.rule not in NOT_FINISHED:
        _take_in(store, found, at)
    return found


def _take_in(store: Store, found: QuarantinedBar, at: datetime) -> None:
    known = store.bars.bars(found.symbol, found.source).find(found.bar.day)
    bar = replace(found.bar, dividend=known.dividend, split=known.split) if known else found.bar
    read_at = store.bars.read_times(found.symbol, found.source, bar.day)
    revisions = [
        Revision(
            symbol=found.symbol,
            source=found.source,
            session=bar.day,
            column=name,
            before=getattr(known, name),
            after=getattr(bar, name),
            first_read_at=read_at.get(bar.day, at),
            replaced_at=at,
            accepted=True,
        )
        for name in COLUMNS
        if known is not None and getattr(known, name) != getattr(bar, name)
    ]
    store.bars.accept(Bars.of(found.symbol, found.source, [bar]), at, bar.day, revisions)
