"""What are options quoted at on the practice gateway's market? By the model of option prices.

Nothing is drawn and nothing is kept: the same instant of the same market has the same contracts and quotes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.core.market.instruments import Right
from mtum.core.options.chain import ON_FUTURE, Quote
from mtum.core.options.contracts import OptionContract
from mtum.core.options.european import Terms, greeks
from mtum.core.options.model.dividends import expected
from mtum.core.options.model.levels import STANDS_FOR, UNTRADABLE, Level, level_of, vix_illustration
from mtum.core.options.model.listing import number_of
from mtum.core.options.model.quotes import ModelChain, ModelMarket, quoted
from mtum.core.options.surface import DAYS_PER_YEAR, POOLED, OptionClass, class_of
from mtum.core.portfolio.money import exact
from mtum.gateway.contracts import VIX
from mtum.gateway.market import Market
from mtum.gateway.option_listings import OptionListings

RATE = 0.02
"""Continuous interest a year that options are priced with here."""
NO_VIX = 18.0
"""Level of the VIX, in points, for a market that has none."""
WIDE = replace(POOLED, spread=(-0.077, 0.047, 0.225))
"""What has no market worth the name is quoted as the options of MTUM were: 20 to 57 % of the middle apart."""
_VIX_YEARS, _YEAR = timedelta(days=730), timedelta(days=400)
_ANNOUNCED_SESSIONS = 15
_NO_LEVEL = OptionClass(0.0, 0.0, term_power=0.0)


class Shown(Struct, frozen=True):
    """What an option is quoted at, and what the model says of it.

    Parameters
    ----------
    worth : float
        USD per share, before steps of the price.
    volatility : float
        A year of 365 days, as a fraction.
    delta, gamma, vega, theta : float
        Per share; vega per volatility point, theta per day.
    """

    quote: Quote
    worth: float
    volatility: float
    delta: float
    gamma: float
    vega: float
    theta: float


class OptionMarket(OptionListings):
    """Contracts with what they are quoted at (simulation.options.venue.OptionPrices)."""

    rate = RATE

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._shown: dict[tuple[date, bool, bool], dict[int, Shown]] = {}
        self._levels: dict[tuple[str, date], Level] = {}

    def spot(self, underlying: str) -> Decimal | None:
        """Last price of an underlying."""
        return self._market.price(underlying)

    def volatility(self, underlying: str, day: date | None = None) -> float:
        """Implied volatility of a session, 30 days to expiry; a year, as a fraction."""
        level = self._level(underlying, day or self._market.session.day)
        return round(level.at_30_days or 0.0, 6)

    def shown(self, contracts: Iterable[OptionContract], *, stale: bool = False) -> Mapping[int, Shown]:
        """Quotes by number, as of now; what is over, or has an underlying without a price, is left out.

        Stale ones are those of an underlying at its last close.
        """
        market, wanted = self._market, list(contracts)
        day, open_yet = market.session.day, market.clock.now() >= market.session.open
        known = self._shown.setdefault((day, open_yet, stale), {})
        missing: dict[str, list[OptionContract]] = {}
        for one in wanted:
            if one.con_id not in known and one.expiry >= day:
                missing.setdefault(one.underlying, []).append(one)
        for underlying, lacking in missing.items():
            spot = market.previous_close(underlying) if stale else market.price(underlying)
            if spot is not None:
                known.update(self._priced(underlying, day, float(spot), lacking))
        at = market.clock.now()
        found = {one.con_id: known[one.con_id] for one in wanted if one.con_id in known}
        return {number: replace(shown, quote=replace(shown.quote, at=at)) for number, shown in found.items()}

    def quotes(self, contracts: Iterable[OptionContract]) -> Mapping[int, Quote]:
        """Quotes by number, as of now."""
        return {number: shown.quote for number, shown in self.shown(contracts).items()}

    def close(self, underlying: str, day: date) -> Decimal | None:
        """Official close of a session that is over."""
        bar = self._market.source.bar(underlying, day)
        return exact(bar.close) if bar is not None else None

    def opposite(self, contract: OptionContract, day: date) -> float:
        """What the option of the other right at the same strike and expiry was worth at a close, USD per share."""
        right = Right.PUT if contract.right is Right.CALL else Right.CALL
        number = number_of(contract.trading_class, contract.expiry, right, contract.strike)
        other, close = replace(contract, right=right, con_id=number), self.close(contract.underlying, day)
        if close is None:
            return 0.0
        return self._priced(contract.underlying, day, float(close), [other])[number].worth

    def dividends(self, underlying: str, day: date) -> tuple[tuple[date, Decimal], ...]:
        """Ex-dates and USD per share of what is announced on a session: that of the next 15."""
        source = self._market.source
        coming = [one for one in source.sessions if one.day > day][:_ANNOUNCED_SESSIONS]
        bars = (source.bar(underlying, one.day) for one in coming)
        return tuple((bar.day, exact(bar.dividend)) for bar in bars if bar is not None and bar.dividend > 0)

    def _priced(self, underlying: str, day: date, spot: float, contracts: Sequence[OptionContract]) -> dict[int, Shown]:
        """Return what contracts are quoted at on a day: what is in the money may be exercised early."""
        level = self._level(underlying, day)
        market = ModelMarket(underlying, day, self._market.clock.now(), spot, RATE, self._expected(underlying, day))
        found: dict[int, Shown] = {}
        for inside in (False, True):
            part = [one for one in contracts if _in_the_money(one, spot) is inside]
            if part:
                found |= _shown_by(quoted(market, part, level, self._sessions(day), early_exercise=inside), market)
        return found

    def _expected(self, underlying: str, day: date) -> tuple[tuple[date, float], ...]:
        if underlying == VIX:
            return ()
        bars = self._market.source.history(underlying, day - _YEAR, day - timedelta(days=1))
        paid = ((bars.day(int(at)), float(bars.dividend[at])) for at in np.flatnonzero(bars.dividend > 0))
        return expected(paid, day)

    def _level(self, underlying: str, day: date) -> Level:
        """Return the model's level of a session; where it has none, one by the VIX, quoted as widely as any."""
        market, key = self._market, (underlying, day)
        if key not in self._levels:
            bar = market.source.bar(VIX, day)
            points = bar.close if bar else None
            known = level_of(underlying, {VIX: points} if points else {})
            if underlying == VIX:
                closes = market.source.history(VIX, day - _VIX_YEARS, day).close
                known = vix_illustration([float(one) for one in closes])
            if isinstance(known, str):
                shape = class_of(STANDS_FOR.get(underlying, underlying))
                volatility = (shape.ratio or 1.0) * (points or NO_VIX) / 100.0
                forward = (points or NO_VIX) if underlying == VIX else None
                kept = _NO_LEVEL if underlying == VIX else WIDE if underlying in UNTRADABLE else shape
                known = Level(underlying, 0.9 if underlying == VIX else volatility, kept, (known,), forward=forward)
            self._levels[key] = known
        return self._levels[key]


def _in_the_money(contract: OptionContract, spot: float) -> bool:
    strike = float(contract.strike)
    return strike < spot if contract.right is Right.CALL else strike > spot


def _shown_by(found: ModelChain, market: ModelMarket) -> dict[int, Shown]:
    contracts = [row.contract for row in found.chain.rows]
    years = np.array([max(one.days_from(market.day), 1) for one in contracts]) / DAYS_PER_YEAR
    terms = Terms(
        np.array([one.right is Right.CALL for one in contracts]),
        np.array([float(one.strike) for one in contracts]),
        years,
    )
    swing = np.maximum([found.volatilities[one.con_id] for one in contracts], 0.01)
    moves = found.chain.spot
    forward = moves if market.underlying in ON_FUTURE else moves * np.exp(RATE * years)
    told = greeks(terms, moves, forward, swing, np.exp(-RATE * years))
    columns = np.stack([told.delta, told.gamma, told.vega, told.theta], axis=1).tolist()
    return {
        row.contract.con_id: Shown(
            row.quote, found.mids[row.contract.con_id], found.volatilities[row.contract.con_id], *column
        )
        for row, column in zip(found.chain.rows, columns, strict=True)
    }
