"""What does the model quote of the contracts that a strategy asks for?"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import numpy as np

from mtum.core.market.sessions import Sessions
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import NEAR_FORWARD, ON_FUTURE
from mtum.core.options.contracts import OptionContract, Right
from mtum.core.options.european import Terms, greeks
from mtum.core.options.model.expiries import MONTHLY_DAYS, expiries
from mtum.core.options.model.levels import Level
from mtum.core.options.model.listing import listing
from mtum.core.options.model.quotes import ModelChain, ModelMarket, quoted
from mtum.core.options.surface import DAYS_PER_YEAR

CALENDAR_BEFORE, CALENDAR_AFTER = timedelta(days=7), timedelta(days=MONTHLY_DAYS + 70)
"""How far before a session, and after it, the exchange's calendar has to reach."""
DELTA_SLACK = 0.02
"""Beyond the deltas that are asked for: a delta read from quotes on a step of the price is not the model's own."""


def answered(
    request: ChainRequest, market: ModelMarket, known: Level, sessions: Sessions, points: float = 0.0
) -> ModelChain:
    """Return the chain that the model quotes of a request.

    Listed contracts whose days, right and delta are asked for, those that are held, and beside them both rights at
    the strikes nearest the spot of each expiry, which its forward is read from. What is held and in the money is
    priced as the American contract it may be; far from it early exercise is worth less than the model knows.

    Parameters
    ----------
    known : Level
        See `model.levels`.
    sessions : Sessions
        The exchange's, from `CALENDAR_BEFORE` the session to `CALENDAR_AFTER` it.
    points : float
        Volatility points added to the level, see `quotes.BAND`.

    Raises
    ------
    ValueError
        If what is held is over, or the level is not above 0.
    """
    held = {one.con_id: one for one in request.held}
    listed = _listed(request, market, sessions, {one.expiry for one in request.held})
    every = {one.con_id: one for one in listed} | held
    whole = quoted(market, [*every.values()], known, sessions, points)
    wanted = _wanted(request, whole, market)
    inner = [one for one in held.values() if _in_the_money(one, market.spot)]
    marked = quoted(market, inner, known, sessions, points, early_exercise=True) if inner else None
    rows = {row.contract.con_id: row for row in whole.chain.rows if row.contract.con_id in wanted}
    mids = {number: mid for number, mid in whole.mids.items() if number in wanted}
    if marked is not None:
        rows |= {row.contract.con_id: row for row in marked.chain.rows}
        mids |= marked.mids
    chain = whole.chain
    return ModelChain(
        type(chain)(chain.underlying, chain.session, chain.spot, chain.at, chain.rate, tuple(rows.values())),
        points,
        whole.label,
        whole.told,
        mids,
        {number: one for number, one in whole.volatilities.items() if number in wanted},
    )


def _listed(
    request: ChainRequest, market: ModelMarket, sessions: Sessions, held: set[date]
) -> tuple[OptionContract, ...]:
    first, last = request.window.first, request.window.last
    asked = [
        one
        for one in expiries(market.underlying, market.day, sessions)
        if first <= (one.day - market.day).days <= last or one.day in held
    ]
    return listing(market.underlying, market.day, market.spot, asked)


def _wanted(request: ChainRequest, whole: ModelChain, market: ModelMarket) -> set[int]:
    contracts = [row.contract for row in whole.chain.rows]
    return {
        *(one.con_id for one in request.held),
        *_near(contracts, whole.chain.spot),
        *_of_delta(request, whole, contracts, market),
    }


def _near(contracts: Sequence[OptionContract], spot: float) -> Iterator[int]:
    for expiry in {(one.expiry, one.trading_class) for one in contracts}:
        own = [one for one in contracts if (one.expiry, one.trading_class) == expiry]
        strikes = sorted({one.strike for one in own}, key=lambda strike: abs(float(strike) - spot))[:NEAR_FORWARD]
        yield from (one.con_id for one in own if one.strike in strikes)


def _of_delta(
    request: ChainRequest, whole: ModelChain, contracts: Sequence[OptionContract], market: ModelMarket
) -> Iterator[int]:
    days = np.array([one.days_from(market.day) for one in contracts], dtype=np.float64)
    volatility = np.array([whole.volatilities[one.con_id] for one in contracts])
    alive = (days > 0) & (volatility > 0)
    years = np.where(alive, days, 1.0) / DAYS_PER_YEAR
    terms = Terms(
        np.array([one.right is Right.CALL for one in contracts], dtype=bool),
        np.array([float(one.strike) for one in contracts]),
        years,
    )
    # A European delta on the spot as the forward is near enough to choose by: what is chosen is read from its quote.
    discount = np.exp(-market.rate * years)
    forward = whole.chain.spot / (1.0 if market.underlying in ON_FUTURE else discount)
    delta = np.abs(greeks(terms, whole.chain.spot, forward, np.where(alive, volatility, 1.0), discount).delta)
    least, most = request.deltas
    first, last = request.window.first, request.window.last
    for one, size, ahead, lives in zip(contracts, delta.tolist(), days.tolist(), alive.tolist(), strict=True):
        sought = one.right in request.rights and first <= ahead <= last
        if lives and sought and least - DELTA_SLACK <= size <= most + DELTA_SLACK:
            yield one.con_id


def _in_the_money(contract: OptionContract, spot: float) -> bool:
    strike = float(contract.strike)
    return strike < spot if contract.right is Right.CALL else strike > spot
