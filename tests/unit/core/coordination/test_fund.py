"""What the cash fund does beside the sleeves' orders, by numbers worked out by hand."""

from datetime import date

import pytest

from mtum.core.coordination.account import AccountPlan, Cut, SleeveOrder
from mtum.core.coordination.coordinate import FundState, with_fund
from mtum.core.coordination.transfers import FundRules
from mtum.core.portfolio.decision import PlannedOrder
from mtum.core.portfolio.fund import FUND, FundWait, waits_after
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import Purpose, Side
from support.values import replace
from unit.core.coordination.test_limits import ACCOUNT, SIZING, buys, sells, wants

RULES = FundRules(keep_usd=0.0, step_usd=1_000.0)
PRICED = replace(ACCOUNT, prices={**ACCOUNT.prices, "FFF": 0.5})
"""A share of the fund costs 0.5005 and brings 0.4995, so that a dollar more or less is a share or two."""
WANTS = [wants("core")]
IDLE = FundState("FFF", 0, 5_000.0, 0.0, SIZING)
HELD = replace(IDLE, held=5_000)
TO_NOTHING = (Cut("account_cash_usd", "core", "BBB", 1.0, 0.0, 2, 0),)
"""Two shares at 50 that the cash did not allow: 100.10 lack."""
CHEAP = (Cut("account_cash_usd", "core", "FFF", 1.0, 0.0, 1, 0),)
IN_PART = (
    Cut("max_symbol_frac", "core", "AAA", 1.0, 0.5, 40, 30),
    Cut("account_cash_usd", "core", "AAA", 3_003.0, 1_001.0, 30, 10),
)


def order(purpose: Purpose, shares: int) -> PlannedOrder:
    side, reason = (Side.BUY, "idle_cash") if purpose.opens else (Side.SELL, "cash_lacking")
    return PlannedOrder("FFF", side, purpose, shares, (reason,))


@pytest.mark.parametrize(
    ("orders", "cuts", "fund", "ordered"),
    [
        # 5,000 at 0.5005.
        ((), (), IDLE, order(Purpose.ENTER, 9_990)),
        ((), (), replace(IDLE, held=7), order(Purpose.INCREASE, 9_990)),
        # Six of ten shares at 100.10 are paid to the broker; what a sleeve sells is not there yet.
        (
            (SleeveOrder("core", buys("AAA", 10), crossed=4), SleeveOrder("core", sells("BBB", 30))),
            (),
            IDLE,
            order(Purpose.ENTER, 8_790),
        ),
        # Cash that comes later makes what is there no less idle.
        ((), (), replace(IDLE, coming_usd=200.0), order(Purpose.ENTER, 9_990)),
        ((), (), replace(IDLE, buys=False), None),
        ((), (), replace(IDLE, sells=False), order(Purpose.ENTER, 9_990)),
        ((), (), replace(IDLE, settled_usd=0.0), None),
        # More than the step of 1,000, told to the sixth decimal.
        ((), (), replace(IDLE, settled_usd=1_000.0000004), None),
        ((), (), replace(IDLE, settled_usd=1_000.000004), order(Purpose.ENTER, 1_998)),
        ((), (), replace(IDLE, settled_usd=1_000.4), order(Purpose.ENTER, 1_998)),
        # 20 of 30 shares lack cash, 2,002.00 at 0.4995; ten more another limit took.
        ((SleeveOrder("core", buys("AAA", 10)),), IN_PART, HELD, order(Purpose.REDUCE, 4_009)),
        ((SleeveOrder("core", buys("AAA", 10)),), IN_PART, replace(HELD, held=4_009), order(Purpose.EXIT, 4_009)),
        ((), TO_NOTHING, HELD, order(Purpose.REDUCE, 201)),
        ((), TO_NOTHING, replace(HELD, buys=False), order(Purpose.REDUCE, 201)),
        ((), TO_NOTHING, replace(HELD, sells=False), None),
        # Less what is on its way: 50.05; enough of it; a dime, a thousandth of a cent or less too little.
        ((), TO_NOTHING, replace(HELD, coming_usd=50.05), order(Purpose.REDUCE, 101)),
        ((), TO_NOTHING, replace(HELD, coming_usd=100.6), None),
        ((), TO_NOTHING, replace(HELD, coming_usd=100.1), None),
        ((), TO_NOTHING, replace(HELD, coming_usd=99.7), order(Purpose.REDUCE, 1)),
        ((), TO_NOTHING, replace(HELD, coming_usd=100.099996), order(Purpose.REDUCE, 1)),
        ((), TO_NOTHING, replace(HELD, coming_usd=100.0999996), None),
        ((), CHEAP, replace(HELD, coming_usd=0.6), None),
        # Options wait for 6,000 and 5,000 are there: 6,120 less 5,000 are raised, 2,243 shares at 0.4995.
        ((), (), replace(HELD, options_usd=6_000.0), order(Purpose.REDUCE, 2_243)),
        # What comes later is enough; a dollar less is not.
        ((), (), replace(HELD, options_usd=6_000.0, coming_usd=1_000.0), None),
        ((), (), replace(HELD, options_usd=6_000.0, coming_usd=999.0), order(Purpose.REDUCE, 243)),
        # What options pin beyond the cash that is there is raised whoever waits.
        ((), (), replace(HELD, settled_usd=-100.0, options_usd=0.0), order(Purpose.REDUCE, 201)),
        ((), (), replace(HELD, settled_usd=-100.0), None),
        # Nobody waits today, and 2,000 of 5,000 were raised for who waited yesterday.
        ((), (), replace(IDLE, options_usd=0.0, kept_usd=2_000.0), order(Purpose.ENTER, 5_994)),
        ((), (), replace(IDLE, options_usd=0.0, kept_usd=4_500.0), None),
    ],
)
def test_the_fund_buys_what_is_idle_and_sells_what_is_lacking(
    orders: tuple[SleeveOrder, ...], cuts: tuple[Cut, ...], fund: FundState, ordered: PlannedOrder | None
) -> None:
    plan = AccountPlan(orders, cuts, (("core", "BBB", "account_limit"),))
    found = with_fund(plan, WANTS, PRICED, fund, RULES)
    assert found == (plan if ordered is None else replace(plan, orders=(*orders, SleeveOrder(FUND, ordered))))
    # Nothing at all while trading is halted.
    assert with_fund(plan, WANTS, replace(PRICED, restriction=Restriction.FULL), fund, RULES) is plan


def test_cash_raised_for_options_is_kept_until_they_are_opened_or_a_week_has_passed() -> None:
    monday, tuesday = date(2026, 7, 6), date(2026, 7, 7)
    first = waits_after({}, {"puts": 10_000.0, "other": 0.0}, {}, monday)
    assert first == {"puts": FundWait(10_200.0, monday)}
    # A session on which it wants nothing, one on which it wants more, and what was opened before it began to wait.
    assert waits_after(first, {"puts": 0.0}, {"puts": None}, tuesday) == first
    assert waits_after(first, {"puts": 20_000.0}, {}, tuesday) == {"puts": FundWait(20_400.0, tuesday)}
    assert waits_after(first, {"puts": 0.0}, {"puts": monday}, tuesday) == first
    assert waits_after(first, {"puts": 0.0}, {"puts": tuesday}, date(2026, 7, 8)) == {}
    assert waits_after(first, {"puts": 0.0}, {}, date(2026, 7, 13)) == first
    assert waits_after(first, {"puts": 0.0}, {}, date(2026, 7, 14)) == {}
