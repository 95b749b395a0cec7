"""Cash between sleeves by numbers worked out by hand."""

from datetime import date
from decimal import Decimal
from math import sqrt

import pytest

from mtum.core.coordination.transfers import (
    FundRules,
    Period,
    SleeveMoney,
    Transfer,
    TransferRules,
    fund_order,
    rebalanced,
    spendable,
    transfers,
    weighted,
)
from mtum.core.portfolio.orders import Side
from unit.core.coordination.test_limits import SIZING


def money(name: str, weight: float, equity: str, available: str = "1e9", *, receives: bool = True) -> SleeveMoney:
    return SleeveMoney(name, weight, Decimal(equity), Decimal(available), receives)


def usd(**amounts: str) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in amounts.items()}


def test_each_sleeve_spends_its_own_cash_where_the_broker_has_it_all() -> None:
    assert spendable(usd(a="100", b="50.25", c="-3"), Decimal("150.25")) == usd(a="100", b="50.25", c="0")


def test_too_little_cash_at_the_broker_is_shared_in_proportion_cents_downwards() -> None:
    assert spendable(usd(a="200", b="100", c="-50"), Decimal(100)) == usd(a="66.66", b="33.33", c="0")
    assert spendable(usd(a="200"), Decimal(-5)) == usd(a="0")
    assert spendable(usd(a="-5", b="0"), Decimal(-5)) == usd(a="0", b="0")


def test_a_sleeve_beyond_its_band_gives_its_excess_to_those_below() -> None:
    found = transfers([money("a", 0.5, "7000"), money("b", 0.3, "2000"), money("c", 0.2, "1000")], 0.2)

    # Targets 5,000, 3,000, 2,000; a gives 2,000, the gaps are 1,000 and 1,000.
    assert found == usd(a="-2000", b="1000", c="1000")


def test_within_the_band_nothing_moves() -> None:
    assert transfers([money("a", 0.5, "6000"), money("b", 0.5, "4000")], 0.2) == {}
    assert transfers([money("a", 0.5, "6000.01"), money("b", 0.5, "3999.99")], 0.2) != {}


def test_no_more_is_given_than_there_is_cash_and_nothing_is_sold_for_it() -> None:
    found = transfers([money("a", 1.0, "9000", "100.009"), money("b", 1.0, "2000"), money("c", 1.0, "1000")], 0.2)

    # 100.00 by gaps of 2,000 and 3,000.
    assert found == usd(a="-100", b="40", c="60")


def test_a_cent_that_cannot_be_shared_goes_to_the_largest_gap() -> None:
    found = transfers([money("a", 1.0, "900", "100"), money("b", 1.0, "300"), money("c", 1.0, "0")], 0.2)

    # Gaps 100 and 400: 20 and 80. Then an odd cent: 100.01 would be 20.00 and 80.01.
    assert found == usd(a="-100", b="20", c="80")
    odd = transfers([money("a", 1.0, "900", "100.01"), money("b", 1.0, "300"), money("c", 1.0, "0")], 0.2)
    assert odd == usd(a="-100.01", b="20", c="80.01")


def test_a_sleeve_that_is_not_on_receives_nothing_and_no_other_is_lifted_above_its_weight() -> None:
    found = transfers([money("a", 1.0, "600"), money("b", 1.0, "250"), money("c", 1.0, "50", receives=False)], 0.2)

    assert found == usd(a="-50", b="50")


def test_what_moves_adds_up_to_nothing() -> None:
    sleeves = [
        money(str(n), weight, equity)
        for n, (weight, equity) in enumerate([(0.17, "1033.33"), (0.31, "977.77"), (0.07, "801.01"), (0.45, "12.34")])
    ]
    assert sum(transfers(sleeves, 0.1).values()) == 0


def test_the_record_tells_what_is_above_a_share_and_is_no_cash() -> None:
    sleeves = [money("a", 0.3, "5000", "100"), money("b", 0.3, "1000", "1000")]

    # Shares of 3,000 each; a stands 2,000 above and has 100 of that in cash.
    assert rebalanced(sleeves, {}, TransferRules("month", 0.2)) == (
        Transfer("a", 0.3, 5000.0, 3000.0, -100.0, 1900.0),
        Transfer("b", 0.3, 1000.0, 3000.0, 100.0, 0.0),
    )


def test_weighting_acts_through_what_moves() -> None:
    sleeves = [money("a", 0.5, "5000", "5000"), money("b", 0.5, "5000", "5000")]
    earned = {"a": UP_AND_DOWN, "b": [3 * one for one in UP_AND_DOWN]}
    found = rebalanced(sleeves, earned, TransferRules("month", 0.2, "inverse_volatility"))

    # Factors 2 and 2/3: shares of 7,500 and 2,500.
    assert [(one.target_usd, one.usd) for one in found] == [(7500.0, 2500.0), (2500.0, -2500.0)]


@pytest.mark.parametrize(
    ("period", "day", "following", "due"),
    [
        ("none", date(2026, 1, 30), date(2026, 2, 2), False),
        ("month", date(2026, 1, 30), date(2026, 2, 2), True),
        ("month", date(2026, 1, 29), date(2026, 1, 30), False),
        ("month", date(2026, 12, 31), date(2027, 1, 4), True),
        ("quarter", date(2026, 2, 27), date(2026, 3, 2), False),
        ("quarter", date(2026, 3, 31), date(2026, 4, 1), True),
        ("quarter", date(2025, 12, 31), date(2026, 1, 2), True),
        ("month", date(2026, 1, 30), None, False),
    ],
)
def test_a_period_ends_with_its_last_session(period: Period, day: date, following: date | None, *, due: bool) -> None:
    assert TransferRules(period).due(day, following) is due


UP_AND_DOWN = [0.01, -0.01] * 63


def test_inverse_volatility_gives_the_calm_sleeve_more_of_the_same_sum() -> None:
    found = weighted({"a": 0.5, "b": 0.3}, {"a": UP_AND_DOWN, "b": [3 * r for r in UP_AND_DOWN]}, "inverse_volatility")

    # Mean deviation 2 against 1 and 3: factors 2 and 2/3, 1.0 and 0.2, scaled to 0.8.
    assert found == {"a": pytest.approx(0.8 / 1.2), "b": pytest.approx(0.16 / 1.2)}


def test_a_sleeve_with_too_few_returns_or_none_at_all_counts_as_it_is() -> None:
    found = weighted({"a": 0.5, "b": 0.5}, {"a": UP_AND_DOWN[:62], "b": [0.0] * 126}, "inverse_volatility")

    assert found == {"a": 0.5, "b": 0.5}


def test_sharpe_moves_weights_by_half_the_difference_within_bounds() -> None:
    better = [r + 0.001 for r in UP_AND_DOWN]
    spread = sqrt(126 / 125) * 0.01
    found = weighted({"a": 1.0, "b": 1.0}, {"a": better, "b": UP_AND_DOWN}, "sharpe")

    # Sharpe ratios s and 0, mean s/2: factors 1 + s/4 and 1 - s/4, which add up to 2 already.
    ratio = 0.001 / spread * sqrt(252)
    assert found == {"a": pytest.approx(1 + ratio / 4), "b": pytest.approx(1 - ratio / 4)}
    much = weighted({"a": 1.0, "b": 1.0}, {"a": [r + 0.01 for r in UP_AND_DOWN], "b": UP_AND_DOWN}, "sharpe")
    assert much == {"a": pytest.approx(1.5), "b": pytest.approx(0.5)}


def test_only_the_last_126_returns_count() -> None:
    long = [0.5, -0.5] * 50 + UP_AND_DOWN
    assert weighted({"a": 0.5, "b": 0.3}, {"a": long, "b": UP_AND_DOWN}, "inverse_volatility") == pytest.approx(
        {"a": 0.5, "b": 0.3}
    )


FUND = FundRules(keep_usd=1000.0, step_usd=1000.0)


def test_cash_above_what_is_kept_buys_the_fund_from_a_step_on() -> None:
    assert fund_order(100.0, 0, 2000.0, 0.0, SIZING, FUND) is None
    assert fund_order(100.0, 0, 2000.01, 0.0, SIZING, FUND) == (Side.BUY, 9)  # 1,000.01 at 100.10 each


def test_a_purchase_without_cash_sells_as_much_of_the_fund_as_it_lacks() -> None:
    # 250 at 99.90 each after costs.
    assert fund_order(100.0, 50, 0.0, 250.0, SIZING, FUND) == (Side.SELL, 3)
    assert fund_order(100.0, 2, 5000.0, 250.0, SIZING, FUND) == (Side.SELL, 2)
    assert fund_order(100.0, 0, 5000.0, 250.0, SIZING, FUND) is None


def test_a_sleeve_whose_weight_says_nothing_moves_nothing() -> None:
    assert transfers([money("a", 0.0, "7000"), money("b", 0.0, "3000")], 0.2) == {}
    assert rebalanced([money("a", 0.0, "7000")], {}, TransferRules()) == (Transfer("a", 0.0, 7000.0, 7000.0, 0.0, 0.0),)
    small = transfers([money("a", 0.2, "900"), money("b", 0.3, "0")], 0.2)
    assert small == usd(a="-540", b="540")  # 360 and 540 of 900


def test_what_may_not_be_received_is_not_given_and_debts_give_nothing() -> None:
    assert transfers([money("a", 1.0, "900"), money("b", 1.0, "100", receives=False)], 0.2) == {}
    assert transfers([money("a", 1.0, "900", "-5"), money("b", 1.0, "100")], 0.2) == {}
    above = rebalanced([money("a", 1.0, "900", "-5"), money("b", 1.0, "100")], {}, TransferRules("month", 0.2))
    assert [one.lacking_usd for one in above] == [400.0, 0.0]


def test_the_whole_of_what_is_given_is_cut_to_the_room_of_those_below() -> None:
    """Targets 500 each; a and b give in proportion to 300 and 100, c alone may receive its 50."""
    sleeves = [money("a", 1.0, "800"), money("b", 1.0, "600"), money("c", 1.0, "450"), money("d", 1.0, "150")]
    sleeves[3] = money("d", 1.0, "150", receives=False)
    assert transfers(sleeves, 0.1) == usd(a="-37.50", b="-12.50", c="50")


@pytest.mark.parametrize(
    ("broker", "a", "b"), [("150", "100", "50"), ("149.99", "99.99", "49.99"), ("0", "0", "0"), ("-1", "0", "0")]
)
def test_a_cent_less_at_the_broker_is_a_cent_less_to_spend(broker: str, a: str, b: str) -> None:
    assert spendable(usd(a="100", b="50"), Decimal(broker)) == usd(a=a, b=b)


def test_the_one_sleeve_with_cash_has_what_the_broker_has() -> None:
    assert spendable(usd(a="100.005", b="-1"), Decimal("50.005")) == usd(a="50.005", b="0")


def test_weights_need_63_returns_that_move_and_keep_their_sum() -> None:
    """Deviations 1 and 3 of three sleeves: factors 2, 2/3 and 1 for the one that is not known."""
    moves = {"a": UP_AND_DOWN[:63], "b": [3 * one for one in UP_AND_DOWN[:63]], "c": UP_AND_DOWN[:62]}
    found = weighted({"a": 0.2, "b": 0.3, "c": 0.4}, moves, "inverse_volatility")
    assert found == pytest.approx({"a": 0.36, "b": 0.18, "c": 0.36})  # 0.4, 0.2 and 0.4, scaled from 1.0 to 0.9
    assert weighted({"a": 0.0}, moves, "inverse_volatility") == {"a": 0.0}
    assert weighted({"a": 0.2, "c": 0.4}, moves, "fixed") == {"a": 0.2, "c": 0.4}
    assert weighted({"c": 0.4}, moves, "sharpe") == {"c": 0.4}


def test_the_fund_needs_a_price_and_sells_whole_shares_rounded_up() -> None:
    assert fund_order(0.0, 10, 0.0, 250.0, SIZING, FUND) is None
    assert fund_order(-1.0, 10, 9000.0, 0.0, SIZING, FUND) is None
    assert fund_order(1.0, 1000, 0.0, 0.5, SIZING, FUND) == (Side.SELL, 1)
    assert fund_order(100.0, 50, 0.0, 199.8, SIZING, FUND) == (Side.SELL, 2)  # two bring 99.90 each
    assert fund_order(100.0, 50, 0.0, 199.81, SIZING, FUND) == (Side.SELL, 3)
    assert fund_order(5000.0, 0, 2500.0, 0.0, SIZING, FUND) is None
    assert fund_order(1000.0, 0, 2001.0, 0.0, SIZING, FUND) == (Side.BUY, 1)


def test_all_that_is_there_is_spent_to_the_last_part_of_a_cent() -> None:
    assert spendable(usd(a="100.005", b="50.005"), Decimal("150.01")) == usd(a="100.005", b="50.005")


def test_without_a_period_nothing_is_due_and_a_sleeve_receives() -> None:
    assert TransferRules() == TransferRules("none", 0.2, "fixed")
    assert not TransferRules().due(date(2026, 3, 31), date(2026, 4, 1))
    assert SleeveMoney("a", 1.0, Decimal(1), Decimal(1)).receives


def test_what_is_above_its_share_within_the_band_lacks_nothing() -> None:
    within = [money("a", 0.5, "5500.1234567", "0"), money("b", 0.5, "4499.8765433")]
    assert rebalanced(within, {}, TransferRules("month", 0.2)) == (
        Transfer("a", 0.5, 5500.123457, 5000.0, 0.0, 0.0),
        Transfer("b", 0.5, 4499.876543, 5000.0, 0.0, 0.0),
    )


def test_cents_are_cut_and_the_rest_goes_to_the_one_that_lacks_most() -> None:
    # A share of 116.6766..: b lacks 16.6766...
    assert transfers(
        [money("a", 1.0, "200"), money("b", 1.0, "100"), money("c", 1.0, "50.03", receives=False)], 0.2
    ) == usd(a="-16.67", b="16.67")
    # 0.175 each: 0.17, and the cent that is left to the first of two that lack alike.
    alike = [money("a", 1.0, "900", "0.35"), money("b", 1.0, "300"), money("c", 1.0, "300")]
    assert transfers(alike, 0.2) == usd(a="-0.35", b="0.18", c="0.17")
    odd = [money("a", 1.0, "900", "100.01"), money("b", 1.0, "0"), money("c", 1.0, "300")]
    assert transfers(odd, 0.2) == usd(a="-100.01", b="80.01", c="20")
    assert transfers([money("a", 1.0, "1.50"), money("b", 1.0, "0.50")], 0.2) == usd(a="-0.50", b="0.50")


def test_fixed_weights_stay_whatever_was_earned_and_126_returns_count() -> None:
    earned = {"a": UP_AND_DOWN, "b": [3 * one + 0.01 for one in UP_AND_DOWN]}
    assert weighted({"a": 0.2, "b": 0.4}, earned, "fixed") == {"a": 0.2, "b": 0.4}
    assert weighted({"a": 0.2, "new": 0.4}, {"a": UP_AND_DOWN}, "inverse_volatility") == pytest.approx(
        {"a": 0.2, "new": 0.4}
    )
    # The oldest of the 126 is the only one that is not 0: its deviation is 0.05 / sqrt(126), that of b a tenth.
    once = [0.05, *[0.0] * 125]
    found = weighted({"a": 0.5, "b": 0.5}, {"a": once, "b": [one / 10 for one in once]}, "inverse_volatility")
    assert found == pytest.approx({"a": 1 / 11, "b": 10 / 11})


@pytest.mark.parametrize(("lacking", "shares"), [(199.80003, 2), (199.8004, 3)])
def test_what_is_whole_to_the_sixth_decimal_is_whole_in_the_fund_too(lacking: float, shares: int) -> None:
    """Two shares bring 199.80: 2.0000003 and 2.000004 shares are lacking."""
    assert fund_order(100.0, 50, 0.0, lacking, SIZING, FUND) == (Side.SELL, shares)
