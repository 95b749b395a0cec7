"""Why a session was decided so."""

from dataclasses import fields

from mtum.config import REPLAYED_SOURCES, restored_strategy
from mtum.core.reporting.explain import Explanation, explanation_of
from mtum.ports.reading import DecisionRow


def explained(found: DecisionRow) -> tuple[Explanation, bool]:
    """Explain a decision by the settings stored with it; also return whether its market was a replayed one."""
    replayed = found.settings.get("mode") == "practice" and found.settings["market"]["source"] in REPLAYED_SOURCES
    stored = {field.name: getattr(found, field.name) for field in fields(found)}
    return explanation_of(stored, restored_strategy(found.strategy, found.settings)), replayed
