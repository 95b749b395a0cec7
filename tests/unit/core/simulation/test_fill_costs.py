"""What a fill costs: slippage, market impact by the square root, commissions in tiers of a month."""

from decimal import Decimal
from math import log, sqrt

import pytest

from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.portfolio.costs import IbTieredCosts, PercentCosts, ThirdPartyFees
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.fill_costs import FillCosts, costs_taken
from mtum.core.simulation.played import FillModel, PlayTerms
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.errors import UsageError
from support.markets import weekdays
from support.values import replace

DAYS = weekdays(45)
RULES = PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts(Decimal("0.001"))), LossRules(None))
TERMS = PlayTerms(10_000.0, RULES)
DAILY = sqrt(20 / 19) * log(1.25)
"""Sample deviation of twenty log returns that go up and down by ln 1.25 in turn."""


def zigzag(symbol: str, count: int, volume: float = 10_000.0) -> Bars:
    """Closes 80, 100, 80, ...: from the 21st on the volatility of a session is `DAILY`."""
    columns = {name: [80.0 + 20.0 * (at % 2) for at in range(count)] for name in PRICE_COLUMNS}
    return Bars.from_columns(symbol, "scripted", DAYS[:count], {**columns, "volume": [volume] * count})


def costs_of(terms: PlayTerms, *bars: Bars) -> FillCosts:
    return FillCosts(SessionHistory({one.symbol: one for one in bars}, {}), terms)


def test_impact_is_the_root_of_the_part_of_the_volume_times_the_volatility_of_a_session() -> None:
    """100 of 10,000 shares: a tenth of half the volatility; 100 x 80 x it is what it took."""
    costs = costs_of(replace(TERMS, impact_coefficient=0.5), zigzag("AAA", 45))
    frac = 0.5 * sqrt(100 / 10_000) * DAILY
    bought = costs.fill(("AAA", Side.BUY, 100), Decimal(80), 22)
    sold = costs.fill(("AAA", Side.SELL, 100), Decimal(80), 22)
    assert float(bought.price) == pytest.approx(80 * (1 + frac), abs=1e-4)
    assert float(sold.price) == pytest.approx(80 * (1 - frac), abs=1e-4)
    assert costs.taken()["impact"] == pytest.approx(2 * 100 * 80 * frac, rel=1e-4)
    assert costs.taken()["slippage"] == 0


def test_slippage_comes_on_top_of_impact_and_the_commission_is_of_the_price_paid() -> None:
    costs = costs_of(replace(TERMS, impact_coefficient=0.5, slippage_bps=10.0), zigzag("AAA", 45))
    frac = 0.5 * sqrt(100 / 10_000) * DAILY
    fill = costs.fill(("AAA", Side.BUY, 100), Decimal(80), 22)
    assert float(fill.price) == pytest.approx(80 * (1.001 + frac), abs=1e-4)
    assert float(fill.commission_usd) == pytest.approx(8 * (1.001 + frac), abs=0.006)
    assert costs.taken()["slippage"] == pytest.approx(8.0)


def test_the_next_open_is_measured_by_the_session_of_the_decision() -> None:
    """The 21st session is the first with twenty returns; an order filled in the 22nd was decided there."""
    terms = replace(TERMS, impact_coefficient=0.5)
    for fill, first in ((FillModel.SAME_CLOSE, 20), (FillModel.NEXT_OPEN, 21)):
        costs = costs_of(replace(terms, fill=fill), zigzag("AAA", 45))
        unknown, known = (costs.fill(("AAA", Side.BUY, 100), Decimal(80), t).price for t in (first - 1, first))
        assert unknown == 80 < known
        assert [*costs.notes()] == [
            "AAA: 1 of its fills without market impact, because volume and volatility of the 20 sessions before "
            "are not known"
        ]


def test_a_symbol_without_volume_has_no_impact_and_that_is_said() -> None:
    costs = costs_of(replace(TERMS, impact_coefficient=0.5), zigzag("AAA", 45, volume=0.0))
    assert costs.fill(("AAA", Side.BUY, 100), Decimal(80), 30).price == 80
    assert len([*costs.notes()]) == 1
    quiet = costs_of(TERMS, zigzag("AAA", 45, volume=0.0))
    assert quiet.fill(("AAA", Side.BUY, 100), Decimal(80), 30).price == 80
    assert [*quiet.notes()] == []


def test_an_impact_of_the_whole_price_is_refused() -> None:
    costs = costs_of(replace(TERMS, impact_coefficient=100.0), zigzag("AAA", 45))
    with pytest.raises(UsageError, match=r"AAA: 10,000 shares on .* would move its price by 2,289 %; use a smaller"):
        costs.fill(("AAA", Side.SELL, 10_000), Decimal(80), 30)


def test_the_tiers_are_those_of_the_account_in_a_calendar_month() -> None:
    """300,000 shares at 0.0035; what follows in the month at 0.0020, in the next month at 0.0035 again."""
    tiered = replace(RULES, sizing=replace(RULES.sizing, costs=IbTieredCosts(ThirdPartyFees(*(Decimal(0),) * 6))))
    costs = costs_of(replace(TERMS, rules=tiered), zigzag("AAA", 45), zigzag("BBB", 45))
    later = next(t for t, day in enumerate(DAYS) if day.month != DAYS[0].month)
    paid = [
        costs.fill((symbol, Side.BUY, shares), Decimal(80), t, sleeve).commission_usd
        for symbol, shares, t, sleeve in (
            ("AAA", 300_000, 0, "one"), ("BBB", 1_000, 1, "two"), ("AAA", 1_000, later, "two"),
        )
    ]  # fmt: skip
    assert paid == [Decimal("1050.00"), Decimal("2.00"), Decimal("3.50")]
    assert costs.taken("two") == {"commission": 5.5, "slippage": 0.0, "impact": 0.0}
    assert costs.taken()["commission"] == 1055.5


@pytest.mark.parametrize("impact", [None, 0.5])
def test_a_history_played_says_what_its_fills_cost(impact: float | None) -> None:
    """What costs take and what the price gains is all that happens to the capital: bought at 80, worth 100 at last."""
    history = SessionHistory({"AAA": zigzag("AAA", 44)}, {})
    terms = replace(TERMS, slippage_bps=5.0, impact_coefficient=impact)
    played = play_sessions(history, BuyAndHold(symbols=("AAA",)), terms, 22, 44)
    (order,) = played.orders
    assert played.final_equity_usd == pytest.approx(10_000 + order.shares * 20 - sum(played.costs.values()), abs=1e-4)
    assert (played.costs["impact"] > 0) == (impact is not None)
    assert played.costs["commission"] == played.trades[0].costs_usd
    if impact is None:
        assert costs_taken(replace(played, costs={}), terms) == pytest.approx(dict(played.costs), abs=1e-4)


def test_the_fast_path_plays_neither_tiers_nor_impact() -> None:
    tiered = replace(RULES, sizing=replace(RULES.sizing, costs=IbTieredCosts()))
    assert TERMS.fits_fast_path
    for terms, words in (
        (replace(TERMS, rules=tiered), r'know the cost models "percent" and "ib"'),
        (replace(TERMS, impact_coefficient=0.1), "know no market impact"),
    ):
        assert not terms.fits_fast_path
        with pytest.raises(UsageError, match=words):
            terms.compiled()


def test_where_the_price_is_what_it_is_only_the_commission_is_paid() -> None:
    costs = costs_of(replace(TERMS, impact_coefficient=0.5, slippage_bps=10.0), zigzag("AAA", 45))
    fill = costs.fill(("AAA", Side.SELL, 100), Decimal(80), 22, slips=False)
    assert (fill.price, fill.commission_usd) == (Decimal(80), Decimal("8.00"))
    assert costs.taken() == {"commission": 8.0, "slippage": 0.0, "impact": 0.0}
