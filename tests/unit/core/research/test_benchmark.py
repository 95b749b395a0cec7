"""Buy and hold: whole shares, one cost, dividends reinvested or kept."""

import numpy as np
import pytest

from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.research.benchmark import buy_and_hold_weighted
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.session_views import SessionHistory
from support.markets import weekdays


def test_curves_by_hand() -> None:
    """1000 at 30 with 0.1 %: 33 shares for 990.00 + 0.99, cash 9.01; 3.00 a share at 60 adds 1/20 share each."""
    close = np.array([50.0, 30.0, 60.0, 66.0])
    dividend = np.array([0.0, 9.0, 3.0, 0.0])
    columns = {"open": close, "high": close, "low": close, "close": close, "volume": close, "dividend": dividend}
    bars = Bars.from_columns("AAA", "made-up", weekdays(4), columns)
    found = buy_and_hold_weighted(SessionHistory({"AAA": bars}, {}), Span(1, 4), {"AAA": 1.0}, 1000.0, PercentCosts())
    assert (found.shares, found.entry_cost_usd) == ({"AAA": 33}, 0.99)
    assert found.unreinvested.tolist() == pytest.approx([999.01, 9.01 + 33 * 63, 9.01 + 33 * 69])
    assert found.reinvested.tolist() == pytest.approx([999.01, 9.01 + 33 * 1.05 * 60, 9.01 + 33 * 1.05 * 66])
