"""Who earned it: what each symbol and each sleeve of a played history was worth, held, traded and cost."""

from collections.abc import Mapping, Sequence
from math import floor
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from mtum.core.market.bars import Column
from mtum.core.market.instruments import unit_usd
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.returns import NEGLIGIBLE, Curve, changes, curve, growth
from mtum.core.research.metrics import SESSIONS_PER_YEAR, curve_metrics, traded_usd

if TYPE_CHECKING:
    from mtum.core.simulation.played import Played, PlayedAccount, PlayedTrade  # loads numba

FEWEST_TOGETHER = 21
"""Sessions in which both of two sleeves had equity, below which no correlation is told."""


class SymbolRow(Struct, frozen=True):
    """What a symbol brought, in USD, open trades at the last close; weights are fractions of the equity.

    `contribution_frac` is its profit over the capital at the start; `turnover_per_year` what was bought and sold of
    it, over the mean equity.
    """

    symbol: str
    trades: int
    wins: int
    pnl_usd: float
    contribution_frac: float
    dividends_usd: float
    costs_usd: float
    mean_weight_frac: float
    largest_weight_frac: float
    final_weight_frac: float
    turnover_per_year: float


class PairRow(Struct, frozen=True):
    """What a sleeve made of a symbol, in USD, open trades at the last close."""

    sleeve: str
    symbol: str
    trades: int
    wins: int
    pnl_usd: float
    contribution_frac: float
    dividends_usd: float
    costs_usd: float


class SleeveRow(Struct, frozen=True):
    """What a sleeve brought: `pnl_usd` in whole cents, what came from other sleeves (`flows_usd`) apart.

    `contribution_frac` is its profit over the account's capital at the start, `turnover_per_year` what it bought and
    sold over the account's mean equity; return and risk are those of its own money, None where it has none.
    """

    name: str
    strategy: str
    capital_usd: float
    flows_usd: float
    final_equity_usd: float
    pnl_usd: float
    contribution_frac: float
    return_frac: float | None
    volatility_frac: float | None
    sharpe: float | None
    max_drawdown_frac: float | None
    mean_weight_frac: float
    trades: int
    costs_usd: float
    dividends_usd: float
    turnover_per_year: float


def held_shares(played: "Played", symbols: Sequence[str], at_start: Mapping[str, int]) -> dict[str, Column]:
    """Return the shares of each symbol at each close, shape (n_sessions,), from the orders that were filled.

    Parameters
    ----------
    played : Played
        A history played: sessions decided, equity at each close in USD, trades in order.
    symbols : sequence of str
        Tickers.
    at_start : mapping of str to int
        Shares held before the first session, by symbol.
    """
    found = {symbol: np.full(len(played.days), float(at_start.get(symbol, 0))) for symbol in symbols}
    rows = np.searchsorted(played.days, np.array([order.session for order in played.orders], dtype=played.days.dtype))
    changes = {symbol: np.zeros(len(played.days)) for symbol in symbols}
    for order, row in zip(played.orders, rows.tolist(), strict=True):
        changes[order.symbol][row] += order.shares if order.side is Side.BUY else -order.shares
    return {symbol: line + np.cumsum(changes[symbol]) for symbol, line in found.items()}


def weights(account: "PlayedAccount") -> dict[str, Column]:
    """Return each symbol's part of the equity at each close, shape (n_sessions,); what the cash fund holds is none."""
    kept = _in_fund(account)
    return {
        symbol: (held - kept.get(symbol, 0.0)) * np.nan_to_num(account.prices[symbol]) / account.total.equity
        for symbol, held in account.shares.items()
    }


def fund_weight(account: "PlayedAccount") -> Column:
    """Return the part of the equity that the cash fund holds at each close, shape (n_sessions,)."""
    held = [shares * account.prices[symbol] for symbol, shares in _in_fund(account).items()]
    found: Column = np.sum([np.nan_to_num(usd) for usd in held], axis=0) / account.total.equity
    return found if held else np.zeros(len(account.total.days))


def _in_fund(account: "PlayedAccount") -> dict[str, Column]:
    if FUND not in account.sleeves:
        return {}
    played = account.sleeves[FUND].played
    return held_shares(played, [*{order.symbol for order in played.orders}], {})


def by_symbol(played: "Played", held: Mapping[str, Column]) -> tuple[SymbolRow, ...]:
    """Return a row per symbol that was traded or held, the most profitable first.

    Parameters
    ----------
    held : mapping of symbol to ndarray, shape (n_sessions,)
        Its part of the equity at each close.
    """
    yearly = float(played.equity.mean()) * len(played.days) / SESSIONS_PER_YEAR
    trades: dict[str, list[PlayedTrade]] = {symbol: [] for symbol, weight in held.items() if weight.any()}
    for trade in played.trades:
        trades.setdefault(trade.symbol, []).append(trade)
    traded = dict.fromkeys((*trades, *(order.symbol for order in played.orders)), 0.0)
    for order in played.orders:
        traded[order.symbol] += order.shares * unit_usd(order.symbol, order.price)
    rows = [
        SymbolRow(
            symbol=symbol,
            trades=len(own),
            wins=sum(trade.pnl_usd > 0 for trade in own),
            pnl_usd=round(sum(trade.pnl_usd for trade in own), 6),
            contribution_frac=sum(trade.pnl_usd for trade in own) / played.capital_usd,
            dividends_usd=round(sum(trade.dividends_usd for trade in own), 2),
            costs_usd=round(sum(trade.costs_usd for trade in own), 2),
            mean_weight_frac=float(held[symbol].mean()),
            largest_weight_frac=float(held[symbol].max()),
            final_weight_frac=float(held[symbol][-1]),
            turnover_per_year=traded[symbol] / yearly,
        )
        for symbol, own in trades.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.pnl_usd))


def by_pair(account: "PlayedAccount") -> tuple[PairRow, ...]:
    """Return a row per sleeve and symbol it traded: the sleeves as the settings have them, its best symbol first."""
    rows = []
    for name, sleeve in account.sleeves.items():
        traded: dict[str, list[PlayedTrade]] = {}
        for trade in sleeve.played.trades:
            traded.setdefault(trade.symbol, []).append(trade)
        own = [
            PairRow(
                sleeve=name,
                symbol=symbol,
                trades=len(trades),
                wins=sum(trade.pnl_usd > 0 for trade in trades),
                pnl_usd=round(sum(trade.pnl_usd for trade in trades), 6),
                contribution_frac=sum(trade.pnl_usd for trade in trades) / account.total.capital_usd,
                dividends_usd=round(sum(trade.dividends_usd for trade in trades), 2),
                costs_usd=round(sum(trade.costs_usd for trade in trades), 2),
            )
            for symbol, trades in traded.items()
        ]
        rows += sorted(own, key=lambda row: -row.pnl_usd)
    return tuple(rows)


def by_sleeve(account: "PlayedAccount") -> tuple[SleeveRow, ...]:
    """Return a row per sleeve in the order of the settings; their profits to the cent add up to the account's."""
    total = account.total
    yearly = float(total.equity.mean()) * len(total.days) / SESSIONS_PER_YEAR
    earned = [float(changes(line).sum()) for line in sleeve_curves(account).values()]
    rows = []
    for (name, line), pnl in zip(sleeve_curves(account).items(), in_cents(earned), strict=True):
        sleeve = account.sleeves[name]
        own, played = growth(line), sleeve.played
        # The cash fund has no money of its own: what it is worth is its profit, and a profit of nothing has no return.
        metrics = curve_metrics(own, played.days, 1.0) if played.capital_usd > 0 and (own > 0).all() else None
        rows.append(
            SleeveRow(
                name=name,
                strategy=sleeve.strategy,
                capital_usd=round(played.capital_usd, 2),
                flows_usd=round(float(sleeve.flows.sum()), 2),
                final_equity_usd=round(played.final_equity_usd, 6),
                pnl_usd=pnl,
                contribution_frac=pnl / total.capital_usd,
                return_frac=None if metrics is None else metrics.total_return_frac,
                volatility_frac=None if metrics is None else metrics.volatility_frac,
                sharpe=None if metrics is None else metrics.sharpe,
                max_drawdown_frac=None if metrics is None else metrics.max_drawdown.frac,
                mean_weight_frac=float((played.equity / total.equity).mean()),
                trades=len(played.trades),
                costs_usd=round(sum(trade.costs_usd for trade in played.trades), 2),
                dividends_usd=round(sum(trade.dividends_usd for trade in played.trades), 2),
                turnover_per_year=float(traded_usd(played).sum()) / yearly,
            )
        )
    return tuple(rows)


def sleeve_curves(account: "PlayedAccount") -> dict[str, Curve]:
    """Return the equity of each sleeve with the money that moved between them."""
    days = account.total.days.astype(object).tolist()
    found = {}
    for name, sleeve in account.sleeves.items():
        flows = np.array(sleeve.flows)
        flows[:1] += sleeve.played.capital_usd
        found[name] = curve(days, sleeve.played.equity, flows)
    return found


def added_by_sleeve(account: "PlayedAccount") -> dict[str, Column]:
    """Return what each sleeve added to the account's return of each session, shape (n_sessions,)."""
    total = account.total
    before = np.r_[total.capital_usd, total.equity[:-1]]
    return {name: changes(line) / before for name, line in sleeve_curves(account).items()}


def in_cents(amounts: Sequence[float]) -> list[float]:
    """Return amounts in whole cents that add up to the rounded sum; what is over goes to the largest remainders.

    Examples
    --------
    >>> in_cents([0.333, 0.333, 0.334])
    [0.33, 0.33, 0.34]
    """
    down = [floor(round(100 * amount, 6)) for amount in amounts]
    over = round(100 * sum(amounts)) - sum(down)
    by_rest = sorted(range(len(amounts)), key=lambda at: down[at] - 100 * amounts[at])
    return [(cents + (at in by_rest[:over])) / 100 for at, cents in enumerate(down)]


def correlations(returns: Mapping[str, Column]) -> dict[str, dict[str, float | None]]:
    """Return the correlation of every two columns over the sessions both know; None for too few or none that moves."""
    found: dict[str, dict[str, float | None]] = {name: {} for name in returns}
    for name, line in returns.items():
        for other, its in returns.items():
            known = ~(np.isnan(line) | np.isnan(its))
            own, others = line[known], its[known]
            moving = len(own) >= FEWEST_TOGETHER and min(np.std(own), np.std(others)) > NEGLIGIBLE
            found[name][other] = float(np.corrcoef(own, others)[0, 1]) if moving else None
    return found
