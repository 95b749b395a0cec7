"""Shares that short calls pledge wait for the call; those that a spread covers, or a broken group brought, do not."""

from decimal import Decimal

import pytest

from mtum.app.options.decide_sleeve import SleeveChains, held_back
from mtum.core.decide_options import BROKEN
from mtum.core.options.legs import Delivery, OptionLot
from mtum.core.portfolio import decision as shares
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.options.lots import Book
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.strategies.contract import Holding
from mtum.core.strategies.iron_condor import IronCondor
from support.option_orders import call, lot, put

CAME = Delivery("iron_condor", "g1", "SPY", 100, Decimal(95), Decimal("-1.20"), "E1", broken=True)
LONG_PUT, SHORT_CALL, LONG_CALL = lot(put(90), 1), lot(call(105), -1), lot(call(110), 1)
RULES = PortfolioRules(SizingRules(1.0, float("inf"), 0.0, PercentCosts(Decimal(0))), LossRules(None))


@pytest.mark.parametrize(
    ("lots", "sold"),
    [
        # The long call covers the short one: the shares of the assigned put go at once.
        ((LONG_PUT, SHORT_CALL, LONG_CALL), 100),
        ((LONG_PUT,), 100),
        # Without its wing the short call would be naked: they wait until it is gone.
        ((LONG_PUT, SHORT_CALL), 0),
    ],
    ids=["condor", "put side", "call without its wing"],
)
def test_shares_that_an_assigned_put_of_a_condor_brought_wait_for_no_call_that_its_wing_covers(
    lots: tuple[OptionLot, ...], sold: int
) -> None:
    sleeve = Sleeve("iron_condor", IronCondor(), 1.0, SleeveState.ON, 0.0, "", RULES)
    own = shares.Book({"SPY": Holding("SPY", 100)}, 50_000.0, 50_000.0)
    found = held_back(own, SleeveChains(Book(lots, delivered=(CAME,))), sleeve)
    assert (found.holdings["SPY"].shares, found.unsellable_shares.get("SPY", 0)) == (sold, 100 - sold)
    assert found.forced_exits == {"SPY": BROKEN}
