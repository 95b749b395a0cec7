"""What does the model quote of the contracts that a strategy asks for?"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import product

import numpy as np
from msgspec.structs import replace

from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Sessions
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import NEAR_FORWARD, ON_FUTURE
from mtum.core.options.contracts import OptionContract
from mtum.core.options.european import Terms, delta
from mtum.core.options.model.expiries import MONTHLY_DAYS, Expiry, expiries
from mtum.core.options.model.levels import Level
from mtum.core.options.model.listing import contract_of, listed_strikes, named_by
from mtum.core.options.model.quotes import ModelChain, ModelMarket, quoted, volatilities
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
    request : ChainRequest
        What has to be quoted before a strategy gives its verdicts.
    market : ModelMarket
        An underlying at the instant of a decision.
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
    listed = {one.con_id: one for one in _wanted(request, market, known, sessions, points)}
    whole = quoted(market, [*(listed | held).values()], known, sessions, points)
    inner = [one for one in held.values() if _in_the_money(one, market.spot)]
    if not inner:
        return whole
    marked = quoted(market, inner, known, sessions, points, early_exercise=True)
    rows = {row.contract.con_id: row for row in (*whole.chain.rows, *marked.chain.rows)}
    return replace(whole, chain=replace(whole.chain, rows=tuple(rows.values())), mids={**whole.mids, **marked.mids})


def _wanted(
    request: ChainRequest, market: ModelMarket, known: Level, sessions: Sessions, points: float
) -> Iterator[OptionContract]:
    # By expiry, strike and right. Most of what is listed is not wanted: a contract is made of what is.
    first, last = request.window.first, request.window.last
    held_days = {one.expiry for one in request.held}
    asked = [
        one
        for one in expiries(market.underlying, market.day, sessions)
        if first <= (one.day - market.day).days <= last or one.day in held_days
    ]
    names = {named_by(one.con_id) for one in request.held}
    listed = listed_strikes(market.underlying, market.day, market.spot, asked)
    chosen = _of_delta(request, market, known, sessions, points, listed)
    spot = market.spot if known.forward is None else known.forward
    for (expiry, strikes), deltas in zip(listed, chosen, strict=True):
        own = (expiry.day, expiry.trading_class)
        beside = (one.strike for one in request.held if (one.expiry, one.trading_class) == own)
        # Of two strikes as near the lower one.
        near = sorted({*strikes, *beside}, key=lambda strike: (abs(float(strike) - spot), strike))[:NEAR_FORWARD]
        for (strike, right), has_delta in zip(product(strikes, Right), deltas, strict=True):
            if has_delta or strike in near or (names and (own[1], own[0], right, strike) in names):
                yield contract_of(market.underlying, expiry, right, strike)


def _of_delta(
    request: ChainRequest,
    market: ModelMarket,
    known: Level,
    sessions: Sessions,
    points: float,
    listed: Sequence[tuple[Expiry, tuple[Decimal, ...]]],
) -> Iterator[list[bool]]:
    # By expiry, whether each of its contracts is sought and has a delta that is asked for; in the order of the listing.
    sizes = [2 * len(strikes) for _, strikes in listed]
    days = np.repeat(np.array([(one.day - market.day).days for one, _ in listed], dtype=np.float64), sizes)
    strikes = np.repeat(np.array([float(strike) for _, each in listed for strike in each], dtype=np.float64), 2)
    is_call = np.tile(np.array([right is Right.CALL for right in Right]), len(strikes) // 2)
    rights = np.tile(np.array([right in request.rights for right in Right]), len(strikes) // 2)
    found = rights & (days >= max(request.window.first, 1)) & (days <= request.window.last)
    days, strikes, is_call = days[found], strikes[found], is_call[found]
    years = days / DAYS_PER_YEAR
    # A European delta on the spot as the forward is near enough to choose by: what is chosen is read from its quote.
    discount = np.exp(-market.rate * years)
    spot = market.spot if known.forward is None else known.forward
    forward = spot / (1.0 if market.underlying in ON_FUTURE else discount)
    volatility = volatilities(market, days, strikes, known, sessions, points)
    alive = volatility > 0
    size = np.abs(delta(Terms(is_call, strikes, years), spot, forward, np.where(alive, volatility, 1.0), discount))
    least, most = request.deltas
    found[found] = alive & (least - DELTA_SLACK <= size) & (size <= most + DELTA_SLACK)
    ends = np.cumsum(sizes).tolist()
    yield from (found[end - size : end].tolist() for end, size in zip(ends, sizes, strict=True))


def _in_the_money(contract: OptionContract, spot: float) -> bool:
    strike = float(contract.strike)
    return strike < spot if contract.right is Right.CALL else strike > spot
