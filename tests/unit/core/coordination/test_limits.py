"""Each limit of the account by numbers worked out by hand."""

from datetime import date
from math import sqrt

import numpy as np
import pytest

from mtum.core.coordination.account import (
    Account,
    AccountPlan,
    AccountRules,
    Cut,
    Purchase,
    Returns,
    SleeveWants,
    SymbolGroup,
    total_returns,
)
from mtum.core.coordination.coordinate import coordinate
from mtum.core.coordination.limits import correlation, limited, measured, portfolio_volatility, value_at_risk
from mtum.core.market.bars import Column
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PlannedOrder
from mtum.core.portfolio.limits import LossState
from mtum.core.portfolio.orders import Purpose, Side
from mtum.core.portfolio.sizing import SizingRules
from support.bars import bars_of, changed
from support.values import replace

SIZING = SizingRules(1.0, float("inf"), 0.0, PercentCosts())
ACCOUNT = Account(date(2026, 1, 5), {"AAA": 100.0, "BBB": 50.0, "CCC": 10.0}, equity_usd=10_000.0, cash_usd=10_000.0)


def buys(symbol: str, shares: int, purpose: Purpose = Purpose.ENTER) -> PlannedOrder:
    return PlannedOrder(symbol, Side.BUY, purpose, shares, ("wanted",))


def sells(symbol: str, shares: int, purpose: Purpose = Purpose.EXIT) -> PlannedOrder:
    return PlannedOrder(symbol, Side.SELL, purpose, shares, ("tired",))


def wants(name: str, *orders: PlannedOrder, least_usd: float = 0.0, **held: int) -> SleeveWants:
    return SleeveWants(name, held, orders, SIZING, least_usd)


def left(plan: AccountPlan) -> dict[tuple[str, str], int]:
    return {(one.sleeve, one.order.symbol): one.order.shares for one in plan.orders}


def one_cut(plan: AccountPlan) -> Cut:
    (cut,) = plan.cuts
    return cut


def test_one_symbol_is_bought_up_to_its_part_of_the_equity_by_all_sleeves_together() -> None:
    plan = coordinate(
        [wants("core", buys("AAA", 30), AAA=10), wants("timing", buys("AAA", 20), buys("BBB", 20))],
        ACCOUNT,
        AccountRules(max_symbol_frac=0.4),
    )

    # 4,000 may be held, 1,000 is: 3,000 of the 5,000 wanted, so six tenths of 30 and of 20.
    assert left(plan) == {("core", "AAA"): 18, ("timing", "AAA"): 12, ("timing", "BBB"): 20}
    assert plan.cuts == (
        Cut("max_symbol_frac", "core", "AAA", 0.6, 0.4, 30, 18),
        Cut("max_symbol_frac", "timing", "AAA", 0.6, 0.4, 20, 12),
    )


def test_what_is_sold_today_makes_room_for_what_is_bought() -> None:
    plan = coordinate(
        [wants("core", sells("AAA", 20), AAA=30), wants("timing", buys("AAA", 30))],
        ACCOUNT,
        AccountRules(max_symbol_frac=0.4),
    )

    assert left(plan) == {("core", "AAA"): 20, ("timing", "AAA"): 30}  # 1,000 left and 3,000 bought


def test_groups_are_asked_in_their_order_each_as_the_one_before_left_it() -> None:
    rules = AccountRules(
        groups=(SymbolGroup("tech", ("AAA", "BBB"), 0.3), SymbolGroup("small", ("BBB", "CCC"), 0.1)), max_gross_frac=1.0
    )
    plan = coordinate([wants("core", buys("AAA", 20), buys("BBB", 80), buys("CCC", 50))], ACCOUNT, rules)

    # tech: 3,000 of 6,000: 10 AAA and 40 BBB. small: then 2,000 of BBB and 500 of CCC, 1,000 allowed.
    assert left(plan) == {("core", "AAA"): 10, ("core", "BBB"): 16, ("core", "CCC"): 20}
    assert [(cut.limit, cut.symbol, cut.before, cut.after) for cut in plan.cuts] == [
        ("group.tech", "AAA", 20, 10),
        ("group.tech", "BBB", 80, 40),
        ("group.small", "BBB", 40, 16),
        ("group.small", "CCC", 50, 20),
    ]


def test_all_positions_together_stay_within_the_gross_limit() -> None:
    plan = coordinate(
        [wants("core", buys("BBB", 100), AAA=45), wants("timing", buys("CCC", 100))],
        ACCOUNT,
        AccountRules(max_gross_frac=0.75),
    )

    # 4,500 held and 6,000 wanted; 3,000 fit: half of each.
    assert left(plan) == {("core", "BBB"): 50, ("timing", "CCC"): 50}
    assert {(cut.value, cut.threshold) for cut in plan.cuts} == {(1.05, 0.75)}


def test_options_count_in_their_underlying_and_in_the_whole_beside_shares() -> None:
    # A put at 20 on AAA may bring 2,000 of it: 1,000 held and 3,000 wanted, of 4,000 allowed.
    account = replace(ACCOUNT, options_usd={"AAA": 2_000.0, "DDD": 500.0})
    wanted = [wants("core", buys("AAA", 30), AAA=10)]
    assert left(coordinate(wanted, account, AccountRules(max_symbol_frac=0.4))) == {("core", "AAA"): 10}
    # All together 3,500 are held: of 5,000 there is half of the 3,000 left.
    assert left(coordinate(wanted, account, AccountRules(max_gross_frac=0.5))) == {("core", "AAA"): 15}
    of_nothing = measured({}, account, AccountRules(max_symbol_frac=0.4))
    assert [one.value for one in of_nothing[:2]] == [0.2, 0.25]


def test_a_loss_of_the_account_at_its_limit_stops_every_purchase_and_no_sale() -> None:
    lost = replace(ACCOUNT, losses=LossState(change_since_usd=-500.0))
    plan = coordinate(
        [wants("core", sells("AAA", 5), AAA=5), wants("timing", buys("BBB", 10))],
        lost,
        AccountRules(daily_loss_usd=500.0),
    )

    assert left(plan) == {("core", "AAA"): 5}
    assert one_cut(plan) == Cut("account_daily_loss_usd", "timing", "BBB", 500.0, 500.0, 10, 0)
    assert plan.held_back == (("timing", "BBB", "account_limit"),)


def test_a_loss_a_cent_below_the_limit_stops_nothing() -> None:
    lost = replace(ACCOUNT, losses=LossState(change_since_usd=-499.99))

    assert left(coordinate([wants("timing", buys("BBB", 10))], lost, AccountRules(daily_loss_usd=500.0)))


def test_a_fall_of_the_account_from_its_peak_counts_no_money_taken_out() -> None:
    rules = AccountRules(drawdown_frac=0.2)
    fallen = replace(ACCOUNT, losses=LossState(peak_equity_usd=12_500.0))
    taken_out = replace(ACCOUNT, losses=LossState(peak_equity_usd=12_500.0, flows_since_usd=-1_000.0))

    assert one_cut(coordinate([wants("core", buys("BBB", 10))], fallen, rules)).value == 0.2
    assert not coordinate([wants("core", buys("BBB", 10))], taken_out, rules).cuts


def test_purchases_beyond_the_cash_of_the_account_shrink_alike() -> None:
    poor = replace(ACCOUNT, cash_usd=2_002.0)
    plan = coordinate([wants("core", buys("AAA", 20)), wants("timing", buys("BBB", 40))], poor, AccountRules())

    # 4,004 with 0.1 % cost; half of each.
    assert left(plan) == {("core", "AAA"): 10, ("timing", "BBB"): 20}
    assert {(cut.limit, cut.value, cut.threshold) for cut in plan.cuts} == {("account_cash_usd", 4004.0, 2002.0)}


def test_what_a_limit_leaves_below_the_smallest_trade_is_not_made() -> None:
    plan = coordinate(
        [wants("core", buys("BBB", 10), least_usd=300.0), wants("timing", buys("BBB", 10), least_usd=200.0)],
        ACCOUNT,
        AccountRules(max_symbol_frac=0.05),
    )

    assert left(plan) == {("timing", "BBB"): 5}
    assert plan.held_back == (("core", "BBB", "trade_too_small"),)


def test_a_small_purchase_that_no_limit_cut_is_left_to_its_strategy() -> None:
    assert left(coordinate([wants("core", buys("CCC", 1), least_usd=100.0)], ACCOUNT, AccountRules()))


ALTERNATING = np.array([0.01, -0.01] * 30)
OTHER_WAY = np.array([0.01, 0.01, -0.01, -0.01] * 15)


def with_returns(**columns: Column) -> Account:
    table = np.column_stack(list(columns.values()))
    return replace(ACCOUNT, returns=Returns({name: place for place, name in enumerate(columns)}, table))


def test_a_purchase_like_what_is_held_is_cut_by_its_likeness() -> None:
    account = with_returns(AAA=ALTERNATING, BBB=ALTERNATING * 2, CCC=OTHER_WAY)
    rules = AccountRules(correlation_penalty=0.5)
    plan = coordinate([wants("core", buys("BBB", 21), AAA=10), wants("timing", CCC=300)], account, rules)

    # AAA: correlation 1 with 1,000 USD; CCC: 0 with 3,000. Mean 0.25: 21 x (1 - 0.125) = 18.375.
    assert correlation("BBB", "CCC", account) == 0.0
    assert one_cut(plan) == Cut("correlation_penalty", "core", "BBB", 0.25, 0.5, 21, 18)


def test_the_symbol_itself_counts_as_the_same_where_another_sleeve_holds_it() -> None:
    account = with_returns(AAA=ALTERNATING)
    rules = AccountRules(correlation_penalty=0.4)

    # Position wanted 20, allowed 12, of which 5 are held.
    assert one_cut(coordinate([wants("a", buys("AAA", 15), AAA=5), wants("b", AAA=1)], account, rules)).after == 7
    assert not coordinate([wants("a", buys("AAA", 15), AAA=5), wants("b")], account, rules).cuts


def test_fewer_than_sixty_common_returns_cut_nothing() -> None:
    account = with_returns(AAA=ALTERNATING[:59], BBB=ALTERNATING[:59])

    assert not coordinate([wants("a", buys("BBB", 5), AAA=5)], account, AccountRules(correlation_penalty=1.0)).cuts


def test_volatility_takes_the_largest_tenth_that_keeps_it() -> None:
    account = with_returns(AAA=ALTERNATING, BBB=OTHER_WAY)
    # All of the equity in AAA: deviation 0.01 x sqrt(60 / 59) a day.
    assert portfolio_volatility({"AAA": 10_000.0}, account) == round(0.01 * sqrt(60 / 59) * sqrt(252), 6) == 0.160085
    plan = coordinate([wants("a", buys("AAA", 100))], account, AccountRules(target_volatility_frac=0.1))

    # 0.0960508 at six tenths, 0.112060 at seven.
    assert one_cut(plan) == Cut("target_volatility_frac", "a", "AAA", 0.160085, 0.1, 100, 60)


def test_what_is_held_counts_in_the_volatility_and_cannot_be_cut() -> None:
    account = with_returns(AAA=ALTERNATING)
    rules = AccountRules(target_volatility_frac=0.1)

    assert one_cut(coordinate([wants("a", buys("AAA", 10), AAA=90)], account, rules)).after == 0


def test_a_volatility_that_cannot_be_known_lets_nothing_be_bought() -> None:
    account = with_returns(AAA=ALTERNATING[:59])
    cut = one_cut(coordinate([wants("a", buys("AAA", 10))], account, AccountRules(target_volatility_frac=5.0)))

    assert (cut.value, cut.after) == (None, 0)


def losses_of(count: int) -> Column:
    """Return 1, 2, 3 ... ten-thousandths lost, shuffled in a fixed way."""
    return -np.array([(place * 7) % count + 1 for place in range(count)]) / 10_000


def test_value_at_risk_is_the_loss_of_the_twentieth_part() -> None:
    account = with_returns(AAA=losses_of(251), BBB=np.zeros(251))

    # ceil(0.05 x 251) = 13: the 13th largest of 0.0251, 0.0250, ... is 0.0239.
    assert value_at_risk({"AAA": 10_000.0}, account) == 0.0239
    assert value_at_risk({"AAA": 5_000.0, "BBB": 5_000.0}, account) == 0.01195
    assert value_at_risk({"AAA": 10_000.0}, with_returns(AAA=losses_of(249))) is None
    assert value_at_risk({}, account) == 0.0


def test_value_at_risk_looks_at_the_last_five_hundred_sessions() -> None:
    long_ago = np.concatenate([np.full(100, -0.5), losses_of(500)])

    assert value_at_risk({"AAA": 10_000.0}, with_returns(AAA=long_ago)) == 0.0476  # the 25th of 500


def test_value_at_risk_cuts_to_the_largest_tenth() -> None:
    account = with_returns(AAA=losses_of(300))

    # All of it: the 15th largest loss, 0.0286; seven tenths 0.02002, six tenths 0.01716.
    cut = one_cut(coordinate([wants("a", buys("AAA", 100))], account, AccountRules(max_var_frac=0.02)))
    assert (cut.value, cut.threshold, cut.after) == (0.0286, 0.02, 60)


def test_without_enough_history_value_at_risk_is_unproven_and_nothing_is_bought() -> None:
    account = with_returns(AAA=losses_of(249))

    assert one_cut(coordinate([wants("a", buys("AAA", 1))], account, AccountRules(max_var_frac=0.9))).value is None


def test_limits_come_in_their_order_and_later_ones_see_what_is_left() -> None:
    rules = AccountRules(max_symbol_frac=0.5, groups=(SymbolGroup("all", ("AAA", "BBB"), 0.6),), max_gross_frac=0.3)
    plan = coordinate([wants("a", buys("AAA", 100), buys("BBB", 20))], ACCOUNT, rules)

    assert [(cut.limit, cut.symbol, cut.after) for cut in plan.cuts] == [
        ("max_symbol_frac", "AAA", 50),
        ("max_gross_frac", "AAA", 25),
        ("max_gross_frac", "BBB", 10),
    ]


def test_total_returns_put_the_dividend_back_at_the_close_before_the_ex_date() -> None:
    bars = changed(bars_of([100.0, 99.0, 110.0]), dividend={1: 2.0})
    _, values = total_returns(bars)

    # 99 against 100 - 2, then 110 against 99.
    assert values.tolist() == pytest.approx([99 / 98 - 1, 110 / 99 - 1], abs=1e-15)


def test_returns_are_lined_up_by_session() -> None:
    early, late = bars_of([10.0, 11.0, 12.1], first=date(2026, 1, 5)), bars_of([5.0, 6.0], first=date(2026, 1, 6))
    found = Returns.of({"EARLY": early, "LATE": late}, 60)

    shared = found.shared(("EARLY", "LATE"), 60)
    assert shared is not None
    assert shared.tolist() == [pytest.approx([0.1, 0.2])]
    assert found.shared(("EARLY", "NONE"), 60) is None


def test_without_purchases_every_limit_in_force_is_measured_of_what_is_held() -> None:
    """AAA 1,000, BBB 1,350 and CCC 330 USD of an equity of 3,000; the account fell from 7,000, 100 were paid in."""
    losses = LossState(peak_equity_usd=7_000.0, flows_since_usd=100.0, change_since_usd=-1.2345678)
    account = replace(ACCOUNT, equity_usd=3_000.0, cash_usd=12.3456789, losses=losses)
    rules = AccountRules(groups=(SymbolGroup("rest", ("AAA", "CCC"), 0.2),), daily_loss_usd=500.0, drawdown_frac=0.9)
    found = measured({"a": {"AAA": 10, "BBB": 7}, "b": {"BBB": 20, "CCC": 33}}, account, rules)

    assert [(one.limit, one.value, one.threshold) for one in found] == [
        ("account_daily_loss_usd", 1.234568, 500.0),
        ("account_drawdown_frac", 0.585714, 0.9),  # 1 - 2,900 / 7,000
        ("max_symbol_frac", 0.45, 1.0),  # the largest
        ("group.rest", 0.443333, 0.2),
        ("max_gross_frac", 0.893333, 1.0),
        ("account_cash_usd", 0.0, 12.345679),
    ]


def test_what_is_not_held_and_no_equity_are_not_measured() -> None:
    assert [one.limit for one in measured({}, ACCOUNT, AccountRules())] == ["max_gross_frac", "account_cash_usd"]
    broke = replace(ACCOUNT, equity_usd=0.0, losses=LossState(peak_equity_usd=1.0))
    found = {one.limit: one.value for one in measured({"a": {"AAA": 1}}, broke, AccountRules(drawdown_frac=0.5))}
    assert found == {
        "account_drawdown_frac": 1.0,
        "max_symbol_frac": None,
        "max_gross_frac": None,
        "account_cash_usd": 0.0,
    }
    one_dollar = replace(ACCOUNT, equity_usd=1.0)
    assert [one.value for one in measured({"a": {"CCC": 1}}, one_dollar, AccountRules())][:2] == [10.0, 10.0]


@pytest.mark.parametrize(
    ("factor", "shares"),
    [(0.35, 3), (0.97, 9), (0.99999996, 10), (0.9999996, 9), (1.5, 10), (-1.0, 0)],
)
def test_a_part_of_a_purchase_is_whole_shares_and_never_more(factor: float, shares: int) -> None:
    """3.5 and 9.7 are cut; what is whole to the sixth decimal is whole."""
    assert Purchase("a", buys("AAA", 10), 10, SIZING, 0.0).scaled(factor) == shares


def test_a_purchase_that_just_fits_is_not_cut_and_beyond_the_equity_nothing_is_bought() -> None:
    small = replace(ACCOUNT, equity_usd=1_000.0)
    assert not coordinate([wants("a", buys("AAA", 10))], small, AccountRules()).cuts
    assert one_cut(coordinate([wants("a", buys("AAA", 20))], small, AccountRules())).limit == "max_symbol_frac"
    two = coordinate([wants("a", buys("AAA", 8), buys("BBB", 16))], small, AccountRules())
    assert [(cut.limit, cut.after) for cut in two.cuts] == [("max_gross_frac", 5), ("max_gross_frac", 10)]
    penny = replace(ACCOUNT, prices={"AAA": 0.5}, equity_usd=1.0)
    assert left(coordinate([wants("a", buys("AAA", 2))], penny, AccountRules(max_symbol_frac=0.5))) == {("a", "AAA"): 1}
    assert one_cut(coordinate([wants("a", buys("AAA", 1))], penny, AccountRules(max_symbol_frac=0.4))).after == 0


def test_cash_is_measured_with_its_cost_and_a_debt_is_no_room() -> None:
    account = replace(ACCOUNT, prices={"AAA": 10.1234511}, cash_usd=5.0)
    cut = one_cut(coordinate([wants("a", buys("AAA", 1))], account, AccountRules()))
    assert (cut.value, cut.threshold, cut.after) == (10.133575, 5.0, 0)  # 10.1234511 x 1.001 = 10.1335745511
    debt = replace(account, cash_usd=-5.0)
    assert one_cut(coordinate([wants("a", buys("AAA", 1))], debt, AccountRules())).threshold == 0.0


def test_a_purchase_whose_likeness_is_not_known_leaves_the_next_to_be_judged() -> None:
    """20 x 0.5 = 10 and 21 x 0.5 = 10.5; NEW has no returns."""
    account = with_returns(AAA=ALTERNATING, BBB=ALTERNATING, CCC=ALTERNATING)
    account = replace(account, prices={**account.prices, "NEW": 1.0})
    purchases = [Purchase("a", buys(symbol, 20), 20, SIZING, 0.0) for symbol in ("NEW", "BBB")]
    purchases.append(Purchase("a", buys("CCC", 21), 21, SIZING, 0.0))
    kept, cuts = limited(purchases, {"b": {"AAA": 10}}, account, AccountRules(correlation_penalty=0.5))
    assert [one.shares for one in kept] == [20, 10, 10]
    assert [cut.value for cut in cuts] == [1.0, 1.0]


@pytest.mark.parametrize(("penalty", "after"), [(0.515, 9), (0.50000002, 10), (0.5000002, 9)])
def test_what_likeness_leaves_is_cut_to_whole_shares(penalty: float, after: int) -> None:
    """9.7, 9.9999996 and 9.999996 of 20 shares; what is whole to the sixth decimal is whole."""
    account = with_returns(AAA=ALTERNATING, BBB=ALTERNATING)
    plan = coordinate([wants("a", buys("BBB", 20), AAA=1)], account, AccountRules(correlation_penalty=penalty))
    assert one_cut(plan).after == after


def test_a_position_that_is_large_enough_already_is_not_added_to() -> None:
    account = with_returns(AAA=ALTERNATING, BBB=ALTERNATING)
    rules = AccountRules(correlation_penalty=0.5)
    assert one_cut(coordinate([wants("a", buys("BBB", 2), AAA=1, BBB=10)], account, rules)).after == 0


def test_likeness_weighs_what_is_held_long_by_its_value() -> None:
    """AAA alike with 1,000, BBB not with 2,000: a third. Shorts do not count, and half a dollar does."""
    account = with_returns(AAA=ALTERNATING, BBB=OTHER_WAY, CCC=ALTERNATING + 0.01)
    rules = AccountRules(correlation_penalty=0.6)
    held = wants("b", AAA=10, BBB=40)
    assert one_cut(coordinate([wants("a", buys("CCC", 10)), held], account, rules)).value == 0.333333
    short = wants("b", AAA=10, BBB=-10)
    assert one_cut(coordinate([wants("a", buys("CCC", 10)), short], account, rules)).value == 1.0
    cheap = replace(account, prices={"AAA": 0.5, "CCC": 10.0})
    assert one_cut(coordinate([wants("a", buys("CCC", 10)), wants("b", AAA=1)], cheap, rules)).value == 1.0
    unknown = with_returns(BBB=OTHER_WAY)
    assert one_cut(coordinate([wants("a", buys("AAA", 10)), wants("b", AAA=1)], unknown, rules)).value == 1.0


def test_correlation_of_a_third_and_of_what_never_moves() -> None:
    """Alike on two of three days, opposite on the third: (40 - 20) / 60."""
    third = np.concatenate([ALTERNATING[:40], -ALTERNATING[40:]])
    account = with_returns(AAA=ALTERNATING, BBB=third + 0.02, CCC=np.zeros(60))
    assert correlation("AAA", "BBB", account) == 0.333333
    assert correlation("AAA", "CCC", account) is None


def test_volatility_is_kept_at_its_limit_and_at_every_tenth() -> None:
    account = replace(with_returns(AAA=ALTERNATING), cash_usd=20_000.0)
    at_limit = coordinate([wants("a", buys("AAA", 100))], account, AccountRules(target_volatility_frac=0.160085))
    assert not at_limit.cuts
    # 0.112060 at seven tenths
    cut = one_cut(coordinate([wants("a", buys("AAA", 100))], account, AccountRules(target_volatility_frac=0.12)))
    assert cut.after == 70
    one_dollar = replace(account, equity_usd=1.0)
    assert portfolio_volatility({"AAA": 1.0, "CCC": 0.0}, one_dollar) == 0.160085


def test_value_at_risk_counts_from_the_worst_and_looks_at_five_hundred_sessions_exactly() -> None:
    """ceil(0.05 x 285) = 15: 0.0271. Of 500, 25 lost 0.0100: the oldest too; before them came a gain."""
    assert value_at_risk({"AAA": 10_000.0}, with_returns(AAA=losses_of(285))) == 0.0271
    assert value_at_risk({"AAA": 10_000.0 / 3}, with_returns(AAA=losses_of(251))) == 0.007967  # 0.0239 / 3
    assert value_at_risk({"AAA": 10_000.0}, with_returns(AAA=losses_of(250))) == 0.0238  # the 13th
    window = np.zeros(500)
    window[:25] = -0.01
    assert value_at_risk({"AAA": 10_000.0}, with_returns(AAA=np.concatenate([[0.5], window]))) == 0.01


def test_older_returns_than_asked_for_are_left_out() -> None:
    found = Returns.of({"AAA": bars_of([10.0, 11.0, 22.0])}, 1)
    assert found.table.tolist() == [[1.0]]
