"""A strategy over a whole history: in one walk where that is known, else session by session."""

from mtum.core.simulation.played import Played, PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.play import walked
from mtum.core.simulation.walker.result import played_of
from mtum.core.strategies.contract import Strategy
from mtum.errors import UsageError


def play_strategy(
    history: SessionHistory,
    strategy: Strategy,
    terms: PlayTerms,
    first: int,
    stop: int,
    *,
    compiled: bool = False,
) -> Played:
    """Play the sessions at positions ``first <= t < stop``: in one walk where that is known, else one by one.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    terms : PlayTerms
        On what terms history is played.
    first : int
        Position of the first session.
    stop : int
        Position to stop before.
    compiled : bool
        Whether the walk is machine code (see `walked`).

    Raises
    ------
    UsageError
        If the strategy trades options: they are played with chains, by `play_with_options` alone.
    """
    if strategy.OPTIONS:
        raise UsageError(f"{strategy.name} trades options: they are played with chains, and nothing here quotes them")
    found = walked(history, strategy, terms, (first, stop), compiled=compiled)
    if found is not None:
        return played_of(history, terms, found)
    from mtum.core.simulation.session_path import play_sessions  # all that an account needs

    return play_sessions(history, strategy, terms, first, stop)
