"""What a walk made: columns, and the orders and trades they stand for."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from msgspec import Struct

from mtum.core.decide import CARRIED as CARRIED_WORD
from mtum.core.market.bars import Column, Days
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.ended import BARS_ENDED
from mtum.core.simulation.fill_costs import KINDS
from mtum.core.simulation.played import BPS, Played, PlayedOrder, PlayedTrade, PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.money import to_cent
from mtum.core.simulation.walker.tables import AT, CARRIED, DAILY_LOSS, ENDED, SIGNED, SYMBOL, WORD
from mtum.core.strategies.columns import Positions


class Walked(Struct, frozen=True, eq=False):
    """What a walk made, as columns; symbols are positions in `symbols`.

    Parameters
    ----------
    orders : ndarray of int, shape (n_orders, 4)
        Session, symbol, shares (below 0 for a sale), reason.
    fills : ndarray, shape (n_orders, 2)
        Price and commission in USD.
    capital_usd : float
        Cash at the start, and what shares were worth that were there.
    begun : tuple of (int, int, float)
        Symbol, number and price of these shares.
    notes : tuple of str
        What a person has to know of how it was played.
    """

    symbols: tuple[str, ...]
    days: Days
    first: int
    equity: Column
    held: Column
    orders: Positions
    fills: Column
    reasons: tuple[tuple[str, ...], ...]
    purchases_capped: int
    capital_usd: float
    begun: tuple[tuple[int, int, float], ...]
    notes: tuple[str, ...] = ()

    def words(self, code: int) -> tuple[str, ...]:
        """Return the reasons behind a code, the deciding one first."""
        if code == DAILY_LOSS:
            return ("daily_loss",)
        if code == ENDED:
            return (BARS_ENDED,)
        return (CARRIED_WORD, self.reasons[code - CARRIED][0]) if code >= CARRIED else self.reasons[code]


def played_of(history: SessionHistory, terms: PlayTerms, found: Walked) -> Played:
    """Return a walk as orders and trades with the equity at each close.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    terms : PlayTerms
        On what terms history is played.
    found : Walked
        What a walk made, as columns; symbols are positions in `symbols`.
    """
    days = found.days[found.first :].astype(object).tolist()
    rows = zip(found.orders.tolist(), found.fills[:, 0].tolist(), strict=True)
    return Played(
        symbol="+".join(history.bars),
        days=found.days[found.first : found.first + len(found.equity)],
        equity=found.equity,
        held=found.held,
        trades=_trades(history, found),
        capital_usd=found.capital_usd,
        purchases_capped=found.purchases_capped,
        notes=found.notes,
        costs=_costs(terms, found),
        orders=tuple(
            PlayedOrder(
                days[order[AT] - found.first],
                found.symbols[order[SYMBOL]],
                Side.BUY if order[SIGNED] > 0 else Side.SELL,
                abs(order[SIGNED]),
                round(price, 6),
                found.words(order[WORD]),
            )
            for order, price in rows
        ),
    )


def _costs(terms: PlayTerms, found: Walked) -> dict[str, float]:
    signed, price = found.orders[:, SIGNED], found.fills[:, 0]
    # What has no bars any more is sold at its last close.
    slip = terms.slippage_bps * BPS * (found.orders[:, WORD] != ENDED)
    slipped = np.abs(signed) * price / (1 + slip * np.sign(signed)) * slip
    taken = float(found.fills[:, 1].sum()), float(slipped.sum()), 0.0
    return {kind: round(usd, 6) for kind, usd in zip(KINDS, taken, strict=True)}


class _Trip(Struct):
    # From the first purchase since flat to the sale of the last share.
    began: int
    reached: int
    held: int = 0
    bought: int = 0
    entered_usd: float = 0.0
    left_usd: float = 0.0
    fees_usd: float = 0.0
    dividends_usd: float = 0.0

    def up_to(self, t: int, paid: Mapping[int, float]) -> None:
        """Take the dividends of the sessions up to one, each to the cent."""
        if paid:
            self.dividends_usd += sum(to_cent(self.held * usd) for at, usd in paid.items() if self.reached < at <= t)
        self.reached = t


def _trades(history: SessionHistory, found: Walked) -> tuple[PlayedTrade, ...]:
    last, days = found.first + len(found.equity) - 1, found.days.astype(object).tolist()
    paid = [_paid(history, found, symbol) for symbol in found.symbols]
    trips = {
        symbol: _Trip(found.first - 1, found.first - 1, shares, shares, shares * price)
        for symbol, shares, price in found.begun
    }
    made = []
    for (t, symbol, signed, word), (price, fee) in zip(found.orders.tolist(), found.fills.tolist(), strict=True):
        trip = trips.setdefault(symbol, _Trip(t, t))
        trip.up_to(t, paid[symbol])
        trip.held += signed
        trip.fees_usd += fee
        if signed > 0:
            trip.bought += signed
            trip.entered_usd += signed * price
        else:
            trip.left_usd -= signed * price
        if not trip.held:
            made.append(_trade(trips.pop(symbol), found.symbols[symbol], days, t, found.words(word)))
    for symbol, trip in trips.items():
        trip.up_to(last, paid[symbol])
        trip.left_usd += trip.held * (history.close(found.symbols[symbol], last) or 0.0)
        made.append(_trade(trip, found.symbols[symbol], days, last, ()))
    return tuple(sorted(made, key=lambda trade: (trade.entry_session, trade.symbol)))


def _paid(history: SessionHistory, found: Walked, symbol: str) -> dict[int, float]:
    bars = history.bars[symbol]
    rows = np.flatnonzero(bars.dividend)
    return dict(zip(np.searchsorted(found.days, bars.days[rows]).tolist(), bars.dividend[rows].tolist(), strict=True))


def _trade(trip: _Trip, symbol: str, days: Sequence[date], last: int, reasons: tuple[str, ...]) -> PlayedTrade:
    # An open one has no reasons, and is valued at the last close.
    pnl = trip.left_usd - trip.entered_usd - trip.fees_usd + trip.dividends_usd
    return PlayedTrade(
        symbol=symbol,
        entry_session=days[trip.began],
        entry_price=round(trip.entered_usd / trip.bought, 6),
        exit_session=days[last] if reasons else None,
        exit_price=round(trip.left_usd / trip.bought, 6) if reasons else None,
        shares=trip.bought,
        pnl_usd=round(pnl, 6),
        return_frac=round(pnl / trip.entered_usd, 10),
        costs_usd=round(trip.fees_usd, 2),
        dividends_usd=round(trip.dividends_usd, 2),
        sessions_held=last - trip.began,
        reasons=reasons,
    )
