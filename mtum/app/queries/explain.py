"""Why a session was decided so."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from mtum.app.queries.plain import plain
from mtum.config import REPLAYED_SOURCES, restored_strategy
from mtum.core.canonical import list_in, table_in
from mtum.core.decide import own_state
from mtum.core.record import book_of, view_of
from mtum.core.reporting.explain import Explanation, explanation_of
from mtum.core.reporting.explain_options import without_contracts
from mtum.core.reporting.parts.coordination import coordination_document
from mtum.errors import VerificationError
from mtum.ports.reading import Reader
from mtum.ports.rows import BarRow, DecisionRow


def explained(found: DecisionRow) -> tuple[Explanation, bool]:
    """Explain a decision by the settings stored with it; also return whether its market was a replayed one.

    Raises
    ------
    VerificationError
        If the stored record is not what a decision leaves.
    """
    try:
        replayed = found.settings.get("mode") == "practice" and found.settings["market"]["source"] in REPLAYED_SOURCES
        stored = asdict(found)
        return explanation_of(stored, restored_strategy(found.strategy, found.settings)), replayed
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError(f"the stored decision of {found.session} cannot be read: {error!r}") from error


class Told(Struct, frozen=True):
    """A session's decisions, and what the account did with them.

    Parameters
    ----------
    decisions : sequence of Explanation
        The one asked for, or one of each sleeve.
    replayed : bool
        Whether the market was a replayed one.
    plan : mapping or None
        What the account did with the wishes of its sleeves.
    document : mapping
        All of it, as commands and pages answer it.
    """

    decisions: Sequence[Explanation]
    replayed: bool
    plan: Mapping[str, object] | None
    document: Mapping[str, Any]


def told_of(
    reader: Reader, day: date | None, sleeve: str | None, sleeves: Sequence[str], *, contracts: bool = False
) -> Told | None:
    """Explain a session, the newest one where none is named; None where it has no decision.

    Parameters
    ----------
    reader : Reader
        The records of one database, for reading alone.
    day : date or None
        Session to explain; None for the newest.
    sleeve : str or None
        Only this one's decision; else those of all `sleeves`.
    sleeves : sequence of str
        Names of the sleeves.
    contracts : bool
        Whether the document has every option contract that was considered.
    """
    found = reader.decision(day, sleeve)
    if found is None:
        return None
    of = date.fromisoformat(found.session)
    named = () if sleeve is not None else sleeves
    every = [one for name in named if (one := reader.decision(of, name)) is not None]
    plan = reader.plan(of)
    decisions = [explained(one) for one in every or [found]]
    told, replayed = decisions[0]
    shown = {one.strategy: plain(one if contracts else _shorter(one)) for one, _ in decisions}
    document = shown[told.strategy]
    if len(decisions) > 1:
        document = document | {"sleeves": shown}
    document |= {"coordination": coordination_document(plan, reader.crosses(of))}
    return Told([one for one, _ in decisions], replayed, plan, document)


def _shorter(told: Explanation) -> Explanation:
    return replace(told, options=without_contracts(told.options)) if told.options else told


def final_indicators(reader: Reader, name: str | None, source: str) -> Mapping[str, Mapping[str, float | None]]:
    """Return by symbol what the newest decision's indicators come to with the session's final bars.

    Only bars of the session are exchanged, so that all else is as it was decided; symbols whose bar is not final yet
    are left out.

    Parameters
    ----------
    reader : Reader
        The records of one database, for reading alone.
    name : str or None
        Sleeve that decided; None for whichever decided last.
    source : str
        Where final bars come from.

    Raises
    ------
    VerificationError
        If the stored record is not what a decision leaves.
    """
    row = reader.decision(None, name)
    strategy = None if row is None else restored_strategy(row.strategy, row.settings)
    if row is None or strategy is None:
        return {}
    day = date.fromisoformat(row.session)
    bars, provisional = dict(table_in(row.frame["bars"])), dict(table_in(row.frame["provisional"]))
    final = {one.symbol: one for one in reader.rows(BarRow, day, None, source=source) if one.session == row.session}
    known = [one for one in bars if one in final and final[one].final and final[one].volume is not None]
    for symbol in known:
        stored = table_in(bars[symbol])
        ended = {key: getattr(final[symbol], key) for key in ("open", "high", "low", "close", "volume")}
        bars[symbol] = {**stored, **{key: [*list_in(stored[key])[:-1], value] for key, value in ended.items()}}
        provisional.pop(symbol, None)
    frame = {**row.frame, "bars": bars, "provisional": provisional}
    try:
        view = view_of(frame)
        verdicts = strategy.verdicts(view, own_state(view, strategy, book_of(frame)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError(f"the stored decision of {row.session} cannot be asked again: {error!r}") from error
    return {one.symbol: one.indicators for one in verdicts if one.symbol in known}
