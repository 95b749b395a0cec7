"""What do an account's options hold back at the simulated exchange: shares of calls, cash of puts and spreads?"""

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import UNITS, OptionContract
from mtum.core.portfolio.money import AccountKind
from mtum.core.simulation.exchange_queries import held_options, open_options
from mtum.core.simulation.exchange_state import ExchangeAccount, ExchangeState, OptionOrder

type Worth = Callable[[OptionContract], Decimal]
"""What a contract is worth now, USD per share."""
type Spot = Callable[[str], Decimal]
"""Last price of an underlying, USD per share."""


def pledged_shares(state: ExchangeState, account: str, symbol: str) -> int:
    """Shares that calls which were sold, or may be, are covered by.

    A call with a longer or equally long one beside it needs none.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    account : str
        Code of the account.
    symbol : str
        Ticker.
    """
    if state.options is None:
        return 0
    counts = Counter(held_options(state, account))
    for order in open_options(state, account):
        counts.update({one: by * order.remaining for one, by in order.ticket.changes.items() if by < 0})
    calls = {one: n for one, n in counts.items() if one.underlying == symbol and one.right is Right.CALL}
    return UNITS * uncovered(calls)


def uncovered(contracts: Mapping[OptionContract, int]) -> int:
    """Return how many of the contracts that were sold, all of one right, no bought one protects."""
    free = {one: count for one, count in contracts.items() if count > 0}
    alone = 0
    for short, count in sorted(contracts.items(), key=lambda row: row[0].expiry, reverse=True):
        need = max(-count, 0)
        for long in sorted(free, key=lambda one: one.expiry, reverse=True):
            if long.trading_class == short.trading_class and long.expiry >= short.expiry:
                taken = min(need, free[long])
                need, free[long] = need - taken, free[long] - taken
        alone += need
    return alone


def collateral(
    held: Mapping[OptionContract, int], shares: Mapping[str, int], kind: AccountKind, worth: Worth, spot: Spot
) -> Decimal:
    """Return what options hold back, USD: widths of spreads, strikes of puts, margin of what is uncovered.

    What was paid for a contract is gone from the cash already, so that one held needs nothing.

    Parameters
    ----------
    held : mapping of contract to int
        Negative for those sold.
    shares : mapping of str to int
        By symbol, those that cover calls.
    kind : AccountKind
        An account without margin pays the whole strike of a put.
    worth : Worth
        What a contract is worth now, USD per share.
    spot : Spot
        Last price of an underlying, USD per share.
    """
    from mtum.core.options.requirement import MarginLeg, requirement  # an account of shares asks for none

    by_underlying: dict[str, list[MarginLeg]] = {}
    secured = kind is AccountKind.CASH
    for contract, count in held.items():
        premium = worth(contract) if count < 0 and not secured else Decimal(0)
        by_underlying.setdefault(contract.underlying, []).append(MarginLeg(contract, count, premium))
    return sum(
        (
            requirement(legs, Decimal(0) if secured else spot(symbol), shares.get(symbol, 0), cash_secured=secured)
            for symbol, legs in by_underlying.items()
        ),
        Decimal(0),
    )


def reserved_cash(
    state: ExchangeState, account: ExchangeAccount, worth: Worth, spot: Spot, without: int = 0
) -> Decimal:
    """Return what an account's options and its orders in options hold back, USD.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    account : ExchangeAccount
        The account at the exchange: cash in USD, and positions.
    worth : Worth
        What a contract is worth now, USD per share.
    spot : Spot
        Last price of an underlying, USD per share.
    without : int
        Permanent id of an order that is left out.
    """
    if state.options is None:
        return Decimal(0)
    held, shares = held_options(state, account.code), share_counts(account)
    base = total = collateral(held, shares, account.kind, worth, spot)
    for order in open_options(state, account.code):
        if order.perm_id != without:
            after = with_changes(held, order.ticket.changes, order.remaining)
            more = collateral(after, shares, account.kind, worth, spot) - base
            total += max(more, Decimal(0)) + debit(order)
    return total


def no_worth(_: OptionContract) -> Decimal:
    """Worth of a contract where only accounts without margin are asked about: it does not matter."""
    return Decimal(0)


def no_spot(_: str) -> Decimal:
    """Price of an underlying where only accounts without margin are asked about: it does not matter."""
    return Decimal(0)


def with_changes(
    held: Mapping[OptionContract, int], changes: Mapping[OptionContract, int], units: int
) -> dict[OptionContract, int]:
    """Return the contracts after so many units of an order.

    Parameters
    ----------
    held : mapping of OptionContract to int
        Contracts held, negative for those sold.
    changes : mapping of OptionContract to int
        Contracts that one unit adds, negative for those it takes away.
    units : int
        How many units.
    """
    after = Counter(held)
    after.update({one: by * units for one, by in changes.items()})
    return {one: count for one, count in after.items() if count}


def share_counts(account: ExchangeAccount) -> dict[str, int]:
    """Return whole shares held by symbol, options left out."""
    return {one.symbol: int(one.shares) for one in account.positions if one.shares > 0 and " " not in one.symbol}


def debit(order: OptionOrder) -> Decimal:
    """Return what the rest of an order may still cost, USD."""
    return max(order.ticket.net, Decimal(0)) * UNITS * order.remaining
