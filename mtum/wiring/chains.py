"""Builds the source of option chains where no broker quotes them."""

from pathlib import Path
from typing import TYPE_CHECKING

from mtum.app.model_chains import ModelChains

if TYPE_CHECKING:
    from mtum.adapters.chains.recorded import RecordedChains
    from mtum.config import Settings
    from mtum.ports.market_data import BarSource
    from mtum.ports.time import Calendar


def chains_of(
    settings: "Settings",
    data_dir: Path,
    source: "BarSource",
    calendar: "Calendar",
    points: float = 0.0,
    *,
    official: bool = False,
) -> "ModelChains | RecordedChains":
    """Return the chains of the recorded folder, those of other days the model's.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    source : BarSource
        Of the volatility indexes and of past dividends.
    calendar : Calendar
        The exchange's trading sessions.
    points : float
        Volatility points that the model adds to its level.
    official : bool
        Whether an instant means its session's close, as over history.
    """
    model = ModelChains(source, calendar, points=points, official=official)
    if not settings.market.chain_dir:
        return model
    from mtum.adapters.chains.recorded import RecordedChains

    return RecordedChains(data_dir / settings.market.chain_dir, calendar, model.rate, model)
