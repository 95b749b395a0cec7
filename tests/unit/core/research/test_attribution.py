"""What symbols and sleeves brought, against numbers worked out by hand."""

import numpy as np
import pytest

from mtum.core.portfolio.orders import Side
from mtum.core.research.attribution import (
    added_by_sleeve,
    by_sleeve,
    by_symbol,
    correlations,
    fund_weight,
    held_shares,
    in_cents,
    weights,
)
from mtum.core.research.metrics import traded_usd
from mtum.core.research.sheet import sheet_figures
from support.markets import weekdays
from support.played_accounts import bought, played_account
from support.values import replace


def test_sleeves_earn_what_the_account_does_and_a_transfer_is_none_of_it() -> None:
    """601 - 600 + 50 = 51, 459 - 400 - 50 = 9, and 0.30 of the fund, of 1,060.30 - 1,000."""
    trend, dips, fund = by_sleeve(played_account())
    assert [row.pnl_usd for row in (trend, dips, fund)] == [51.0, 9.0, 0.3]
    assert [row.flows_usd for row in (trend, dips, fund)] == [-50.0, 50.0, 0.0]
    assert trend.contribution_frac == pytest.approx(0.051)
    # 599/600, 621/599, then 621 -> 571 is only the money that left, 601/571.
    assert trend.return_frac == pytest.approx(621 / 600 * 601 / 571 - 1)
    assert trend.max_drawdown_frac == pytest.approx(599 / 600 - 1)
    assert (trend.trades, trend.costs_usd, trend.dividends_usd) == (1, 1.0, 2.0)
    mean = (999.0 + 1020.1 + 1010.2 + 1060.3) / 4
    assert trend.turnover_per_year == pytest.approx(500 / mean * 252 / 4)
    assert trend.mean_weight_frac == pytest.approx((599 / 999 + 621 / 1020.1 + 571 / 1010.2 + 601 / 1060.3) / 4)
    assert (fund.return_frac, fund.sharpe) == (None, None), "a fund on the cash of others has no return of its own"


def test_what_sleeves_add_to_a_session_is_its_return() -> None:
    """In the third session `trend` earns nothing but its transfer, and `dips` loses 10 of 1,020.10."""
    account = played_account()
    added = added_by_sleeve(account)
    before = np.array([1000.0, 999.0, 1020.1, 1010.2])
    assert added["trend"] == pytest.approx(np.array([-1, 22, 0, 30]) / before)
    assert added["dips"][2] == pytest.approx(-10 / 1020.1)
    assert sum(added.values()) == pytest.approx(account.total.equity / before - 1)


def test_symbols_bring_what_their_trades_did_the_best_first() -> None:
    account = played_account()
    held = weights(account)
    assert held["AAA"].tolist() == pytest.approx([500 / 999, 520 / 1020.1, 520 / 1010.2, 550 / 1060.3])
    assert held["BBB"].tolist() == pytest.approx([0.0, 100 / 1020.1, 90 / 1010.2, 110 / 1060.3])
    aaa, bbb, kept = by_symbol(account.total, held)
    assert (aaa.symbol, aaa.pnl_usd, aaa.dividends_usd, aaa.costs_usd, aaa.wins) == ("AAA", 51.0, 2.0, 1.0, 1)
    assert bbb.symbol == "BBB"
    assert bbb.contribution_frac == pytest.approx(0.009)
    assert bbb.largest_weight_frac == pytest.approx(110 / 1060.3)
    assert traded_usd(account.total).tolist() == [500.0, 300.0, 0.0, 0.0]
    assert (kept.symbol, kept.pnl_usd, kept.mean_weight_frac) == ("SGOV", 0.3, 0.0), "what the fund holds is cash"
    assert fund_weight(account).tolist() == pytest.approx([0.0, 200.1 / 1020.1, 200.2 / 1010.2, 200.3 / 1060.3])
    assert fund_weight(replace(account, sleeves={})).tolist() == [0.0] * 4


def test_shares_follow_from_the_orders_and_what_was_there_at_the_start() -> None:
    total = played_account().total
    when = weekdays(4)
    sold = replace(bought(when[3], "AAA", 4, 110.0, "trend"), side=Side.SELL)
    found = held_shares(replace(total, orders=(*total.orders[:2], sold)), ("AAA", "BBB"), {"BBB": 3})
    assert found["AAA"].tolist() == [5, 5, 5, 1]
    assert found["BBB"].tolist() == [3, 5, 5, 5]


def test_cents_add_up_to_the_rounded_sum_and_go_where_most_was_cut() -> None:
    assert in_cents([1 / 3, 1 / 3, 1 / 3]) == [0.34, 0.33, 0.33]
    assert in_cents([-1.006, 2.0]) == [-1.01, 2.0]
    assert in_cents([]) == []
    drawn = np.random.default_rng(4).normal(0, 1000, 9).tolist()
    assert round(sum(in_cents(drawn)), 2) == round(sum(drawn), 2)
    assert all(abs(cents - amount) < 0.01 for cents, amount in zip(in_cents(drawn), drawn, strict=True))


def test_correlations_are_over_sessions_that_both_know_and_unknown_for_few_of_them() -> None:
    line = np.tile([0.01, -0.01, 0.02], 10)
    late = np.where(np.arange(30) < 6, np.nan, -line)
    found = correlations({"one": line, "two": late, "still": np.zeros(30)})
    assert found["one"]["two"] == pytest.approx(-1.0)
    assert found["one"]["still"] is None
    assert correlations({"one": line[:20], "two": late[:20]})["one"]["two"] is None, "14 sessions are too few"


def test_a_strategy_alone_has_no_sleeves_to_tell_apart() -> None:
    account = played_account()
    figures = sheet_figures(replace(account, sleeves={}), account.total.equity)
    assert (figures.sleeves, figures.earned, figures.correlations) == ((), {}, {})
    whole = sheet_figures(account, account.total.equity)
    assert sum(line[-1] for line in whole.earned.values()) == pytest.approx(60.3)
    assert list(whole.correlations) == ["trend", "dips"]
