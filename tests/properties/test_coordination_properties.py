"""Whatever sleeves want: one side of a symbol at the broker, nothing beyond cash, no exit cut."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from mtum.core.coordination.account import Account, AccountPlan, AccountRules, SleeveWants, SymbolGroup
from mtum.core.coordination.coordinate import coordinate
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PlannedOrder
from mtum.core.portfolio.orders import Purpose, Side
from mtum.core.portfolio.sizing import SizingRules, outlay
from support.values import replace

SIZING = SizingRules(1.0, float("inf"), 0.005, PercentCosts())
SYMBOLS = ("AAA", "BBB", "CCC")
NAMES = st.sampled_from([f"s{number}" for number in range(5)])
PRICES = st.floats(0.5, 900.0).map(lambda price: round(price, 2))


@st.composite
def sleeves(draw: st.DrawFn, count: int = 0) -> list[SleeveWants]:
    found = []
    for number in range(count or draw(st.integers(1, 5))):
        held: dict[str, int] = {}
        orders = []
        for symbol in draw(st.permutations(SYMBOLS)):
            shares = draw(st.integers(0, 200))
            held[symbol] = shares
            what = draw(st.sampled_from(["keep", "buy", "sell", "reduce"]))
            if what == "buy":
                purpose = Purpose.INCREASE if shares else Purpose.ENTER
                orders.append(PlannedOrder(symbol, Side.BUY, purpose, draw(st.integers(1, 300)), ("x",)))
            elif shares and what == "sell":
                orders.append(PlannedOrder(symbol, Side.SELL, Purpose.EXIT, shares, ("x",)))
            elif shares > 1 and what == "reduce":
                orders.append(PlannedOrder(symbol, Side.SELL, Purpose.REDUCE, draw(st.integers(1, shares - 1)), ("x",)))
        least = draw(st.sampled_from([0.0, 100.0]))
        found.append(SleeveWants(f"s{number}", held, tuple(orders), SIZING, least))
    return found


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    return Account(
        date(2026, 1, 5),
        {symbol: draw(PRICES) for symbol in SYMBOLS},
        equity_usd=draw(st.floats(1.0, 1e6)),
        cash_usd=draw(st.floats(-10.0, 1e6)),
        uncrossable={symbol: "mismatch" for symbol in SYMBOLS if draw(st.booleans())},
        approved=draw(st.dictionaries(NAMES, st.dictionaries(st.sampled_from(SYMBOLS), st.integers(0, 300)))),
    )


RULES = st.builds(
    AccountRules,
    max_symbol_frac=st.floats(0.01, 1.0),
    max_gross_frac=st.floats(0.01, 1.0),
    groups=st.sampled_from([(), (SymbolGroup("g", ("AAA", "CCC"), 0.2),)]),
)


def sent(plan: AccountPlan, symbol: str, side: Side) -> int:
    return sum(one.sent for one in plan.orders if one.order.symbol == symbol and one.order.side is side)


@given(sleeves(), accounts(), RULES)
def test_what_the_account_does_is_sound(wants: list[SleeveWants], account: Account, rules: AccountRules) -> None:
    plan = coordinate(wants, account, rules)
    for symbol in SYMBOLS:
        assert not (sent(plan, symbol, Side.BUY) and sent(plan, symbol, Side.SELL))
        crossed = {
            side: sum(one.crossed for one in plan.orders if (one.order.symbol, one.order.side) == (symbol, side))
            for side in Side
        }
        assert crossed[Side.BUY] == crossed[Side.SELL]
        assert symbol not in account.uncrossable or not crossed[Side.BUY]
    wanted = {(one.name, order.symbol): order for one in wants for order in one.orders}
    done = {(one.sleeve, one.order.symbol): one for one in plan.orders}
    for place, order in wanted.items():
        # Nothing but a person's missing word keeps a sale back.
        if not order.purpose.opens and order.shares <= account.approved.get(place[0], {}).get(place[1], order.shares):
            assert done[place].order == order
    for place, one in done.items():
        assert 0 <= one.crossed <= one.order.shares <= wanted[place].shares
        assert one.order.shares > 0
        assert not (one.crossed and account.waits(one))
    bought = [one.order for one in plan.orders if one.order.side is Side.BUY]
    spent = sum(outlay(order.shares, account.prices[order.symbol], SIZING) for order in bought)
    assert spent <= max(0.0, account.cash_usd) + 1e-6
    value = sum(
        account.prices[symbol]
        * (shares - sum(o.shares for o in one.orders if o.symbol == symbol and o.side is Side.SELL))
        for one in wants
        for symbol, shares in one.shares.items()
    )
    new = sum(order.shares * account.prices[order.symbol] for order in bought)
    assert not new or value + new <= rules.max_gross_frac * account.equity_usd + 1e-3
    assert plan == coordinate(wants, account, rules)


@given(st.permutations(SYMBOLS), accounts(), st.data())
def test_sleeves_that_do_not_compete_may_stand_in_any_order(
    order: list[str], account: Account, data: st.DataObject
) -> None:
    account = replace(account, equity_usd=1e12, cash_usd=1e9)
    wants = [
        SleeveWants(
            one.name,
            {symbol: one.shares[symbol]},
            tuple(wish for wish in one.orders if wish.symbol == symbol),
            SIZING,
            one.least_usd,
        )
        for one, symbol in zip(data.draw(sleeves(len(SYMBOLS))), SYMBOLS, strict=True)
    ]
    arranged = sorted(wants, key=lambda one: order.index(next(iter(one.shares))))

    first, second = (coordinate(each, account, AccountRules()) for each in (wants, arranged))
    assert {one.sleeve: one for one in first.orders} == {one.sleeve: one for one in second.orders}
    assert {*first.held_back} == {*second.held_back}
    wanted = {(one.name, wish) for one in wants for wish in one.orders}
    assert {(one.sleeve, one.order) for one in first.orders} == wanted  # and none of them lacks anything
