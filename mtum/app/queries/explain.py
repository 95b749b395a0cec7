"""Why a session was decided so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from mtum.app.queries.plain import plain
from mtum.config import REPLAYED_SOURCES, restored_strategy
from mtum.core.reporting.explain import Explanation, explanation_of
from mtum.core.reporting.explain_options import without_contracts
from mtum.core.reporting.parts.coordination import coordination_document
from mtum.errors import VerificationError
from mtum.ports.reading import DecisionRow, Reader


def explained(found: DecisionRow) -> tuple[Explanation, bool]:
    """Explain a decision by the settings stored with it; also return whether its market was a replayed one.

    Raises
    ------
    VerificationError
        If the stored record is not what a decision leaves.
    """
    try:
        replayed = found.settings.get("mode") == "practice" and found.settings["market"]["source"] in REPLAYED_SOURCES
        stored = {field.name: getattr(found, field.name) for field in fields(found)}
        return explanation_of(stored, restored_strategy(found.strategy, found.settings)), replayed
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError(f"the stored decision of {found.session} cannot be read: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Told:
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
    sleeve : str or None
        Only this one's decision; else those of all `sleeves`.
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
