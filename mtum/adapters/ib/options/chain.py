"""Chains of the broker: as few quotes as a decision needs, and none of a market that is not one."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.options.details import OptionContracts
from mtum.adapters.ib.options.quotes import Quoted, quoted
from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import LIQUID_DAYS, ON_FUTURE, Chain, ReadChain, read
from mtum.core.options.contracts import OptionContract
from mtum.core.options.preselecting import Expected, nearest_expiries, neighbors, pairs_near, wider
from mtum.core.options.selecting import Window
from mtum.core.options.surface import DAYS_PER_YEAR
from mtum.errors import DataError, SourceUnavailableError

NEW_YORK = ZoneInfo("America/New_York")
EXPIRIES = 2
"""Expiries of a window that are asked, those nearest to the days that are sought."""
STALE_FRAC, STALE_FRAC_A_YEAR = 0.02, 0.10
"""How far the options' own forward may be from the spot: interest and dividends, and what a spot moves in a minute."""

type Key = tuple[str, date, Right]


class IbChains:
    """Chains over the run's connection (ports.options.ChainSource).

    Two pairs near the spot tell an expiry's forward and volatility; the model then says which contracts lie near the
    sought deltas, and those alone are quoted. Where the market proves it wrong, it is asked for more once.

    Parameters
    ----------
    rate : float
        Continuous interest a year, as a fraction.
    """

    name = "ib"
    model_priced = False

    def __init__(self, contracts: Contracts, rate: float) -> None:
        self._connector = contracts.connector
        self._contracts = OptionContracts(contracts)
        self._rate = rate

    def chain(self, request: ChainRequest, spot: float, at: datetime) -> Chain:
        """Return the contracts that a request needs, with their quotes of this moment.

        Parameters
        ----------
        spot : float
            USD per share.
        at : datetime
            Instant of the decision; the chain's is later, once its quotes are there.

        Raises
        ------
        DataError
            In one line, naming the symbol: if nothing is listed, or its quotes are not those of a live market.
        BrokerUnavailableError
            If the connection is lost.
        """
        day = at.astimezone(NEW_YORK).date()
        symbol = request.underlying
        listed = self._listed(request, day)
        by_expiry: dict[tuple[str, date], list[OptionContract]] = {}
        for one in listed:
            by_expiry.setdefault((one.trading_class, one.expiry), []).append(one)
        found: dict[int, Quoted] = {}
        self._quote(found, (one for some in by_expiry.values() for one in pairs_near(some, spot)))
        self._quote(found, request.held)
        if not found:
            raise SourceUnavailableError(
                f"{symbol}: no option is listed with {request.window.first} to {request.window.last} days to its last"
            )
        first = self._read(symbol, day, spot, at, found)
        refuse_dead(symbol, first, found)
        asked = self._neighbors(request, by_expiry, first)
        self._quote(found, (one for some in asked.values() for one in some))
        self._quote(found, self._wider(request, by_expiry, asked, self._read(symbol, day, spot, at, found)))
        return self._read(symbol, day, spot, at, found).chain

    def _listed(self, request: ChainRequest, day: date) -> list[OptionContract]:
        symbol, window = request.underlying, request.opens or request.window
        held = {(one.trading_class, one.expiry) for one in request.held}
        wanted: set[Key] = set()
        for name, days in self._contracts.classes(symbol).items() if request.rights else ():
            # The last days of classes that settle in the morning may be a day off in this list: what is listed tells.
            near = _taken(days, day, Window(window.first - 1, window.last + 1, window.sought), EXPIRIES + 1)
            wanted |= {(name, one, right) for one in near for right in Right}
        found = [one.detail.contract for one in self._contracts.listed(symbol, wanted).values()]
        kept = _taken({one.expiry for one in found}, day, window, EXPIRIES)
        # A held contract has no mark without the forward of its own expiry.
        missing = {one for one in held if one not in {(other.trading_class, other.expiry) for other in found}}
        extra = {(name, one, right) for name, one in missing for right in Right}
        found += [one.detail.contract for one in self._contracts.listed(symbol, extra).values()]
        return [one for one in found if one.expiry in kept or (one.trading_class, one.expiry) in held]

    def _quote(self, found: dict[int, Quoted], wanted: Iterable[OptionContract]) -> None:
        new = {one.con_id: one for one in wanted if one.con_id not in found}
        for one in quoted(self._connector, self._contracts, new.values(), open_interest=True):
            found[one.row.contract.con_id] = one

    def _read(self, symbol: str, day: date, spot: float, at: datetime, found: Mapping[int, Quoted]) -> ReadChain:
        rows = tuple(sorted((one.row for one in found.values()), key=lambda row: row.contract.con_id))
        newest = max((row.quote.at for row in rows if row.quote.at is not None), default=at)
        return read(Chain(symbol, day, spot, max(at, newest), self._rate, rows))

    def _neighbors(
        self, request: ChainRequest, by_expiry: Mapping[tuple[str, date], list[OptionContract]], known: ReadChain
    ) -> dict[tuple[str, date, Right], tuple[OptionContract, ...]]:
        asked = {}
        for (name, expiry), some in by_expiry.items():
            expected = _expected(known, expiry)
            if expected is None or not request.window.first <= expected.days <= request.window.last:
                continue
            for right in sorted(request.rights, key=lambda one: one.value):
                of_right = [one for one in some if one.right is right]
                asked[name, expiry, right] = neighbors(of_right, request.sought or request.deltas, expected)
        return asked

    def _wider(
        self,
        request: ChainRequest,
        by_expiry: Mapping[tuple[str, date], list[OptionContract]],
        asked: Mapping[Key, tuple[OptionContract, ...]],
        known: ReadChain,
    ) -> list[OptionContract]:
        more: list[OptionContract] = []
        for (name, expiry, right), some in asked.items():
            of_right = [one for one in by_expiry[name, expiry] if one.right is right]
            quoted_now = [
                (one, abs(reading.delta))
                for one in some
                if (reading := known.readings.get(one.con_id)) is not None and reading.delta is not None
            ]
            more += wider(of_right, some, quoted_now, request.sought or request.deltas)
        return more


def _taken(days: Iterable[date], day: date, window: Window, most: int) -> tuple[date, ...]:
    """Return the expiries of a window to ask, and one by which the market is judged where none of them is one."""
    listed, (first, last) = tuple(days), LIQUID_DAYS
    found = nearest_expiries(listed, day, (window.first, window.last, window.sought), most)
    if not found or any(first <= (one - day).days <= last for one in found):
        return found
    return (*found, *nearest_expiries(listed, day, (first, last, window.sought), 1))


def refuse_dead(symbol: str, known: ReadChain, found: Mapping[int, Quoted]) -> None:
    """Refuse the pairs near the spot where they are not those of a live market.

    Parameters
    ----------
    symbol : str
        Ticker.
    known : ReadChain
        A chain read: our numbers by contract, and why others have none.
    found : mapping of int to Quoted
        Quotes by the broker's number of the contract.

    Raises
    ------
    DataError
        If no expiry has a forward, or the forwards belong to another spot than the one that is told.
    """
    if known.refused is not None:
        reasons = [one.why for one in found.values() if one.why]
        most = max(sorted(set(reasons)), key=reasons.count, default="")
        told = f"; {reasons.count(most)} times: {most}" if most else ""
        raise SourceUnavailableError(f"{symbol}: its options near the spot are not quoted ({known.refused}{told})")
    if symbol in ON_FUTURE:
        return
    spot = known.chain.spot
    for expiry, forward in known.forwards.items():
        years = max((expiry - known.chain.session).days, 0) / DAYS_PER_YEAR
        if abs(forward / spot - 1) > STALE_FRAC + STALE_FRAC_A_YEAR * years:
            raise DataError(
                f"{symbol}: the options of {expiry} are quoted around {forward:.2f}, the spot is {spot:.2f}: "
                "old quotes, or those of something else"
            )


def _expected(known: ReadChain, expiry: date) -> Expected | None:
    """What the pairs of an expiry say of it; None where they say nothing."""
    forward = known.forwards.get(expiry)
    near = [
        one
        for one in known.readings.values()
        if one.row.contract.expiry == expiry and one.volatility is not None and one.days > 0
    ]
    if forward is None or not near:
        return None
    distance = min(abs(float(one.row.contract.strike) - forward) for one in near)
    levels = [
        one.volatility
        for one in near
        if one.volatility is not None and abs(float(one.row.contract.strike) - forward) == distance
    ]
    moves = forward if known.chain.underlying in ON_FUTURE else known.chain.spot
    return Expected(moves, forward, sum(levels) / len(levels), near[0].days)
