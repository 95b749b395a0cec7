"""Deciding 20 minutes before the close instead of at it: what was seen then, drawn many times."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.core.compiled import machine
from mtum.core.market.volume import VolumeMode
from mtum.core.simulation.backtest import fast_rules, played_of, room_for
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.columns import Column, range_column, running_sums
from mtum.core.simulation.kernel.near_close import Market, Seen, play_seen
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.kernel.walk import Trades
from mtum.core.simulation.played import Played, PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence


class NearCloseModel(Struct, frozen=True):
    """How the last 20 minutes move; fitted, see `tests/golden/fit_near_close.py`.

    Parameters
    ----------
    move_scale : float
        Scale of the log move of the price, in units of ATR over price.
    vix_scale : float
        Scale of the log move of the VIX.
    tail : float
        Degrees of freedom of the joint Student t of both; the fewer, the wilder.
    correlation : float
        Of price and VIX moves.
    share_spread_low, share_spread_high : float
        Standard deviation of the share of volume traded by then, over its median, below and above it.
    """

    move_scale: float = 0.126
    vix_scale: float = 0.010
    tail: float = 3.25
    correlation: float = -0.66
    share_spread_low: float = 0.091
    share_spread_high: float = 0.077
    share_median: float = 0.87

    def with_correlation(self, correlation: float) -> "NearCloseModel":
        """Return the model with price and VIX tied otherwise."""
        return replace(self, correlation=correlation)


class NearCloseSpread(Struct, frozen=True):
    """Results over many draws: 5th, 50th, 95th percentile of final equity in USD, and how often all differs.

    Parameters
    ----------
    elsewhere_frac : float
        Mean share of sessions that end in another position than with official bars.
    moved_entries_frac : float
        Mean share of official entries that are not made in the same session.
    """

    correlation: float
    draws: int
    final_equity_low: float
    final_equity_middle: float
    final_equity_high: float
    trades_low: int
    trades_high: int
    elsewhere_frac: float
    moved_entries_frac: float


def draw_seen(history: History, model: NearCloseModel, mode: VolumeMode, atr: Column, seed: int) -> Seen:
    """Draw one past as it looked 20 minutes before each close.

    Parameters
    ----------
    history : History
        Columns of one symbol, oldest first, shape (n_sessions,) each.
    model : NearCloseModel
        How the last 20 minutes move; fitted, see `tests/golden/fit_near_close.py`.
    mode : VolumeMode
        Which volume of today the rules use.
    atr : ndarray, shape (n_sessions,)
        ATR in millionths of a USD; the move of a session is scaled by the session's before it.
    seed : int
        Seed of the draws.
    """
    draw = np.random.default_rng(seed)
    n, prices = len(history), history.prices
    normal = draw.standard_normal((2, n))
    fat = np.sqrt(draw.chisquare(model.tail, n) / model.tail)
    move = normal[0] / fat
    fear = (model.correlation * normal[0] + np.sqrt(1.0 - model.correlation**2) * normal[1]) / fat
    calm = np.r_[0.0, np.nan_to_num(atr[:-1]) / 1e6 / prices.close[:-1]]
    close = np.round(prices.close * np.exp(-model.move_scale * calm * move), 2)
    away = draw.standard_normal(n)
    spread = np.where(away < 0, model.share_spread_low, model.share_spread_high)
    share = np.clip(1.0 + spread * away, 0.3, 1.0 / model.share_median)
    volume = np.round(prices.volume * share, 4)
    if mode is VolumeMode.RAW:
        volume = np.round(volume * model.share_median, 4)
    elif mode is VolumeMode.PRIOR_SESSION:
        volume = np.r_[prices.volume[:1], prices.volume[:-1]]
    return Seen(close, np.round(prices.vix * np.exp(-model.vix_scale * fear), 2), volume)


def played_near_close(history: History, strategy: MtumConfluence, terms: PlayTerms, span: Span, seen: Seen) -> Played:
    """Play a history deciding on what was seen; fills are at the official prices.

    Parameters
    ----------
    history : History
        Columns of one symbol, oldest first, shape (n_sessions,) each.
    strategy : MtumConfluence
        Parameters of the strategy; defaults are the documented rules.
    terms : PlayTerms
        On what terms history is played.
    span : Span
        Sessions decided: ``first <= t < stop``.
    seen : Seen
        Close, VIX and volume of each session as they looked before the close.
    """
    return played_of(history, terms, span, _walked(history, strategy, terms, span, seen), seen.close)


def near_close_spread(official: Played, played: Sequence[Played], correlation: float) -> NearCloseSpread:
    """Set the draws beside the official result.

    Parameters
    ----------
    official : Played
        A history played: sessions decided, equity at each close in USD, trades in order.
    played : sequence of Played
        The draws.
    correlation : float
        Correlation of price and VIX in the last minutes, -1 to 1.
    """
    entries = {trade.entry_session for trade in official.trades}
    finals = [one.final_equity_usd for one in played]
    counts = [len(one.trades) for one in played]
    moved = [len(entries - {trade.entry_session for trade in one.trades}) / max(1, len(entries)) for one in played]
    low, middle, high = np.quantile(finals, [0.05, 0.5, 0.95])
    return NearCloseSpread(
        correlation=correlation,
        draws=len(played),
        final_equity_low=round(float(low), 2),
        final_equity_middle=round(float(middle), 2),
        final_equity_high=round(float(high), 2),
        trades_low=min(counts),
        trades_high=max(counts),
        elsewhere_frac=float(np.mean([np.mean(one.held != official.held) for one in played])),
        moved_entries_frac=float(np.mean(moved)),
    )


def draws(
    history: History, strategy: MtumConfluence, model: NearCloseModel, mode: VolumeMode, count: int, seed: int = 1
) -> list[Seen]:
    """Draw so many pasts; the same seed gives the same ones.

    Parameters
    ----------
    history : History
        Columns of one symbol, oldest first, shape (n_sessions,) each.
    strategy : MtumConfluence
        Parameters of the strategy; defaults are the documented rules.
    model : NearCloseModel
        How the last 20 minutes move; fitted, see `tests/golden/fit_near_close.py`.
    mode : VolumeMode
        Which volume of today the rules use.
    count : int
        How many.
    seed : int
        Seed of the draws.
    """
    atr = machine(range_column)(machine(running_sums)(history.prices), strategy.atr_sessions, False)
    return [draw_seen(history, model, mode, atr, seed + number) for number in range(count)]


def _walked(history: History, strategy: MtumConfluence, terms: PlayTerms, span: Span, seen: Seen) -> Trades:
    market = Market(history.prices, machine(running_sums)(history.prices), history.tape)
    room = room_for(history)
    compiled = terms.compiled(strategy.reentry_cooldown_sessions)
    made = machine(play_seen)(market, seen, fast_rules(strategy), compiled, span, room)
    return Trades(room.slots[:made], room.purses[:made])
