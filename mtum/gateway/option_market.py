"""Which options are there on the practice gateway's market, and what are they quoted at? By the model of option prices.

Nothing is drawn and nothing is kept: the same instant of the same market has the same contracts and quotes.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

import numpy as np

from mtum.core.options.chain import Quote
from mtum.core.options.contracts import OptionContract, Right, underlying_of
from mtum.core.options.european import Terms, greeks
from mtum.core.options.model.expiries import Expiry, expiries
from mtum.core.options.model.levels import STANDS_FOR, UNTRADABLE, Level, level_of, vix_illustration
from mtum.core.options.model.listing import listing, named_by, number_of
from mtum.core.options.model.quotes import ModelMarket, quoted
from mtum.core.options.surface import DAYS_PER_YEAR, POOLED, OptionClass, class_of
from mtum.core.portfolio.money import exact
from mtum.gateway.contracts import VIX
from mtum.gateway.market import Market

RATE = 0.02
"""Continuous interest a year that options are priced with here."""
NO_VIX = 18.0
"""Level of the VIX, in points, for a market that has none."""
WIDE = replace(POOLED, spread=(-0.077, 0.047, 0.225))
"""What has no market worth the name is quoted as the options of MTUM were: 20 to 57 % of the middle apart."""
_VIX_YEARS = timedelta(days=730)
_ANNOUNCED_SESSIONS = 15
_NO_LEVEL = OptionClass(0.0, 0.0, term_power=0.0)


@dataclass(frozen=True, slots=True)
class Shown:
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


class OptionMarket:
    """The options on the shares and the index of a market."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._listed: dict[tuple[str, date], tuple[OptionContract, ...]] = {}
        self._expiries: dict[tuple[str, date], tuple[Expiry, ...]] = {}
        self._shown: dict[tuple[date, bool, bool], dict[int, Shown]] = {}
        self._levels: dict[tuple[str, date], Level] = {}
        self._sessions = lru_cache(maxsize=8)(market.source.sessions_around)

    @property
    def underlyings(self) -> tuple[str, ...]:
        """Symbols that have options."""
        return tuple(self._market.listings)

    def expiries(self, underlying: str) -> tuple[Expiry, ...]:
        """Last days of what is listed today; none where the calendar does not reach far enough."""
        key = underlying, self._market.today
        if key not in self._expiries:
            try:
                self._expiries[key] = expiries(underlying, key[1], self._sessions(key[1]))
            except ValueError:
                self._expiries[key] = ()
        return self._expiries[key]

    def contracts(self, underlying: str) -> tuple[OptionContract, ...]:
        """Contracts listed today, by expiry, strike and right: the strikes follow the last close."""
        key = underlying, self._market.today
        if underlying not in self._market.listings:
            return ()
        if key not in self._listed:
            spot = self._market.previous_close(underlying) or self._market.price(underlying)
            found = listing(underlying, key[1], float(spot), self.expiries(underlying)) if spot else ()
            self._listed[key] = found
        return self._listed[key]

    def odd_ones(self, underlying: str) -> tuple[OptionContract, ...]:
        """Contracts that a chain lists and nobody should trade: one made to order (FLEX), one adjusted."""
        listed = self.contracts(underlying)
        if not listed:
            return ()
        middle = listed[len(listed) // 2]
        made = []
        for trading_class in (f"2{underlying}", f"{underlying}1"):
            with suppress(ValueError):  # a long symbol has no room for the digit
                number = number_of(trading_class, middle.expiry, middle.right, middle.strike)
                made.append(replace(middle, con_id=number, trading_class=trading_class))
        return tuple(made)

    def contract(self, con_id: int) -> OptionContract | None:
        """Contract of a number, as long as it lives; its strike need not be among the listed ones any more."""
        named = named_by(con_id)
        return self.named(*named) if named else None

    def named(self, trading_class: str, day: date, right: Right, strike: Decimal) -> OptionContract | None:
        """Contract by class, last day, right and strike, as long as it lives."""
        underlying = underlying_of(trading_class)
        if underlying not in self._market.listings:
            odd = self.odd_ones(trading_class.strip("0123456789"))
            wanted = (trading_class, day, right, strike)
            fits = (one for one in odd if (one.trading_class, one.expiry, one.right, one.strike) == wanted)
            return next(fits, None)
        known = (e for e in self.expiries(underlying) if e.day == day and e.trading_class == trading_class)
        for end in known:
            try:
                number = number_of(trading_class, day, right, strike)
            except ValueError:
                return None
            kind = (end.settles, trading_class, end.style, end.delivery)
            return OptionContract(number, underlying, right, strike, day, *kind)
        return None

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
                known.update(self._priced(underlying, float(spot), lacking))
        at = market.clock.now()
        found = {one.con_id: known[one.con_id] for one in wanted if one.con_id in known}
        return {number: replace(shown, quote=replace(shown.quote, at=at)) for number, shown in found.items()}

    def dividends(self, underlying: str) -> tuple[tuple[date, Decimal], ...]:
        """Ex-dates and USD per share that are announced: those of the next 15 sessions."""
        source, day = self._market.source, self._market.session.day
        later = [one for one in source.sessions if one.day > day][:_ANNOUNCED_SESSIONS]
        bars = (source.bar(underlying, one.day) for one in later)
        return tuple((bar.day, exact(bar.dividend)) for bar in bars if bar is not None and bar.dividend > 0)

    def _priced(self, underlying: str, spot: float, contracts: Sequence[OptionContract]) -> dict[int, Shown]:
        day = self._market.session.day
        level = self._level(underlying, day)
        dividends = tuple((ex_day, float(usd)) for ex_day, usd in self.dividends(underlying))
        priced = ModelMarket(underlying, day, self._market.clock.now(), spot, RATE, dividends)
        found = quoted(priced, contracts, level, self._sessions(day), early_exercise=True)
        years = np.array([max(one.days_from(day), 0) for one in contracts]) / DAYS_PER_YEAR
        terms = Terms(
            np.array([one.right is Right.CALL for one in contracts]),
            np.array([float(one.strike) for one in contracts]),
            np.where(years > 0, years, 1.0 / DAYS_PER_YEAR),
        )
        swing = np.maximum([found.volatilities[one.con_id] for one in contracts], 0.01)
        moves = found.chain.spot
        forward = moves if level.forward is not None else moves * np.exp(RATE * years)
        told = greeks(terms, moves, forward, swing, np.exp(-RATE * years))
        columns = np.stack([told.delta, told.gamma, told.vega, told.theta], axis=1).tolist()
        return {
            row.contract.con_id: Shown(
                row.quote, found.mids[row.contract.con_id], found.volatilities[row.contract.con_id], *column
            )
            for row, column in zip(found.chain.rows, columns, strict=True)
        }

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
