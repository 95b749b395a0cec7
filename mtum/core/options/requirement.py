"""What does a broker hold back for a position in options, under Regulation T?"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import UNITS, OptionContract

BROAD_INDEXES = frozenset({"SPX", "XSP"})
SHARE_FRAC, INDEX_FRAC, LEAST_FRAC = Decimal("0.20"), Decimal("0.15"), Decimal("0.10")
LEAST_USD = Decimal("2.50")
"""Least per share that an uncovered option needs beside its price."""
VIX_SPREAD_USD = Decimal(150)
"""Least per spread on the VIX: a rule of Interactive Brokers."""


class MarginLeg(Struct, frozen=True):
    """Contracts of a position.

    Parameters
    ----------
    quantity : int
        Below 0 for contracts that were sold.
    premium : Decimal
        What one is worth now, USD per share.
    """

    contract: OptionContract
    quantity: int
    premium: Decimal


class _Spread(Struct, frozen=True):
    width: Decimal
    quantity: int
    debit: Decimal
    expiry: date
    least_usd: Decimal

    @property
    def usd(self) -> Decimal:
        lost = self.width if self.width > 0 else max(self.debit, Decimal(0))
        return max(lost * UNITS, self.least_usd) * self.quantity


def requirement(legs: Sequence[MarginLeg], spot: Decimal, shares: int = 0, *, cash_secured: bool = False) -> Decimal:
    """Return what a position in one underlying needs, USD; what it gains from portfolio margin is left out.

    What was sold is paired with what is held of the same class and right and expires no earlier, the lowest strikes
    first. A pair needs the distance of its strikes, or what was paid for it where it cannot lose more. Two pairs of
    puts and calls with equal distance, number and expiry need one of them. A call beyond them needs 100 shares or,
    like a put, its price and a part of the spot.

    Parameters
    ----------
    legs : sequence of MarginLeg
        Of one underlying.
    spot : Decimal
        USD per share.
    shares : int
        Held, and not needed for anything else.
    cash_secured : bool
        Whether puts beyond the pairs need their whole strike in cash: accounts without margin.

    Raises
    ------
    ValueError
        If the legs are of several underlyings.
    """
    underlyings = {leg.contract.underlying for leg in legs}
    if len(underlyings) > 1:
        raise ValueError(f"{', '.join(sorted(underlyings))}: a requirement is that of one underlying")
    total, spreads, uncovered = Decimal(0), dict[Right, list[_Spread]](), list[MarginLeg]()
    for right in Right:
        of_right = [leg for leg in legs if leg.contract.right is right and leg.quantity != 0]
        pairs, alone = _paired(of_right)
        spreads[right] = pairs
        total += sum((leg.premium * UNITS * leg.quantity for leg in alone if leg.quantity > 0), Decimal(0))
        uncovered += [leg for leg in alone if leg.quantity < 0]
    for leg in uncovered:
        count = -leg.quantity
        if leg.contract.right is Right.CALL:
            covered = min(count, max(shares, 0) // UNITS)
            shares, count = shares - covered * UNITS, count - covered
        elif cash_secured:
            total, count = total + leg.contract.strike * UNITS * count, 0
        total += _uncovered(leg, spot) * UNITS * count
    return total + _of_spreads(spreads[Right.CALL], spreads[Right.PUT])


def _paired(legs: Sequence[MarginLeg]) -> tuple[list[_Spread], list[MarginLeg]]:
    # Calls from the lowest strike, puts from the highest: a long call protects above its strike, a put below.
    ordered = sorted(legs, key=lambda leg: _sign(leg) * leg.contract.strike)
    longs = [leg for leg in ordered if leg.quantity > 0]
    free = [leg.quantity for leg in longs]
    pairs, alone = list[_Spread](), list[MarginLeg]()
    for short in (leg for leg in ordered if leg.quantity < 0):
        need = -short.quantity
        least = VIX_SPREAD_USD if short.contract.underlying == "VIX" else Decimal(0)
        for place, long in enumerate(longs):
            if long.contract.trading_class == short.contract.trading_class and (
                long.contract.expiry >= short.contract.expiry
            ):
                taken = min(need, free[place])
                width = _sign(short) * (long.contract.strike - short.contract.strike)
                debit = long.premium - short.premium
                if taken:
                    pairs.append(_Spread(width, taken, debit, short.contract.expiry, least))
                need, free[place] = need - taken, free[place] - taken
        if need:
            alone.append(replace(short, quantity=-need))
    return pairs, alone + [replace(leg, quantity=left) for leg, left in zip(longs, free, strict=True) if left]


def _sign(leg: MarginLeg) -> int:
    return 1 if leg.contract.right is Right.CALL else -1


def _uncovered(leg: MarginLeg, spot: Decimal) -> Decimal:
    # USD per share.
    contract = leg.contract
    frac = INDEX_FRAC if contract.underlying in BROAD_INDEXES else SHARE_FRAC
    outside = max(_sign(leg) * (contract.strike - spot), Decimal(0))
    least = LEAST_FRAC * (spot if contract.right is Right.CALL else contract.strike)
    return leg.premium + max(frac * spot - outside, least, LEAST_USD)


def _of_spreads(calls: Sequence[_Spread], puts: Sequence[_Spread]) -> Decimal:
    if len(calls) == len(puts) == 1:
        call, put = calls[0], puts[0]
        if call.width > 0 and (call.width, call.quantity, call.expiry) == (put.width, put.quantity, put.expiry):
            return call.usd
    return sum((spread.usd for spread in (*calls, *puts)), Decimal(0))
