"""Buy and hold of several symbols: by weight, from the first session all have, to the last bar of each."""

from datetime import date

import pytest

from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.research.benchmark import buy_and_hold_weighted
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.session_views import SessionHistory

DAYS = [date(2024, 1, day) for day in (2, 3, 4, 5, 8)]


def bars(symbol: str, closes: dict[int, float], dividends: dict[int, float] | None = None) -> Bars:
    columns: dict[str, object] = {name: [*closes.values()] for name in PRICE_COLUMNS}
    paid = [(dividends or {}).get(at, 0.0) for at in closes]
    columns |= {"volume": [100.0] * len(closes), "dividend": paid}
    return Bars.from_columns(symbol, "scripted", [DAYS[at] for at in closes], columns)


def test_each_is_bought_with_its_part_once_all_have_bars() -> None:
    """From the third session on: 600 / 50 = 11 shares with 0.55 of cost, 400 / 20 = 19 with 0.38.

    11 x 1.00 of dividend buys 11 / 55 = 0.2 shares; BBB ends at 30 and stays there.
    """
    market = SessionHistory(
        {
            "AAA": bars("AAA", {0: 40.0, 1: 45.0, 2: 50.0, 3: 55.0, 4: 60.0}, {1: 9.0, 2: 9.0, 3: 1.0}),
            "BBB": bars("BBB", {2: 20.0, 3: 30.0}),
        },
        {},
    )
    found = buy_and_hold_weighted(market, Span(1, 5), {"AAA": 0.6, "BBB": 0.4}, 1000.0, PercentCosts())
    assert (found.shares, found.entry_cost_usd) == ({"AAA": 11, "BBB": 19}, 0.93)
    cash = 1000.0 - 550.0 - 0.55 - 380.0 - 0.38
    assert found.reinvested.tolist() == pytest.approx(
        [1000.0, 999.07, cash + 11.2 * 55 + 19 * 30, cash + 11.2 * 60 + 19 * 30]
    )
    assert found.unreinvested.tolist()[-1] == pytest.approx(cash + 11 * 60 + 11 + 19 * 30)


def test_weights_below_one_leave_cash_and_above_one_shrink() -> None:
    market = SessionHistory({"AAA": bars("AAA", {0: 10.0, 1: 20.0})}, {})
    half = buy_and_hold_weighted(market, Span(0, 2), {"AAA": 0.5}, 1000.0, PercentCosts())
    assert half.reinvested.tolist() == pytest.approx([999.51, 1489.51]), "49 shares: 50 would need 500.50"
    whole = buy_and_hold_weighted(market, Span(0, 2), {"AAA": 2.0}, 1000.0, PercentCosts())
    assert whole.shares == {"AAA": 99}


def test_what_is_never_there_together_stays_cash() -> None:
    market = SessionHistory({"AAA": bars("AAA", {0: 10.0, 1: 20.0}), "BBB": bars("BBB", {3: 5.0, 4: 6.0})}, {})
    found = buy_and_hold_weighted(market, Span(0, 2), {"AAA": 1.0, "BBB": 1.0}, 1000.0, PercentCosts())
    assert found.reinvested.tolist() == found.unreinvested.tolist() == [1000.0, 1000.0]
    assert found.shares == {"AAA": 0, "BBB": 0}
