"""A chain as it is quoted: which quotes count, the forward of each expiry, and our own volatilities and deltas."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import exp
from statistics import median

import numpy as np

from mtum.core.options.contracts import OptionContract, Right
from mtum.core.options.european import Terms, greeks, implied_volatility
from mtum.core.options.surface import DAYS_PER_YEAR

OLDEST = timedelta(minutes=5)
"""Age from which a quote counts no more."""
NEAR_FORWARD = 5
"""Strikes nearest the spot that an expiry's forward is read from, at most."""
LIQUID_DELTAS, LIQUID_DAYS, LIQUID_PART = (0.10, 0.50), (30, 60), 0.5
"""Contracts by which an underlying is judged, and the part of them that must be quoted tightly enough."""


@dataclass(frozen=True, slots=True)
class Quote:
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
        """Ask less bid over their middle; None where one of them is absent."""
        return (self.ask - self.bid) / self.mid if self.mid and self.bid is not None and self.ask is not None else None


@dataclass(frozen=True, slots=True)
class Row:
    """A contract with what the market says of it."""

    contract: OptionContract
    quote: Quote
    open_interest: int | None = None


@dataclass(frozen=True, slots=True)
class Chain:
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


@dataclass(frozen=True, slots=True)
class Reading:
    """A contract with our own numbers.

    Parameters
    ----------
    mid : float
        USD per share.
    volatility : float or None
        A year, as a fraction, implied by the mid; None where no volatility explains it.
    delta : float or None
        USD per USD of the spot; None without a volatility.
    """

    row: Row
    days: int
    mid: float
    volatility: float | None
    delta: float | None


@dataclass(frozen=True, slots=True)
class ReadChain:
    """A chain read: our numbers by contract, and why others have none.

    Parameters
    ----------
    forwards : mapping of date to float
        By expiry, USD per share.
    readings : mapping of int to Reading
        By the broker's number of the contract.
    without : mapping of int to str
        Why a contract does not exist for this decision.
    refused : str or None
        Why the chain as a whole is not that of a market.
    """

    forwards: Mapping[date, float]
    readings: Mapping[int, Reading]
    without: Mapping[int, str]
    refused: str | None = None


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
            without[row.contract.con_id] = "no forward of its expiry"
    refused = None if forwards else f"no expiry has a forward: {len(counted)} of {len(chain.rows)} quotes count"
    return ReadChain(
        forwards, {one.row.contract.con_id: one for one in _readings(chain, priced, forwards)}, without, refused
    )


def illiquid(chain: ReadChain, most_width_frac: float) -> str | None:
    """Return why nothing may be opened in an underlying; None if its options are quoted tightly enough.

    Parameters
    ----------
    most_width_frac : float
        Largest spread over the mid that is tight enough.
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
    tight = sum((one.row.quote.width_frac or 0.0) <= most_width_frac for one in judged)
    if tight >= LIQUID_PART * len(judged):
        return None
    return f"{tight} of {len(judged)} contracts are quoted within {most_width_frac:.0%} of their middle; half must be"


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
    delta = greeks(sound, chain.spot, forward, np.where(known, volatility, 1.0), np.where(known, discount, 1.0)).delta
    for at, row in enumerate(rows):
        yield Reading(
            row,
            int(days[at]),
            float(mids[at]),
            float(volatility[at]) if known[at] else None,
            float(delta[at]) if known[at] else None,
        )
