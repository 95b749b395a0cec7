"""Buy once, keep for ever."""

from datetime import date

import pytest

from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Holding, Keep, SymbolVerdict, Target
from mtum.core.view import MarketView
from support.bars import bars_of

VIEW = MarketView(date(2024, 1, 2), {"SPY": bars_of([100.0, 101.5], symbol="SPY")}, {}, {})
RULE = BuyAndHold("SPY")


@pytest.mark.parametrize("holdings", [{}, {"SPY": Holding("SPY")}, {"MTUM": Holding("MTUM", 5)}])
def test_while_flat_it_wants_everything(holdings: dict[str, Holding]) -> None:
    assert RULE.verdicts(VIEW, holdings) == (SymbolVerdict("SPY", Target(1.0), ("flat",), (), {"close": 101.5}),)


def test_with_a_single_share_it_keeps_it() -> None:
    (verdict,) = RULE.verdicts(VIEW, {"SPY": Holding("SPY", 1, 90.0)})
    assert (verdict.verdict, verdict.reasons) == (Keep(), ("hold",))


def test_it_needs_one_bar_of_one_symbol_and_no_series() -> None:
    assert (RULE.universe(), RULE.series(), RULE.history_sessions()) == (("SPY",), (), 1)


@pytest.mark.parametrize(("symbol", "wrong"), [("SPY", 0), ("spy", 1), (" SPY", 1), ("", 1)])
def test_a_symbol_is_an_upper_case_ticker(symbol: str, wrong: int) -> None:
    assert len(BuyAndHold(symbol).problems()) == wrong
