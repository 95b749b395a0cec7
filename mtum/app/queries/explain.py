"""Why a session was decided so."""

from dataclasses import fields

from mtum.config import REPLAYED_SOURCES, restored_strategy
from mtum.core.reporting.explain import Explanation, explanation_of
from mtum.errors import VerificationError
from mtum.ports.reading import DecisionRow


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
