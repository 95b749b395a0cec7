"""Each asset above its average of monthly closes is held at its weight, numbers by hand."""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import Abstain, Holding, Keep, Own, Remembered, SymbolVerdict, Target
from mtum.core.strategies.multi_asset_allocation import MultiAssetAllocation, Sizing
from mtum.core.strategies.several import VOLATILITY
from mtum.core.view import Asked, MarketView
from support.month_ends import APRIL, MONTH_ENDS, view_of
from support.values import replace

RULE = MultiAssetAllocation(weights={"AAA": 0.6, "BBB": 0.3}, months=3, cash_symbol="CCC")
RISING, FALLING, FLAT = [1.0, 9.0, 10.0, 11.0], [1.0, 11.0, 10.0, 9.0], [1.0, 10.0, 10.0, 10.0]
"""The average of the last three is 10 each time."""
STILL = [10.0] * 4
INVERSE = replace(RULE, sizing=Sizing.INVERSE_VOL)
MARCH: Mapping[str, Remembered] = {"month": "2024-03", "w:AAA": 0.6, "w:BBB": 0.0, "w:CCC": 0.3}


def said(
    view: MarketView,
    memory: Mapping[str, Remembered] | None = None,
    rule: MultiAssetAllocation = RULE,
    **held: int,
) -> dict[str, SymbolVerdict]:
    """Return the verdicts in their order, with 1,000 USD of equity."""
    own = Own({name: Holding(name, shares) for name, shares in held.items()}, 0.0, 1000.0, memory=memory or {})
    return {one.symbol: one for one in rule.verdicts(view, own)}


def at_the_end_of_march(
    aaa: Sequence[float] = RISING, bbb: Sequence[float] = FALLING, ccc: Sequence[float] = STILL
) -> MarketView:
    return view_of({"AAA": aaa, "BBB": bbb, "CCC": ccc})


def midmonth(aaa: float = 10.0, bbb: float = 10.0, ccc: float = 10.0) -> MarketView:
    """The session after the end of March, not the last one of April."""
    closes = {"AAA": [*RISING, aaa], "BBB": [*FALLING, bbb], "CCC": [*STILL, ccc]}
    return view_of(closes, (*MONTH_ENDS, APRIL), date(2024, 4, 2))


def weights(found: Mapping[str, SymbolVerdict]) -> dict[str, float]:
    return {name: one.verdict.weight for name, one in found.items() if isinstance(one.verdict, Target)}


def test_at_a_month_end_what_is_above_its_average_is_held_and_the_fund_gets_the_rest() -> None:
    found = said(at_the_end_of_march())
    assert [*found] == ["BBB", "AAA", "CCC"]  # what is not wanted comes first
    assert weights(found) == {"BBB": 0.0, "AAA": 0.6, "CCC": 0.3}
    assert [one.reasons for one in found.values()] == [
        ("below_monthly_average",),
        ("above_monthly_average",),
        ("cash_of_others",),
    ]
    above, below, drift = found["AAA"].conditions
    assert (above.value, above.threshold, above.margin, above.passed) == (11.0, 10.0, 1.0, True)
    assert (below.margin, below.passed, drift.value, drift.passed) == (-1.0, False, None, False)
    assert {key: value for one in found.values() for key, value in one.memory.items()} == MARCH


def test_on_a_tie_nothing_of_it_is_held() -> None:
    found = said(at_the_end_of_march(aaa=FLAT))
    assert (weights(found)["AAA"], found["AAA"].reasons) == (0.0, ("below_monthly_average",))
    assert [one.passed for one in found["AAA"].conditions[:2]] == [False, True]


def test_where_all_are_above_their_averages_the_fund_gets_nothing() -> None:
    found = said(at_the_end_of_march(bbb=RISING))
    assert (weights(found)["CCC"], found["CCC"].reasons) == (0.0, ("no_cash_of_others",))
    assert "CCC" not in said(at_the_end_of_march(), rule=replace(RULE, cash_symbol=""))


def test_a_dividend_lowers_the_earlier_closes_it_is_compared_with() -> None:
    # 10 after a dividend of 1 is as good as 9 was before it: 9 x (1 - 1/10) = 8.1 and 10 x 0.9 = 9; mean 9.033333.
    view = view_of(
        {"AAA": [1.0, 9.0, 10.0, 10.0], "BBB": FALLING, "CCC": STILL}, dividends={("AAA", MONTH_ENDS[3]): 1.0}
    )
    found = said(view)["AAA"]
    assert (found.indicators["monthly_average"], found.reasons) == (9.033333, ("above_monthly_average",))


def test_between_month_ends_only_what_has_drifted_by_more_than_the_band_is_weighed_again() -> None:
    rule = replace(RULE, drift_band=0.25)
    # Of 1,000 USD: 450 of 600 is a quarter away, 440 is more.
    assert said(midmonth(), MARCH, rule, AAA=45)["AAA"].verdict == Keep()
    found = said(midmonth(), MARCH, rule, AAA=44)["AAA"]
    assert (found.verdict, found.reasons) == (Target(0.6), ("weight_drifted",))
    drift = found.conditions[-1]
    assert (drift.value, drift.threshold, drift.passed) == (0.266667, 0.25, True)
    above = said(midmonth(aaa=10.0, ccc=20.0), MARCH, rule, AAA=60, CCC=19)["CCC"]
    assert (above.verdict, above.conditions[-1].value) == (Target(0.3), 0.266667)


def test_what_was_not_bought_has_drifted_by_all_and_what_is_not_wanted_never_drifts() -> None:
    found = said(midmonth(), MARCH, BBB=50)
    assert found["AAA"].conditions[-1].value == 1.0
    assert (found["AAA"].verdict, found["BBB"].verdict) == (Target(0.6), Keep())
    assert found["BBB"].conditions[-1].value is None


def test_a_new_sleeve_waits_for_its_first_month_end() -> None:
    found = said(midmonth())
    assert {one.verdict for one in found.values()} == {Keep()}
    assert {one.memory["month"] for one in found.values()} == {"2024-03"}


def test_a_missed_month_end_is_decided_at_the_next_session_and_only_once() -> None:
    # Today, the end of February and that of January: the month ends before the missed one, then today.
    found = said(midmonth(aaa=12.0), {"month": "2024-02"})
    assert found["AAA"].indicators["monthly_average"] == 10.333333  # (9 + 10 + 12) / 3, without the 11 of March
    assert weights(found) == {"AAA": 0.6, "BBB": 0.0, "CCC": 0.3}
    assert found["AAA"].memory["month"] == "2024-03"
    assert weights(said(midmonth(aaa=12.0), MARCH, AAA=50, CCC=30)) == {}
    assert weights(said(at_the_end_of_march(), MARCH, AAA=50, CCC=30)) == {}


def test_by_inverse_volatility_the_sum_of_the_weights_is_shared_by_all_symbols() -> None:
    # 1/0.1 = 10 and 1/0.3 = 3.33 share 0.9: 0.675 and 0.225, whether they are above their average or not.
    view = view_of(
        {"AAA": RISING, "BBB": FALLING, "CCC": STILL}, values={("AAA", VOLATILITY): 0.1, ("BBB", VOLATILITY): 0.3}
    )
    assert weights(said(view, rule=INVERSE)) == {"BBB": 0.0, "AAA": 0.675, "CCC": 0.225}


def test_a_symbol_that_has_not_moved_leaves_everything_undecided() -> None:
    values: Mapping[tuple[str, Asked], float] = {("AAA", VOLATILITY): 0.1, ("BBB", VOLATILITY): 0.0}
    view = view_of({"AAA": RISING, "BBB": FALLING, "CCC": STILL}, values=values)
    found = said(view, {"month": "2024-02"}, INVERSE)
    assert {(one.verdict, one.reasons) for one in found.values()} == {(Abstain(), ("volatility_unknown",))}
    assert [dict(one.memory) for one in found.values()] == [{}] * 3  # March stays to be decided


def test_it_needs_the_month_ends_averaged_and_the_returns_weighed() -> None:
    assert MultiAssetAllocation().history_sessions() == 216
    assert (replace(RULE, months=2).history_sessions(), replace(INVERSE, months=2).history_sessions()) == (47, 61)
    assert (RULE.universe(), replace(RULE, cash_symbol="").universe()) == (("AAA", "BBB", "CCC"), ("AAA", "BBB"))
    assert RULE.benchmark == {"AAA": 0.6, "BBB": 0.3}
    assert RULE.indicators()[0].timeframe is Timeframe.MONTH


def test_changes_of_less_than_a_hundred_dollars_or_a_quarter_of_a_percent_are_not_made() -> None:
    assert (RULE.least_trade_usd(10_000.0), RULE.least_trade_usd(100_000.0)) == (100.0, 250.0)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (MultiAssetAllocation(weights={}), "weights holds 0 tickers; list 1 or more"),
        (MultiAssetAllocation(weights={"SPY": 1.2}), "weights.SPY is 1.2; use a number above 0, up to 1"),
        (MultiAssetAllocation(weights={"SPY": 0.7, "IEF": 0.4}), "weights are 1.1 together; use 1 or less"),
        (MultiAssetAllocation(months=1), "months is 1; use a whole number from 2 to 120"),
        (MultiAssetAllocation(cash_symbol="bil"), 'cash_symbol holds "bil"; use upper-case tickers such as "SPY"'),
        (
            MultiAssetAllocation(cash_symbol="IEF"),
            "cash_symbol is IEF, which has a weight of its own; use another fund, or none",
        ),
        (MultiAssetAllocation(drift_band=-0.1), "drift_band is -0.1; use a number from 0 to 10"),
        (MultiAssetAllocation(min_trade_usd=-1.0), "min_trade_usd is -1; use a number from 0 to 1e+12"),
    ],
)
def test_impossible_parameters_are_named(rule: MultiAssetAllocation, words: str) -> None:
    assert rule.problems() == (words,)
    assert MultiAssetAllocation().problems() == ()
