"""Which options are listed on the practice gateway's market? Their numbers are counted from what they are."""

from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import lru_cache

from msgspec.structs import replace

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract, underlying_of
from mtum.core.options.model.expiries import Expiry, expiries
from mtum.core.options.model.listing import listing, named_by, number_of
from mtum.gateway.contracts import listing_of, stands_on
from mtum.gateway.market import Market


class OptionListings:
    """The contracts on the shares and the index of a market."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._listed: dict[tuple[str, date], tuple[OptionContract, ...]] = {}
        self._expiries: dict[tuple[str, date], tuple[Expiry, ...]] = {}
        self._sessions = lru_cache(maxsize=8)(market.source.sessions_around)

    def contracts(self, underlying: str) -> tuple[OptionContract, ...]:
        """Contracts listed today, by expiry, strike and right: the strikes follow the last close."""
        key = underlying, self._market.today
        if underlying not in self._market.listings:
            return ()
        if key not in self._listed:
            spot = self._market.previous_close(underlying) or self._market.price(underlying)
            found = listing(underlying, key[1], float(spot), self._expiries_of(underlying)) if spot else ()
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

    def of_name(self, local_symbol: str) -> OptionContract | None:
        """Contract by the name that the exchanges write, as long as it lives."""
        known = listing_of(local_symbol)
        return self.contract(known.con_id) if known.sec_type == "OPT" else None

    def named(self, trading_class: str, day: date, right: Right, strike: Decimal) -> OptionContract | None:
        """Contract by class, last day, right and strike, as long as it lives.

        Parameters
        ----------
        trading_class : str
            Class of the contract, such as SPXW.
        day : date
            The session's date.
        right : Right
            What the holder may do.
        strike : Decimal
            Strike, USD.
        """
        underlying = underlying_of(trading_class)
        if underlying not in self._market.listings:
            odd = self.odd_ones(stands_on(trading_class))
            wanted = (trading_class, day, right, strike)
            fits = (one for one in odd if (one.trading_class, one.expiry, one.right, one.strike) == wanted)
            return next(fits, None)
        known = (e for e in self._expiries_of(underlying) if e.day == day and e.trading_class == trading_class)
        for end in known:
            try:
                number = number_of(trading_class, day, right, strike)
            except ValueError:
                return None
            kind = (end.settles, trading_class, end.style, end.delivery)
            return OptionContract(number, underlying, right, strike, day, *kind)
        return None

    def _expiries_of(self, underlying: str) -> tuple[Expiry, ...]:
        """Last days of what is listed today; none where the calendar does not reach far enough."""
        key = underlying, self._market.today
        if key not in self._expiries:
            try:
                self._expiries[key] = expiries(underlying, key[1], self._sessions(key[1]))
            except ValueError:
                self._expiries[key] = ()
        return self._expiries[key]
