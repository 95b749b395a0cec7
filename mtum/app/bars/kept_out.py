"""Why is a session missing? Its source may well have a bar of it: one that broke a rule and was kept out."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from mtum.app.bars.accept_bars import REBASED_SOURCES
from mtum.core.market.validation import BarProblem, Rule
from mtum.ports.records import QuarantinedBar
from mtum.ports.store import Store


def kept_out(store: Store, symbol: str, source: str) -> Mapping[date, QuarantinedBar]:
    """Return the bars of a symbol that are kept out, by session."""
    return {one.bar.day: one for one in store.quarantine.kept_out(symbol, held=True) if one.source == source}


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
