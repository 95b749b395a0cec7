"""What would the options of an underlying have been quoted at, by the model?"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from math import inf

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike

from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Sessions
from mtum.core.options import american, european
from mtum.core.options.chain import Chain, Quote, Row
from mtum.core.options.contracts import OptionContract, Style
from mtum.core.options.european import Floats, Terms
from mtum.core.options.model.levels import WIDEST, Level
from mtum.core.options.surface import DAYS_PER_YEAR, curve, half_spread, level, moneyness, years_to

BAND = (-1.0, 0.0, 1.0)
"""Volatility points by which every figure of the model is told beside itself."""
OPEN_INTEREST = 1_000
"""Contracts that the model says are open in each: it knows of none, and says so."""
TICKS: Mapping[str, tuple[tuple[float, int], ...]] = {
    **dict.fromkeys(("SPY", "QQQ", "IWM", "XSP", "SP500"), ((inf, 1),)),
    "SPX": ((3.0, 5), (inf, 10)),
    "VIX": ((3.0, 1), (inf, 5)),
}
"""Up to so many USD, the step of a price in cents, by underlying."""
SHARE_TICKS = ((3.0, 5), (inf, 10))
"""Of options on any other share."""
_ASSUMED = "open interest is assumed: the model knows none"


class ModelMarket(Struct, frozen=True):
    """An underlying at the instant of a decision.

    Parameters
    ----------
    day : date
        The session's.
    at : datetime
        Instant of the decision.
    spot : float
        USD per share.
    rate : float
        Continuous interest a year, as a fraction.
    dividends : tuple of (date, float)
        Ex-date and USD per share of each dividend that is expected.
    """

    underlying: str
    day: date
    at: datetime
    spot: float
    rate: float
    dividends: tuple[tuple[date, float], ...] = ()


class ModelChain(Struct, frozen=True):
    """A chain by the model.

    Parameters
    ----------
    chain : Chain
        As a strategy reads it. For the VIX its spot is the forward: a delta on the index itself means nothing.
    points : float
        Volatility points above the level.
    label : str
        What every figure made from it is called.
    told : tuple of str
        What a reader must know of it.
    mids : mapping of int to float
        By number of the contract, what the model says it is worth in USD per share, before steps of the price.
    volatilities : mapping of int to float
        By number, a year of 365 days, as a fraction.
    """

    chain: Chain
    points: float
    label: str
    told: tuple[str, ...]
    mids: Mapping[int, float]
    volatilities: Mapping[int, float]


def quoted(
    market: ModelMarket,
    contracts: Sequence[OptionContract],
    known: Level,
    sessions: Sessions,
    points: float = 0.0,
    *,
    early_exercise: bool = False,
) -> ModelChain:
    """Return the chain that the model quotes.

    Parameters
    ----------
    market : ModelMarket
        An underlying at the instant of a decision.
    contracts : sequence of OptionContract
        Listed or held, in any order, none of them over.
    known : Level
        See `model.levels`.
    sessions : Sessions
        The exchange's, from the session to the last expiry.
    points : float
        Volatility points added to the level, see `BAND`.
    early_exercise : bool
        Whether American contracts are priced by the tree. It matters in the money and before an ex-date, and takes
        about 0.3 ms a contract.

    Raises
    ------
    ValueError
        If a contract is of another underlying or over, or the level is not above 0.
    """
    for one in contracts:
        if one.underlying != market.underlying or one.expiry < market.day:
            raise ValueError(f"{one.words} is no contract of {market.underlying} on {market.day}")
    days = np.array([one.days_from(market.day) for one in contracts], dtype=np.float64)
    years = days / DAYS_PER_YEAR
    terms = Terms(
        np.array([one.right is Right.CALL for one in contracts], dtype=bool),
        np.array([float(one.strike) for one in contracts], dtype=np.float64),
        years,
    )
    forward = _forwards(market, known, days)
    volatility = volatilities(market, days, terms.strike, known, sessions, points)
    mids = european.price(terms, forward, volatility, np.exp(-market.rate * years))
    early = np.array([early_exercise and one.style is Style.AMERICAN for one in contracts], dtype=bool)
    if early.any():
        part = Terms(*(np.asarray(each)[early] for each in (terms.is_call, terms.strike, terms.years)))
        paid = [((ex_day - market.day).days / DAYS_PER_YEAR, usd) for ex_day, usd in market.dividends]
        mids[early] = american.price(part, market.spot, volatility[early], market.rate, paid)
    rows = _rows(market, contracts, known, mids)
    numbers = [one.con_id for one in contracts]
    spot = market.spot if known.forward is None else known.forward
    return ModelChain(
        Chain(market.underlying, market.day, spot, market.at, market.rate, rows),
        points,
        known.label,
        (*known.told, _ASSUMED),
        dict(zip(numbers, mids.tolist(), strict=True)),
        dict(zip(numbers, volatility.tolist(), strict=True)),
    )


def band(
    market: ModelMarket,
    contracts: Sequence[OptionContract],
    known: Level,
    sessions: Sessions,
    *,
    early_exercise: bool = False,
) -> tuple[ModelChain, ...]:
    """Return the chain at each of `BAND`'s levels, the lowest first; see `quoted`.

    Parameters
    ----------
    market : ModelMarket
        An underlying at the instant of a decision.
    contracts : sequence of OptionContract
        Contracts to quote.
    known : Level
        What the model knows of an underlying's volatility on a session.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    early_exercise : bool
        Whether the holder may exercise early.
    """
    return tuple(quoted(market, contracts, known, sessions, points, early_exercise=early_exercise) for points in BAND)


def _forwards(market: ModelMarket, known: Level, days: Floats) -> Floats:
    if known.forward is not None:
        return np.full(days.shape, known.forward)
    bare = np.full(days.shape, market.spot)
    for ex_day, usd in market.dividends:
        ahead = (ex_day - market.day).days
        if ahead > 0:
            bare -= np.where(ahead <= days, usd * np.exp(-market.rate * ahead / DAYS_PER_YEAR), 0.0)
    if (bare <= 0).any():
        raise ValueError(f"{market.underlying}: the dividends to come are worth more than the share")
    found: Floats = bare * np.exp(market.rate * days / DAYS_PER_YEAR)
    return found


def volatilities(
    market: ModelMarket, days: Floats, strikes: ArrayLike, known: Level, sessions: Sessions, points: float = 0.0
) -> Floats:
    """Return the volatility that the model prices contracts at.

    The skew runs on the clock of trading days near expiry. What is returned is told a year of 365 days, as rates and
    everybody who reads a price count it, so that the deviation at expiry is the same.

    Parameters
    ----------
    market : ModelMarket
        An underlying at the instant of a decision.
    days : ndarray of float64, shape (n_contracts,)
        Whole calendar days from the session to the last one on which each trades.
    strikes : array of float, shape (n_contracts,)
        USD per share.
    known, sessions, points
        As for `quoted`.

    Returns
    -------
    ndarray of float64, shape (n_contracts,)
        A year of 365 days, as a fraction; 0 for a contract without time.

    Raises
    ------
    ValueError
        If an expiry has no level, or one that is not above 0.
    """
    levels, clock = np.empty(days.shape), np.empty(days.shape)
    above = points / 100.0
    for ahead in map(int, np.unique(days)):
        expiry = market.day + timedelta(days=ahead)
        base = known.by_expiry.get(expiry)
        if base is None:
            if known.at_30_days is None:
                raise ValueError(f"{market.underlying}: no level is known for {expiry}")
            found = float(level(known.at_30_days + above, ahead, known.shape.term_power))
        else:
            found = base + above
        if not 0 < found < inf:
            raise ValueError(f"{market.underlying}: volatility {found:.4f} for {expiry}: a level is above 0")
        place = days == ahead
        levels[place], clock[place] = found, years_to(ahead, sessions.count(market.day, expiry))
    alive = clock > 0
    time = np.where(alive, clock, 1.0)
    at = moneyness(_forwards(market, known, days), strikes, time, levels)
    skewed = levels * curve(at, known.shape.rho, known.shape.eta)
    calendar = days / DAYS_PER_YEAR
    return np.where(alive, skewed * np.sqrt(clock / np.where(alive, calendar, 1.0)), 0.0)


def _rows(market: ModelMarket, contracts: Sequence[OptionContract], known: Level, mids: Floats) -> tuple[Row, ...]:
    weights = known.shape.spread or WIDEST
    steps = TICKS.get(market.underlying, SHARE_TICKS)
    days = np.array([one.days_from(market.day) for one in contracts], dtype=np.float64)
    halves = half_spread(mids, days, weights, steps[0][1] / 100.0, part=1.0)
    return tuple(
        Row(contract, _quote(mid, half, steps, market.at), OPEN_INTEREST)
        for contract, mid, half in zip(contracts, mids.tolist(), halves.tolist(), strict=True)
    )


def _quote(mid: float, half: float, steps: tuple[tuple[float, int], ...], at: datetime) -> Quote:
    # Both sides on a step of the price, one at least apart and around the worth: whoever buys at asks and sells at bids
    # never has something for nothing. A bid below the first step is none.
    step = next(cents for most, cents in steps if mid < most)
    half = max(half, step / 200.0)
    bid = int(max(0.0, 100.0 * (mid - half)) / step + 0.5) * step
    ask = max(bid + step, int(100.0 * (mid + half) / step + 0.5) * step)
    return Quote(bid / 100.0 if bid > 0 else None, ask / 100.0, at)
