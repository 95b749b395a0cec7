"""What one fill of a backtest costs: slippage and market impact in its price, the commission beside it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import isfinite, sqrt

from msgspec import Struct

from mtum.core.indicators.sma import sma
from mtum.core.indicators.volatility import SESSIONS_A_YEAR, volatility
from mtum.core.market.bars import Column
from mtum.core.market.instruments import unit_usd
from mtum.core.market.volume import auction_shares
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.played import BPS, FillModel, Played, PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.errors import UsageError

IMPACT_SESSIONS = 20
"""Sessions of volume and volatility that market impact is measured by."""
KINDS = ("commission", "slippage", "impact")
"""What a fill can cost, in the order in which it is listed."""


class PricedFill(Struct, frozen=True):
    """A fill's price, slippage and impact included, and the commission in USD."""

    price: Decimal
    commission_usd: Decimal


class FillCosts:
    """Prices the fills of an account one after the other, and adds up what they cost.

    Market impact is the square-root law: `impact_coefficient` x sqrt(shares / mean volume of 20 sessions) x
    volatility of a session over 20, as a fraction of the price; both up to the session of the decision.

    References
    ----------
    Almgren, Thum, Hauptmann, Li, "Direct estimation of equity market impact", Risk, 2005;
    Grinold and Kahn, "Active Portfolio Management", chapter 16.
    """

    def __init__(self, history: SessionHistory, terms: PlayTerms) -> None:
        self._history = history
        self._terms = terms
        self._slippage = exact(terms.slippage_bps * BPS)
        self._measured: dict[str, tuple[Column, Column]] = {}
        self._unknown: Counter[str] = Counter()
        self._taken: dict[str, dict[str, Decimal]] = {}
        self._month, self._traded = (0, 0), 0
        self._auction: tuple[int, dict[str, int]] = (-1, {})
        self._thin = 0

    def lapses(self, symbol: str, shares: int, t: int) -> int:
        """Return how many of the shares sent to a closing auction it does not fill: who comes first is served first.

        Parameters
        ----------
        symbol : str
            Ticker.
        shares : int
            Number of shares.
        t : int
            Position of the session.
        """
        frac = self._terms.auction_volume_frac
        row = self._history.bar_row(symbol, t) if frac is not None and shares else None
        if frac is None or row is None or self._terms.fill is not FillModel.SAME_CLOSE:
            return 0
        volume = float(self._history.bars[symbol].volume[row])
        if not volume > 0:
            return 0
        if self._auction[0] != t:
            self._auction = t, {}
        left = self._auction[1]
        there = left.get(symbol, auction_shares(volume, frac))
        left[symbol] = there - min(shares, there)
        self._thin += there < shares
        return max(0, shares - there)

    def fill(
        self, order: tuple[str, Side, int], base: Decimal, t: int, sleeve: str = "", *, slips: bool = True
    ) -> PricedFill:
        """Return price and commission of one fill.

        Parameters
        ----------
        order : tuple of str, Side and int
            Symbol, side and shares.
        base : Decimal
            Price of the bar in USD.
        t : int
            Position of the session of the fill.
        sleeve : str
            Whose fill it is.
        slips : bool
            False where the price is what it is: no slippage, no impact.

        Raises
        ------
        UsageError
            If slippage and impact would take the whole price.
        """
        symbol, side, shares = order
        slippage = self._slippage if slips else Decimal(0)
        impact = self._impact(symbol, shares, t) if slips else Decimal(0)
        if slippage + impact >= 1:
            raise UsageError(
                f"{symbol}: {shares:,} shares on {self._history.day(t)} would move its price by "
                f"{100 * float(impact):,.0f} %; use a smaller portfolio.impact_coefficient, or less capital"
            )
        price = base * (1 + slippage + impact if side is Side.BUY else 1 - slippage - impact)
        day = self._history.day(t)
        if self._month != (day.year, day.month):
            self._month, self._traded = (day.year, day.month), 0
        costs = self._terms.rules.sizing.costs
        fee = costs.commission(shares, unit_usd(symbol, price), sale=side is Side.SELL, traded=self._traded)
        self._traded += shares
        value = shares * unit_usd(symbol, base)
        taken = self._taken.setdefault(sleeve, dict.fromkeys(KINDS, Decimal(0)))
        for kind, usd in zip(KINDS, (fee, value * slippage, value * impact), strict=True):
            taken[kind] += usd
        return PricedFill(price, fee)

    def taken(self, sleeve: str | None = None) -> Mapping[str, float]:
        """Return by kind what fills cost in USD, those of one sleeve or all."""
        found = [one for name, one in self._taken.items() if sleeve is None or name == sleeve]
        return {kind: round(float(sum(one[kind] for one in found)), 6) for kind in KINDS}

    def notes(self) -> Iterator[str]:
        """Say how many orders no auction filled whole, and which fills have no impact: it could not be measured."""
        if self._thin:
            orders = "1 order was" if self._thin == 1 else f"{self._thin} orders were"
            yield f"{orders} not filled whole, because the closing auction was too thin"
        for symbol, fills in self._unknown.items():
            yield (
                f"{symbol}: {fills} of its fills without market impact, because volume and volatility of the "
                f"{IMPACT_SESSIONS} sessions before are not known"
            )

    def _impact(self, symbol: str, shares: int, t: int) -> Decimal:
        coefficient = self._terms.impact_coefficient
        if not coefficient:
            return Decimal(0)
        if symbol not in self._measured:
            bars = self._history.bars[symbol]
            self._measured[symbol] = sma(bars.volume, IMPACT_SESSIONS), volatility(bars.close, IMPACT_SESSIONS)
        decided = t if self._terms.fill is FillModel.SAME_CLOSE else t - 1
        row = self._history.row(symbol, decided)
        volume, a_year = (float(column[row]) if row >= 0 else float("nan") for column in self._measured[symbol])
        if not (volume > 0 and isfinite(a_year)):
            self._unknown[symbol] += 1
            return Decimal(0)
        return exact(round(coefficient * sqrt(shares / volume) * a_year / sqrt(SESSIONS_A_YEAR), 12))


def costs_taken(played: Played, terms: PlayTerms) -> Mapping[str, float]:
    """Return by kind what the fills of a played history cost in USD.

    A path that keeps no costs knows no impact; its slippage follows from the prices.
    """
    if played.costs:
        return played.costs
    slip = terms.slippage_bps * BPS
    slipped = sum(
        one.shares
        * float(unit_usd(one.symbol, exact(one.price)))
        * slip
        / (1 + (slip if one.side is Side.BUY else -slip))
        for one in played.orders
    )
    commissions = sum(trade.costs_usd for trade in played.trades)
    return dict(zip(KINDS, (round(commissions, 6), round(slipped, 6), 0.0), strict=True))
