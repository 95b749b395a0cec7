"""Buy-and-hold of the same money, step by step by hand."""

from datetime import date
from decimal import Decimal

from mtum.core.portfolio.benchmark import Held, buy_and_hold
from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from support.bars import bars_of, changed

MON = date(2024, 1, 1)
FREE = PercentCosts(Decimal(0))
BARS = bars_of([100.0, 110.0, 120.0, 125.0])


def end(held: Held | None) -> tuple[float, float, float]:
    """Return shares, cash and worth after the last session."""
    assert held is not None
    return float(held.shares[-1]), float(held.cash_usd[-1]), float(held.value_usd[-1])


def test_nothing_is_bought_before_the_start() -> None:
    assert buy_and_hold(BARS, date(2024, 1, 5), 1000.0, FREE) is None


def test_whole_shares_are_bought_at_the_first_close_and_held() -> None:
    # 1050 buys 10 at 100; 50 stay; 10 * 125 + 50.
    assert end(buy_and_hold(BARS, MON, 1050.0, FREE)) == (10.0, 50.0, 1300.0)


def test_the_purchase_leaves_room_for_its_commission() -> None:
    # 10 shares cost 1000 + 1.00 at the broker's minimum: one too many for 1000.
    assert end(buy_and_hold(BARS, MON, 1000.0, IbFixedCosts())) == (9.0, 99.0, 1224.0)
    assert end(buy_and_hold(BARS, MON, 1001.0, IbFixedCosts())) == (10.0, 0.0, 1250.0)


def test_a_very_large_purchase_is_found_at_once() -> None:
    # At 1 % a fill, 1e15 USD pay for floor(1e15 / 101) shares: one looked at after the other would take years.
    shares, cash, _ = end(buy_and_hold(BARS, MON, 1e15, PercentCosts(Decimal("0.01"))))
    assert shares == 1e15 // 101
    assert 0 <= cash < 101


def test_a_dividend_is_reinvested_at_the_close_of_its_ex_date() -> None:
    paying = changed(BARS, dividend={2: 6.0})
    # 10 * 6 / 120 = half a share.
    assert end(buy_and_hold(paying, MON, 1000.0, FREE)) == (10.5, 0.0, 1312.5)


def test_the_dividend_of_the_first_session_belongs_to_whoever_held_before() -> None:
    paying = changed(BARS, dividend={0: 6.0})
    assert end(buy_and_hold(paying, MON, 1000.0, FREE)) == (10.0, 0.0, 1250.0)


def test_a_deposit_buys_more_with_the_cash_left() -> None:
    # 50 left + 200 at 110: two shares, 30 left.
    assert end(buy_and_hold(BARS, MON, 1050.0, FREE, {date(2024, 1, 2): 200.0})) == (12.0, 30.0, 1530.0)


def test_money_that_comes_with_the_first_purchase_or_before_it_is_part_of_it() -> None:
    early = {date(2023, 12, 1): 100.0, MON: 50.0}
    assert end(buy_and_hold(BARS, MON, 1000.0, FREE, early)) == (11.0, 50.0, 1425.0)


def test_money_of_a_day_without_a_bar_is_used_at_the_next_one() -> None:
    weekend = bars_of([100.0, 110.0], first=date(2024, 1, 5))
    # 50 left + 200 at 110 on Monday.
    assert end(buy_and_hold(weekend, date(2024, 1, 5), 1050.0, FREE, {date(2024, 1, 6): 200.0})) == (12.0, 30.0, 1350.0)
    assert end(buy_and_hold(BARS, MON, 1050.0, FREE, {date(2025, 1, 1): 7.0})) == (10.0, 57.0, 1307.0)


def test_a_withdrawal_takes_cash_first_and_then_shares() -> None:
    # 50 cash, 350 wanted: 300 / 120 = 2.5 shares are sold.
    assert end(buy_and_hold(BARS, MON, 1050.0, FREE, {date(2024, 1, 3): -350.0})) == (7.5, 0.0, 937.5)


def test_a_start_inside_the_bars_begins_at_the_next_session() -> None:
    assert end(buy_and_hold(BARS, date(2024, 1, 3), 1000.0, FREE)) == (8.0, 40.0, 1040.0)


def test_money_for_no_share_stays_cash() -> None:
    assert end(buy_and_hold(BARS, MON, 99.0, FREE)) == (0.0, 99.0, 99.0)


def test_every_session_shows_what_was_held_after_it() -> None:
    # 50 left + 200 at 110 buy two, 30 left; 12 * 6 / 120 = 0.6 of a share.
    paying = changed(BARS, dividend={2: 6.0})
    held = buy_and_hold(paying, MON, 1050.0, FREE, {date(2024, 1, 2): 200.0})
    assert held is not None
    assert held.shares.tolist() == [10.0, 12.0, 12.6, 12.6]
    assert held.cash_usd.tolist() == [50.0, 30.0, 30.0, 30.0]
    assert held.value_usd.tolist() == [1050.0, 1350.0, 1542.0, 1605.0]
