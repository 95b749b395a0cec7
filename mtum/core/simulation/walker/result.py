"""What a walk made: columns, and the orders and trades they stand for."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mtum.core.decide import CARRIED as CARRIED_WORD
from mtum.core.market.bars import Column, Days
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.fill_costs import KINDS
from mtum.core.simulation.played import BPS, Played, PlayedOrder, PlayedTrade, PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.money import to_cent
from mtum.core.simulation.walker.tables import AT, CARRIED, DAILY_LOSS, SIGNED, SYMBOL, WORD
from mtum.core.strategies.columns import Positions


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """What a walk made, as columns; symbols are positions in `symbols`.

    Parameters
    ----------
    orders : ndarray of int, shape (n_orders, 4)
        Session, symbol, shares (below 0 for a sale), reason.
    fills : ndarray, shape (n_orders, 2)
        Price and commission in USD.
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

    def words(self, code: int) -> tuple[str, ...]:
        """Return the reasons behind a code, the deciding one first."""
        if code == DAILY_LOSS:
            return ("daily_loss",)
        return (CARRIED_WORD, self.reasons[code - CARRIED][0]) if code >= CARRIED else self.reasons[code]


def played_of(history: SessionHistory, terms: PlayTerms, found: Walked) -> Played:
    """Return a walk as orders and trades with the equity at each close."""
    days = found.days[found.first :].astype(object).tolist()
    rows = zip(found.orders.tolist(), found.fills[:, 0].tolist(), strict=True)
    return Played(
        symbol="+".join(history.bars),
        days=found.days[found.first : found.first + len(found.equity)],
        equity=found.equity,
        held=found.held,
        trades=_trades(history, found),
        capital_usd=float(terms.capital_usd),
        purchases_capped=found.purchases_capped,
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
    signed, price, slip = found.orders[:, SIGNED], found.fills[:, 0], terms.slippage_bps * BPS
    slipped = np.abs(signed) * price / (1 + slip * np.sign(signed)) * slip
    taken = float(found.fills[:, 1].sum()), float(slipped.sum()), 0.0
    return {kind: round(usd, 6) for kind, usd in zip(KINDS, taken, strict=True)}


def _trades(history: SessionHistory, found: Walked) -> tuple[PlayedTrade, ...]:
    made = []
    for number, symbol in enumerate(found.symbols):
        mine = found.orders[:, SYMBOL] == number
        orders, fills = found.orders[mine], found.fills[mine]
        after = np.cumsum(orders[:, SIGNED])
        ends = np.flatnonzero(after == 0) + 1
        bounds = [0, *ends.tolist(), *([len(orders)] if len(orders) and after[-1] else [])]
        for start, end in pairwise(bounds):
            made.append(_trade(history, found, symbol, orders[start:end], fills[start:end]))
    return tuple(sorted(made, key=lambda trade: (trade.entry_session, trade.symbol)))


def _trade(history: SessionHistory, found: Walked, symbol: str, orders: Positions, fills: Column) -> PlayedTrade:
    at, signed, price = orders[:, AT], orders[:, SIGNED], fills[:, 0]
    bought, left = signed > 0, int(signed.sum())
    last = found.first + len(found.equity) - 1 if left else int(at[-1])
    shares = int(signed[bought].sum())
    entered, fees = float((signed * price)[bought].sum()), float(fills[:, 1].sum())
    sold = -float((signed * price)[~bought].sum()) + left * (history.close(symbol, last) or 0.0)
    bars = history.bars[symbol]
    begin, stop = np.searchsorted(bars.days, found.days[[int(at[0]), last]], "right")
    paid = np.flatnonzero(bars.dividend[begin:stop]) + begin
    when = np.searchsorted(found.days, bars.days[paid])
    held = np.cumsum(signed)[np.searchsorted(at, when, "left") - 1]
    dividends = sum(
        to_cent(count * one) for count, one in zip(held.tolist(), bars.dividend[paid].tolist(), strict=True)
    )
    pnl = sold - entered - fees + dividends
    day = found.days.astype("datetime64[D]")
    return PlayedTrade(
        symbol=symbol,
        entry_session=day[at[0]].astype(object),
        entry_price=round(entered / shares, 6),
        exit_session=None if left else day[last].astype(object),
        exit_price=None if left else round(sold / shares, 6),
        shares=shares,
        pnl_usd=round(pnl, 6),
        return_frac=round(pnl / entered, 10),
        costs_usd=round(fees, 2),
        dividends_usd=round(dividends, 2),
        sessions_held=last - int(at[0]),
        reasons=() if left else found.words(int(orders[-1, WORD])),
    )
