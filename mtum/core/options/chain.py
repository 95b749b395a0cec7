"""A chain as it is quoted: which quotes count, the forward of each expiry, and our own volatilities and deltas."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import exp
from statistics import median

import numpy as np
from msgspec import Struct

from mtum.core.conditions import Condition, at_most
from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract
from mtum.core.options.european import Terms, delta, implied_volatility
from mtum.core.options.surface import DAYS_PER_YEAR

OLDEST = timedelta(minutes=5)
"""Age from which a quote counts no more."""
NEAR_FORWARD = 5
"""Strikes nearest the spot that an expiry's forward is read from, at most."""
ON_FUTURE = frozenset({"VIX"})
"""Underlyings that nobody can hold: each of their expiries is priced off its own future, and so are its deltas."""
NO_FORWARD = "no forward of its expiry"
"""Why a contract whose quote counts has no numbers of ours."""
LIQUID_DELTAS, LIQUID_DAYS, LIQUID_PART = (0.10, 0.50), (30, 60), 0.5
"""Contracts by which an underlying is judged, and the part of them that must be quoted tightly enough."""


class Quote(Struct, frozen=True):
    """Bid and ask of a contract in USD per share; None is absent, never 0 or -1."""

    bid: float | None
    ask: float | None
    at: datetime | None = None

    @property
    def two_sided(self) -> bool:
        """Whether both sides are there and the ask is above the bid."""
        return self.bid is not None and self.ask is not None and 0 < self.bid < self.ask

    @property
    def mid(self) -> float | None:
        """Middle of bid and ask, USD per share; None where one of them is absent."""
        return 0.5 * (self.bid + self.ask) if self.two_sided and self.bid and self.ask else None

    @property
    def width_frac(self) -> float | None:
        """Ask less bid over their middle, rounded to 1e-6; None where one of them is absent."""
        return round(self.width_usd / self.mid, 6) if self.width_usd is not None and self.mid else None

    @property
    def width_usd(self) -> float | None:
        """Ask less bid, USD per share, rounded to 1e-6; None where one of them is absent."""
        return round(self.ask - self.bid, 6) if self.two_sided and self.ask and self.bid else None


class Row(Struct, frozen=True):
    """A contract with what the market says of it."""

    contract: OptionContract
    quote: Quote
    open_interest: int | None = None


class Chain(Struct, frozen=True):
    """The contracts of an underlying that were looked at for a decision.

    Parameters
    ----------
    spot : float
        USD per share of the underlying.
    at : datetime
        Instant of the decision.
    rate : float
        Continuous interest a year, as a fraction: it cannot be read from options that may be exercised early.
    """

    underlying: str
    session: date
    spot: float
    at: datetime
    rate: float
    rows: tuple[Row, ...]


class Reading(Struct, frozen=True):
    """A contract with our own numbers.

    Parameters
    ----------
    mid : float
        USD per share.
    volatility : float or None
        A year, as a fraction, implied by the mid; None where no volatility explains it.
    delta : float or None
        USD per USD of the spot, of the forward for `ON_FUTURE`; None without a volatility.
    """

    row: Row
    days: int
    mid: float
    volatility: float | None
    delta: float | None


class ReadChain(Struct, frozen=True):
    """A chain read: our numbers by contract, and why others have none.

    Parameters
    ----------
    chain : Chain
        As it was quoted.
    forwards : mapping of date to float
        By expiry, USD per share.
    readings : mapping of int to Reading
        By the broker's number of the contract.
    without : mapping of int to str
        Why a contract does not exist for this decision.
    refused : str or None
        Why the chain as a whole is not that of a market.
    """

    chain: Chain
    forwards: Mapping[date, float]
    readings: Mapping[int, Reading]
    without: Mapping[int, str]
    refused: str | None = None

    def mid_of(self, number: int) -> float | None:
        """Return the middle of a contract whose quote counts, USD per share: what is held needs no forward."""
        if number in self.readings:
            return self.readings[number].mid
        if self.without.get(number) != NO_FORWARD:
            return None
        return next((row.quote.mid for row in self.chain.rows if row.contract.con_id == number), None)


def read(chain: Chain) -> ReadChain:
    """Read a chain.

    Only two-sided quotes of the last minutes count. A chain of which no expiry has a forward is refused as a whole:
    its quotes are not those of a market.

    Parameters
    ----------
    chain : Chain
        Its contracts in any order.
    """
    without = {row.contract.con_id: why for row in chain.rows if (why := _absent(row, chain.at)) is not None}
    counted = [row for row in chain.rows if row.contract.con_id not in without]
    forwards = {
        expiry: found
        for expiry in sorted({row.contract.expiry for row in counted})
        if (found := _forward(chain, [row for row in counted if row.contract.expiry == expiry])) is not None
    }
    priced = []
    for row in counted:
        if row.contract.expiry in forwards:
            priced.append(row)
        else:
            without[row.contract.con_id] = NO_FORWARD
    refused = None if forwards else f"no expiry has a forward: {len(counted)} of {len(chain.rows)} quotes count"
    readings = {one.row.contract.con_id: one for one in _readings(chain, priced, forwards)}
    return ReadChain(chain, forwards, readings, without, refused)


class WidthRule(Struct, frozen=True):
    """How wide a quote may be; one of the two bounds is enough.

    Parameters
    ----------
    most_frac : float
        Largest ask less bid over the mid.
    or_usd : float
        Largest ask less bid in USD per share; 0 where the fraction alone counts.
    """

    most_frac: float
    or_usd: float = 0.0

    def allows(self, quote: Quote) -> Condition:
        """Condition that a quote is tight enough."""
        if self.or_usd and quote.width_usd is not None and quote.width_usd <= self.or_usd:
            return at_most("width_usd", quote.width_usd, self.or_usd)
        return at_most("width_frac", quote.width_frac, self.most_frac)


SOLD, SOLD_IN_CONDOR, BOUGHT = WidthRule(0.10), WidthRule(0.25), WidthRule(0.25, 0.05)
"""Widths of a leg that is sold and of one that is bought: a cheap option cannot be quoted within a tenth."""


def illiquid(chain: ReadChain, width: WidthRule) -> str | None:
    """Return why nothing may be opened in an underlying; None if its options are quoted tightly enough.

    Parameters
    ----------
    width : WidthRule
        Of the contracts that the strategy opens with.
    """
    if chain.refused:
        return chain.refused
    low, high = LIQUID_DELTAS
    first, last = LIQUID_DAYS
    judged = [
        one
        for one in chain.readings.values()
        if one.delta is not None and low <= abs(one.delta) <= high and first <= one.days <= last
    ]
    if not judged:
        return f"no contract of {low:g} to {high:g} delta and {first} to {last} days to judge the market by"
    tight = sum(width.allows(one.row.quote).passed for one in judged)
    if tight >= LIQUID_PART * len(judged):
        return None
    return f"{tight} of {len(judged)} contracts are quoted within {width.most_frac:.0%} of their middle; half must be"


def _absent(row: Row, at: datetime) -> str | None:
    quote = row.quote
    if quote.bid is None or quote.bid <= 0:
        return "no bid"
    if quote.ask is None or quote.ask <= quote.bid:
        return "no ask above the bid"
    if quote.at is None or not timedelta(0) <= at - quote.at <= OLDEST:
        return "quote too old"
    return None


def _forward(chain: Chain, rows: Sequence[Row]) -> float | None:
    # Call less put is what the forward is worth above the strike: the median of the strikes nearest the spot.
    pairs: dict[float, dict[Right, float]] = {}
    for row in rows:
        if row.quote.mid is not None:
            pairs.setdefault(float(row.contract.strike), {})[row.contract.right] = row.quote.mid
    both = sorted(
        (strike for strike, mids in pairs.items() if len(mids) == 2), key=lambda strike: abs(strike - chain.spot)
    )
    days = rows[0].contract.days_from(chain.session)
    grown = exp(chain.rate * max(days, 0) / DAYS_PER_YEAR)
    found = [strike + grown * (pairs[strike][Right.CALL] - pairs[strike][Right.PUT]) for strike in both[:NEAR_FORWARD]]
    return median(found) if found and median(found) > 0 else None


def _readings(chain: Chain, rows: Sequence[Row], forwards: Mapping[date, float]) -> Iterable[Reading]:
    if not rows:
        return
    days = np.array([row.contract.days_from(chain.session) for row in rows])
    years = days / DAYS_PER_YEAR
    forward = np.array([forwards[row.contract.expiry] for row in rows])
    mids = np.array([row.quote.mid for row in rows], dtype=np.float64)
    terms = Terms(
        np.array([row.contract.right is Right.CALL for row in rows]),
        np.array([float(row.contract.strike) for row in rows]),
        years,
    )
    discount = np.exp(-chain.rate * years)
    volatility = implied_volatility(terms, mids, forward, discount)
    known = np.isfinite(volatility) & (years > 0)
    sound = Terms(terms.is_call, terms.strike, np.where(known, years, 1.0))
    moves = forward if chain.underlying in ON_FUTURE else chain.spot
    deltas = delta(sound, moves, forward, np.where(known, volatility, 1.0), np.where(known, discount, 1.0))
    for at, row in enumerate(rows):
        yield Reading(
            row,
            int(days[at]),
            float(mids[at]),
            float(volatility[at]) if known[at] else None,
            float(deltas[at]) if known[at] else None,
        )
