"""Buy once, keep for ever."""

from datetime import date

import pytest

from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Holding, Keep, Own, SymbolVerdict, Target
from mtum.core.view import MarketView
from support.bars import bars_of

VIEW = MarketView(date(2024, 1, 2), {"SPY": bars_of([100.0, 101.5], symbol="SPY")}, {}, {})
RULE = BuyAndHold("SPY")


@pytest.mark.parametrize("holdings", [{}, {"SPY": Holding("SPY")}, {"MTUM": Holding("MTUM", 5)}])
def test_while_flat_it_wants_everything(holdings: dict[str, Holding]) -> None:
    assert RULE.verdicts(VIEW, Own(holdings)) == (SymbolVerdict("SPY", Target(1.0), ("flat",), (), {"close": 101.5}),)


def test_with_a_single_share_it_keeps_it() -> None:
    (verdict,) = RULE.verdicts(VIEW, Own({"SPY": Holding("SPY", 1, 90.0)}))
    assert (verdict.verdict, verdict.reasons) == (Keep(), ("hold",))


def test_it_needs_one_bar_of_one_symbol_and_no_series() -> None:
    assert (RULE.universe(), RULE.series(), RULE.history_sessions()) == (("SPY",), (), 1)


@pytest.mark.parametrize(("symbol", "wrong"), [("SPY", 0), ("spy", 1), (" SPY", 1), ("", 1)])
def test_a_symbol_is_an_upper_case_ticker(symbol: str, wrong: int) -> None:
    assert len(BuyAndHold(symbol).problems()) == wrong


@pytest.mark.parametrize(
    ("symbols", "said"),
    [(("SPY", "IEF"), ()), (("spy",), ("upper-case",)), (("SPY", "SPY"), ("SPY twice",))],
)
def test_a_list_holds_each_ticker_once(symbols: tuple[str, ...], said: tuple[str, ...]) -> None:
    problems = BuyAndHold(symbols=symbols).problems()
    assert len(problems) == len(said)
    assert all(words in problem for words, problem in zip(said, problems, strict=True))


def test_several_symbols_get_equal_parts_each_when_it_is_flat() -> None:
    bars = {symbol: bars_of([100.0, 50.0], symbol=symbol) for symbol in ("SPY", "EFA", "GLD")}
    view = MarketView(date(2024, 1, 2), bars, {}, {}, unfit={"IEF": 90.0})
    rule = BuyAndHold(symbols=("SPY", "EFA", "IEF", "GLD"))
    found = rule.verdicts(view, Own({"EFA": Holding("EFA", 3, 90.0)}))
    assert [(one.symbol, one.verdict) for one in found] == [
        ("SPY", Target(0.25)),
        ("EFA", Keep()),
        ("GLD", Target(0.25)),
    ]
    # A third is a weight of six decimals.
    (first, *_) = BuyAndHold(symbols=("SPY", "EFA", "GLD")).verdicts(view, Own())
    assert first.verdict == Target(0.333333)


def test_the_one_symbol_of_older_settings_still_counts() -> None:
    assert BuyAndHold("IWM").universe() == ("IWM",)
    assert BuyAndHold("IWM", ("SPY", "EFA")).universe() == ("SPY", "EFA")
