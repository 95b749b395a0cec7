"""Builds the source of option chains where no broker quotes them."""

from pathlib import Path
from typing import TYPE_CHECKING

from mtum.adapters.chains.model import ModelChains

if TYPE_CHECKING:
    from mtum.adapters.chains.recorded import RecordedChains
    from mtum.config import Settings
    from mtum.ports.market_data import BarSource
    from mtum.ports.time import Calendar


def chains_of(
    settings: "Settings", data_dir: Path, source: "BarSource", calendar: "Calendar", points: float = 0.0
) -> "ModelChains | RecordedChains":
    """Return the chains of the recorded folder, those of other days the model's.

    Parameters
    ----------
    source : BarSource
        Of the volatility indexes and of past dividends.
    points : float
        Volatility points that the model adds to its level.
    """
    model = ModelChains(source, calendar, points=points)
    if not settings.market.chain_dir:
        return model
    from mtum.adapters.chains.recorded import RecordedChains

    return RecordedChains(data_dir / settings.market.chain_dir, calendar, model)
