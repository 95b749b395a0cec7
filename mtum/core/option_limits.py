"""What open options count with in the limits of the account, and how much of those is left for an opening."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.coordination.account import AccountRules
from mtum.core.market.instruments import Right
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.lots import summed
from mtum.core.portfolio.options.orders import ZERO, OptionIntent, WorkingOrder
from mtum.core.portfolio.options.reservations import Held, groups_of, pinned_by, uncovered


class ExposureLimits(Struct, frozen=True):
    """The account's limits on what it holds, as far as they stop openings in options.

    Parameters
    ----------
    equity_usd : Decimal
        Of the account.
    shares_usd : mapping of symbol to Decimal
        What the account's shares are worth, without the cash fund's.
    groups : mapping of str to (tuple of str, float)
        Symbols of each group, and the fraction of the account they may be together.
    """

    equity_usd: Decimal
    shares_usd: Mapping[str, Decimal]
    max_symbol_frac: float = 1.0
    max_gross_frac: float = 1.0
    groups: Mapping[str, tuple[tuple[str, ...], float]] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: AccountRules, equity_usd: Decimal, shares_usd: Mapping[str, Decimal]) -> "ExposureLimits":
        """Return the limits that the account's rules set.

        Parameters
        ----------
        rules : AccountRules
            Limits on the purchases of all sleeves together; None and 1.0 mean no limit. And how their cash moves.
        equity_usd : Decimal
            Equity, USD.
        shares_usd : mapping of str to Decimal
            Worth of the shares by symbol, USD.
        """
        groups = {one.name: (tuple(one.symbols), one.max_frac) for one in rules.groups}
        return cls(equity_usd, dict(shares_usd), rules.max_symbol_frac, rules.max_gross_frac, groups)

    def room(self, underlying: str, exposed: Mapping[str, Decimal]) -> tuple[str, Decimal]:
        """Return the limit that leaves the least for an underlying, and what it leaves, USD.

        Parameters
        ----------
        exposed : mapping of str to Decimal
            What options count with already, by underlying.
        """
        every = (*self.shares_usd, *exposed, underlying)
        rows: list[tuple[str, tuple[str, ...], float]] = [("max_symbol_frac", (underlying,), self.max_symbol_frac)]
        rows += [(f"group.{name}", one, most) for name, (one, most) in self.groups.items() if underlying in one]
        rows += [("max_gross_frac", every, self.max_gross_frac)]
        found = []
        for name, symbols, most in rows:
            held = sum((self.shares_usd.get(one, ZERO) + exposed.get(one, ZERO) for one in {*symbols}), ZERO)
            found.append((exact(most) * self.equity_usd - held, name))
        left, name = min(found)
        return name, left


def exposures(
    lots: Sequence[OptionLot], working: Iterable[WorkingOrder], marks: Mapping[int, Decimal]
) -> dict[str, Decimal]:
    """Return what the options of an account count with in its limits, USD by underlying.

    A short put counts with its strike, a covered call with nothing, a group of defined risk with the most that it
    may lose, what is only long with its worth. Of an order counts what it adds.

    Parameters
    ----------
    lots : sequence of OptionLot
        Open lots of options.
    working : iterable of WorkingOrder
        Orders that work.
    marks : mapping of int to Decimal
        USD per share by the broker's number of the contract; a contract without one counts with what it cost.
    """
    groups = groups_of(lots, summed(*({lot.contract: lot.quantity} for lot in lots)))
    found: dict[str, Decimal] = {}
    for one in groups:
        found[one.underlying] = found.get(one.underlying, ZERO) + _counts(one, marks)
    for order in working:
        if order.legs:
            found[order.underlying] = found.get(order.underlying, ZERO) + added_usd(order, groups, marks)
    return {name: usd for name, usd in found.items() if usd}


def added_usd(order: OptionIntent | WorkingOrder, groups: Sequence[Held], marks: Mapping[int, Decimal]) -> Decimal:
    """Return what an order adds to what its group counts with, USD; 0 where it takes off.

    Parameters
    ----------
    order : OptionIntent or WorkingOrder
        The order.
    groups : sequence of Held
        Open groups of the account.
    marks : mapping of int to Decimal
        USD per share by the broker's number of the contract.
    """
    key = (order.strategy, order.group, order.underlying)
    empty = Held(*key, {}, ZERO)
    now = next((one for one in groups if (one.strategy, one.group, one.underlying) == key), empty)
    price = order.envelope.start if isinstance(order, OptionIntent) else order.price
    net = ZERO if price is None else price * order.quantity * max(leg.contract.multiplier for leg in order.legs)
    after = replace(now, contracts=summed(now.contracts, order.changes), paid_usd=now.paid_usd + net)
    return max(ZERO, _counts(after, marks) - _counts(now, marks))


def _counts(held: Held, marks: Mapping[int, Decimal]) -> Decimal:
    contracts = held.contracts
    if all(number > 0 for number in contracts.values()):
        known = all(one.con_id in marks for one in contracts)
        worth = (number * one.multiplier * marks[one.con_id] for one, number in contracts.items() if known)
        return sum(worth, ZERO) if known else max(ZERO, held.paid_usd)
    bare = (one.strike * one.multiplier * number for one, number in uncovered(contracts, Right.PUT))
    return max(sum(bare, ZERO), pinned_by(held).loss_usd)
