"""Has every symbol the columns that a strategy looks at?"""

from mtum.core.strategies.contract import Strategy
from mtum.errors import DataError, UsageError
from mtum.ports.market_data import BarSource


def check_columns(strategy: Strategy, source: BarSource) -> None:
    """Refuse symbols with closes only where the strategy looks at more.

    Raises
    ------
    UsageError
        Naming symbols and columns.
    """
    looked_at = strategy.bar_columns
    symbols = (*strategy.universe(), *strategy.reads()) if looked_at else ()
    bare = [symbol for symbol in symbols if _close_only(source, symbol)]
    if bare:
        raise UsageError(
            f"{strategy.name} looks at {', '.join(looked_at)}, and {', '.join(bare)} of the {source.name} market "
            "has closes only; choose a strategy that looks at closes, or other symbols"
        )


def _close_only(source: BarSource, symbol: str) -> bool:
    try:
        return source.coverage(symbol).close_only
    except DataError:
        return False  # a symbol that is not there is told where its bars are needed
