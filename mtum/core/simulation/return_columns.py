"""Daily total returns of a whole history, for the limits of every session."""

from collections.abc import Collection, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mtum.core.coordination.account import Matrix, Returns, total_returns
from mtum.core.coordination.limits import VAR_SESSIONS
from mtum.core.simulation.session_views import SessionHistory


class ReturnColumns(Struct, frozen=True, eq=False):
    """Daily total returns of several symbols over a whole history, worked out once for the limits of every session.

    Parameters
    ----------
    table : Matrix
        Shape (n_sessions, n_symbols), fractions; NaN where a symbol has none.
    rows : ndarray of int64
        Sessions in which one of them has a return.
    """

    columns: Mapping[str, int]
    table: Matrix
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, history: SessionHistory, symbols: Collection[str]) -> "ReturnColumns":
        """Return those of these symbols."""
        table = np.full((len(history.days), len(symbols)), np.nan)
        for column, symbol in enumerate(symbols):
            days, values = total_returns(history.bars[symbol])
            table[np.searchsorted(history.days, days), column] = values
        rows = np.flatnonzero(~np.isnan(table).all(axis=1))
        return cls({symbol: column for column, symbol in enumerate(symbols)}, table, rows)

    def until(self, t: int) -> Returns:
        """Return what `Returns.of` makes of the bars up to a session."""
        seen = self.rows[: int(np.searchsorted(self.rows, t, "right"))][-VAR_SESSIONS:]
        return Returns(self.columns, self.table[seen])
