"""The account's plan: the sleeves' decisions under the account's limits, crossed where they meet."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.coordination.account import Account, AccountPlan, AccountRules, Cut, Purchase, SleeveOrder, SleeveWants
from mtum.core.coordination.limits import CASH, limited
from mtum.core.coordination.transfers import FundRules, fund_order
from mtum.core.portfolio.decision import PlannedOrder
from mtum.core.portfolio.fund import FUND, SPARE
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import Purpose, Side
from mtum.core.portfolio.sizing import SizingRules, outlay

TOO_SMALL = "trade_too_small"
"""Reason word: what the limits left of a purchase is below the smallest trade."""
OTHER_SIDE = "other_side"
"""Reason word: another sleeve sells the symbol and nothing may be crossed in it; only one side is sent."""
NOT_APPROVED = "not_approved"
"""Reason word: it needs a person's word, and the other side of the symbol goes without it."""
LIMITED = "account_limit"
"""Reason word: the limits of the account left nothing of a purchase."""


IDLE = "idle_cash"
"""Reason word: cash that nobody wanted to spend buys the fund."""
LACKING = "cash_lacking"
"""Reason word: the fund is sold, as purchases were cut for cash, or options wait for it."""


def coordinate(wants: Sequence[SleeveWants], account: Account, rules: AccountRules) -> AccountPlan:
    """Return what the account does this session.

    Limits cut purchases, in a fixed order; sales are never cut. In one symbol only one side goes to the
    broker: the smaller one is filled between the sleeves.

    Parameters
    ----------
    wants : sequence of SleeveWants
        In the order of the settings, which decides ties.
    account : Account
        What all sleeves have in common at the decision.
    rules : AccountRules
        Limits on the purchases of all sleeves together; None and 1.0 mean no limit. And how their cash moves.
    """
    if account.restriction is Restriction.FULL:
        held_back = [(one.name, order.symbol, "halted") for one in wants for order in one.orders]
        return AccountPlan((), held_back=tuple(held_back))
    purchases = [
        Purchase(one.name, order, order.shares, one.sizing, one.least_usd)
        for one in wants
        for order in one.orders
        if order.purpose.opens
    ]
    left, cuts = limited(purchases, after_sales(wants), account, rules)
    kept, dropped = _large_enough(left, cuts, account)
    shares = {(one.sleeve, one.symbol): one.shares for one in kept}
    orders = [
        SleeveOrder(one.name, replace(order, shares=shares[one.name, order.symbol]) if order.purpose.opens else order)
        for one in wants
        for order in one.orders
        if not order.purpose.opens or (one.name, order.symbol) in shares
    ]
    crossed, refused = cross(orders, account)
    return AccountPlan(tuple(crossed), cuts, (*dropped, *refused))


class FundState(Struct, frozen=True):
    """The cash fund at the decision.

    Parameters
    ----------
    held : int
        Shares of it that may be sold.
    settled_usd : float
        Settled cash that the sleeves own together, less what they owe for the fund.
    coming_usd : float
        Their cash that settles later: the fund is not sold for it once more.
    buys, sells : bool
        Whether it may be bought and sold this session.
    options_usd : float or None
        What options that wait for cash need in all; None where nobody trades options.
    kept_usd : float
        Settled cash that was raised for options, and that the fund leaves alone until they are opened.
    """

    symbol: str
    held: int
    settled_usd: float
    coming_usd: float
    sizing: SizingRules
    buys: bool = True
    sells: bool = True
    options_usd: float | None = None
    kept_usd: float = 0.0


def with_fund(
    plan: AccountPlan, wants: Sequence[SleeveWants], account: Account, fund: FundState, rules: FundRules
) -> AccountPlan:
    """Return the plan with what the cash fund does, once all sleeves have decided; none while trading is halted.

    Cash that purchases were cut for is raised by selling it; the purchases stand until that has settled. So is cash
    that options wait for, or that they pin and that is not there. Otherwise idle cash buys it.

    Parameters
    ----------
    plan : AccountPlan
        What the account does in one session.
    wants : sequence of SleeveWants
        What each sleeve wants, in the order of the settings.
    account : Account
        What all sleeves have in common at the decision.
    fund : FundState
        The cash fund at the decision.
    rules : FundRules
        Cash that is always kept, and the least above it that is worth a purchase of the fund, USD.
    """
    if account.restriction is Restriction.FULL:
        return plan
    sizing = {one.name: one.sizing for one in wants}
    bought = {(one.sleeve, one.order.symbol): one for one in plan.orders if one.order.side is Side.BUY}

    def cost(sleeve: str, symbol: str, shares: int) -> float:
        return outlay(shares, account.prices[symbol], sizing[sleeve])

    lacking = 0.0
    for cut in plan.cuts:
        if cut.limit == CASH:
            left = bought.get((cut.sleeve, cut.symbol))
            lacking += cost(cut.sleeve, cut.symbol, cut.before)
            lacking -= cost(cut.sleeve, cut.symbol, left.order.shares) if left else 0.0
    spent = sum(cost(one.sleeve, one.order.symbol, one.sent) for one in bought.values())
    settled = round(fund.settled_usd - spent, 6)
    if fund.options_usd is not None:
        short = max(0.0, fund.options_usd - settled)
        lacking += short if short <= fund.coming_usd else fund.options_usd * SPARE - settled
    wanted = round(lacking - fund.coming_usd, 6)
    if lacking > 0 >= wanted:
        return plan  # what is on its way is enough, and what is there is not idle
    found = fund_order(account.prices[fund.symbol], fund.held, settled - fund.kept_usd, wanted, fund.sizing, rules)
    if found is None or not (fund.buys if found[0] is Side.BUY else fund.sells):
        return plan
    side, shares = found
    if side is Side.BUY:
        purpose = Purpose.INCREASE if fund.held else Purpose.ENTER
    else:
        purpose = Purpose.EXIT if shares == fund.held else Purpose.REDUCE
    reason = IDLE if side is Side.BUY else LACKING
    order = SleeveOrder(FUND, PlannedOrder(fund.symbol, side, purpose, shares, (reason,)))
    return replace(plan, orders=(*plan.orders, order))


def after_sales(wants: Iterable[SleeveWants]) -> dict[str, dict[str, int]]:
    """Return the shares by sleeve and symbol once everything of this session that is no purchase is done."""
    found: dict[str, dict[str, int]] = {}
    for one in wants:
        held = dict(one.shares)
        for order in one.orders:
            if not order.purpose.opens:
                sign = 1 if order.side is Side.BUY else -1
                held[order.symbol] = held.get(order.symbol, 0) + sign * order.shares
        found[one.name] = held
    return found


def cross(orders: Sequence[SleeveOrder], account: Account) -> tuple[list[SleeveOrder], list[tuple[str, str, str]]]:
    """Fill the smaller side of each symbol inside the account.

    The crossed part of the larger side is shared pro rata, the remainder by largest fraction, ties in the
    order given. Where nothing may be crossed the sales go out and the purchases do not. What waits for a
    person's word gives way to the other side where that may go without one; where all of a symbol waits the
    sales go on waiting.

    Returns
    -------
    list of SleeveOrder
        In the order given, with what is crossed of each.
    list of (sleeve, symbol, str)
        What is not done, with the reason word.
    """
    crossed: dict[tuple[str, str], int] = {}
    dropped: list[tuple[str, str, str]] = []
    for symbol in dict.fromkeys(one.order.symbol for one in orders):
        here = [one for one in orders if one.order.symbol == symbol]
        buys, sells = ([one for one in here if one.order.side is side] for side in (Side.BUY, Side.SELL))
        if not buys or not sells:
            continue
        free = [[one for one in side if not account.waits(one)] for side in (buys, sells)]
        if symbol in account.uncrossable or not any(free):
            dropped += [(one.sleeve, symbol, OTHER_SIDE) for one in buys]
            continue
        given_way = [one for one in here if account.waits(one) and free[one.order.side is Side.BUY]]
        dropped += [(one.sleeve, symbol, NOT_APPROVED) for one in given_way]
        if not all(free):
            continue
        buys, sells = free
        smaller, larger = sorted((buys, sells), key=lambda side: sum(one.order.shares for one in side))
        total = sum(one.order.shares for one in smaller)
        crossed |= {(one.sleeve, symbol): one.order.shares for one in smaller}
        parts = pro_rata(total, [one.order.shares for one in larger])
        crossed |= {(one.sleeve, symbol): part for one, part in zip(larger, parts, strict=True)}
    gone = {(sleeve, symbol) for sleeve, symbol, _ in dropped}
    return (
        [
            replace(one, crossed=crossed.get((one.sleeve, one.order.symbol), 0))
            for one in orders
            if (one.sleeve, one.order.symbol) not in gone
        ],
        dropped,
    )


def pro_rata(total: int, shares: Sequence[int]) -> list[int]:
    """Share out whole units in proportion; the remainder by largest fraction, ties to the earlier.

    Never more to one than it asked for, as long as `total` is at most their sum.
    """
    whole = sum(shares)
    parts = [total * one // whole for one in shares]
    by_fraction = sorted(range(len(shares)), key=lambda place: (-(total * shares[place] % whole), place))
    for place in by_fraction[: total - sum(parts)]:
        parts[place] += 1
    return parts


def _large_enough(
    purchases: Iterable[Purchase], cuts: Sequence[Cut], account: Account
) -> tuple[list[Purchase], list[tuple[str, str, str]]]:
    touched = {(cut.sleeve, cut.symbol) for cut in cuts}
    kept: list[Purchase] = []
    dropped: list[tuple[str, str, str]] = []
    for one in purchases:
        small = one.shares * account.prices[one.symbol] < one.least_usd
        if (one.sleeve, one.symbol) not in touched or (one.shares and not small):
            kept.append(one)
        else:
            dropped.append((one.sleeve, one.symbol, TOO_SMALL if one.shares else LIMITED))
    return kept, dropped
