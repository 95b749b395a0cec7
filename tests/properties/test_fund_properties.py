"""The cash fund, whatever the sleeves want."""

from hypothesis import given
from hypothesis import strategies as st

from mtum.core.coordination.account import Account, AccountRules, SleeveWants
from mtum.core.coordination.coordinate import FundState, coordinate, with_fund
from mtum.core.coordination.transfers import FundRules
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import outlay
from properties.test_coordination_properties import SIZING, accounts, sleeves
from support.values import replace

FUNDS = st.builds(
    FundState,
    symbol=st.just("FFF"),
    held=st.integers(0, 500),
    settled_usd=st.floats(-1_000, 100_000).map(lambda usd: round(usd, 2)),
    coming_usd=st.floats(0, 10_000).map(lambda usd: round(usd, 2)),
    sizing=st.just(SIZING),
    buys=st.booleans(),
    sells=st.booleans(),
)
RULES = FundRules(0.0, 1.0)


@given(sleeves(), accounts(), FUNDS, st.floats(1.0, 500.0), st.randoms(use_true_random=False))
def test_the_fund_takes_idle_cash_alone_and_gives_what_lacked(
    wants: list[SleeveWants], account: Account, fund: FundState, price: float, chance: object
) -> None:
    account = replace(account, prices={**account.prices, "FFF": price}, cash_usd=fund.settled_usd)
    plan = coordinate(wants, account, AccountRules())
    found = with_fund(plan, wants, account, fund, RULES)
    orders = found.orders[len(plan.orders) :]
    bought = sum(
        outlay(one.sent, account.prices[one.order.symbol], SIZING) for one in plan.orders if one.order.side is Side.BUY
    )

    # What the sleeves do is never another thing for it, and at most one order is.
    assert found.orders[: len(plan.orders)] == plan.orders
    assert len(orders) <= 1
    for one in orders:
        assert (one.sleeve, one.order.symbol, one.crossed) == ("cash", "FFF", 0)
        if one.order.side is Side.BUY:
            cost = outlay(one.order.shares, price, SIZING)
            assert fund.buys
            assert not any(cut.limit == "account_cash_usd" for cut in plan.cuts)
            assert bought + cost <= fund.settled_usd - RULES.keep_usd + 1e-3
        else:
            assert fund.sells
            assert 0 < one.order.shares <= fund.held
            assert any(cut.limit == "account_cash_usd" for cut in plan.cuts)
    halted = replace(account, restriction=Restriction.FULL)
    assert not with_fund(coordinate(wants, halted, AccountRules()), wants, halted, fund, RULES).orders
