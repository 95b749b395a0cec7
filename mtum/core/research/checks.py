"""How far can a backtest be trusted? The same history with one thing changed at a time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

import numpy as np
from msgspec import Struct, field

from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.portfolio.returns import below_peak, from_capital, returns
from mtum.core.research.bootstrap import BootstrapResult, bootstrap
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.research.overfitting import Luck, luck_of, sharpe_of
from mtum.core.research.regimes import Regime
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import Played
from mtum.core.simulation.session_views import SessionHistory

CUTS = 24
"""Places of the look-ahead test: the future is cut off and changed there."""
WARM_UPS = (50, 250)
"""Sessions by which a history begins later."""
WARM_UP_SESSIONS = 500
"""Sessions played then: what was before the first of them matters least to the last."""
SAME_USD = 2e-6
"""Equities this near are the same: sums of another order differ in their last digits."""
OTHER_FUTURES = (3.0, 1 / 3)
"""By what everything is multiplied that comes after a place: whatever looks there decides otherwise."""
_POSSIBLE = (5.0, 150.0)


class Other[S](Struct, frozen=True):
    """What is played with one thing changed; `kind` groups the rows, `first` is where it is fit to begin."""

    kind: str
    change: str
    asked: S
    first: int = 0


class Replay[S](Struct, frozen=True):
    """A part of a history to play: sessions from `begin` on, those of the span decided.

    `future` is by what everything from the end of the span on is multiplied: 1 leaves it as it was, 0 cuts it off.
    """

    asked: S
    span: Span
    begin: int = 0
    future: float = 1.0


class Question[S](Struct, frozen=True):
    """A history, what was played on it, and what plays it.

    Parameters
    ----------
    market : SessionHistory
        Bars of every symbol, warm-up included.
    span : Span
        Sessions decided.
    asked : object
        What is played: whatever `play` takes, a strategy on its terms or an account of several.
    needed : int
        Bars per symbol that a decision needs, its own session's included.
    play : callable
        Plays something over some sessions of a market.
    others : sequence of Other
        What is played beside it, one thing changed each.
    cuts : int
        Places of the look-ahead test: the future is cut off and changed there.
    in_turn : bool
        Whether a place has one of the other futures, in turn, where every place with all of them would take long.
    """

    market: SessionHistory
    span: Span
    asked: S
    needed: int
    play: Callable[[SessionHistory, S, Span], Played]
    others: Sequence[Other[S]] = ()
    cuts: int = CUTS
    in_turn: bool = False

    def other_futures(self) -> Sequence[tuple[int, Sequence[float]]]:
        """Return each place at which the future is another, and by what it is multiplied there."""
        every = (0.0, *OTHER_FUTURES)
        stops = cut_points(self.market, self.span, self.cuts)
        return [(stop, (every[place % len(every)],) if self.in_turn else every) for place, stop in enumerate(stops)]

    def played(self, replay: Replay[S]) -> Played:
        """Play a part of the history."""
        market, span = self.market, replay.span
        if replay.begin or not replay.future:
            market = cut(market, replay.begin, len(market.days) if replay.future else span.stop)
        elif replay.future != 1.0:
            market = with_other_future(market, span.stop, replay.future)
        return self.play(market, replay.asked, Span(span.first - replay.begin, span.stop - replay.begin))


type Each[S] = Callable[[Question[S], Sequence[Replay[S]]], Iterable[Played]]
"""Plays the parts of a history that a question asks for, and gives what was played in their order."""


def one_by_one[S](question: Question[S], replays: Sequence[Replay[S]]) -> Iterable[Played]:
    """Play one after the other, here."""
    return map(question.played, replays)


class Beside(Struct, frozen=True, eq=False):
    """What the result is set beside.

    Parameters
    ----------
    benchmark : ndarray, shape (n_sessions,)
        Equity of buy-and-hold over the same sessions in USD.
    regimes : tuple of Regime
        The result by the state of the market.
    parts : mapping of str to ndarray, shape (n_sessions,)
        What each sleeve adds to each session's return; together they are the return.
    """

    benchmark: Column
    regimes: tuple[Regime, ...] = ()
    parts: Mapping[str, Column] = field(default_factory=dict)


class Variant(Struct, frozen=True):
    """The history with one thing changed; `kind` groups the rows."""

    kind: str
    change: str
    trades: int
    final_equity_usd: float
    cagr_frac: float
    sharpe: float | None
    max_drawdown_frac: float


class Checks(Struct, frozen=True):
    """What the checks found.

    Parameters
    ----------
    look_ahead_cuts, look_ahead_faults : int
        Places at which the future was cut off and changed, and those at which that changed what was before; anything
        but 0 is a fault of the program.
    warm_up_faults : int
        Lengths of extra history that changed an order.
    """

    look_ahead_cuts: int
    look_ahead_faults: int
    warm_up_faults: int
    variants: tuple[Variant, ...]
    bootstrap: BootstrapResult
    luck: Luck
    regimes: tuple[Regime, ...]
    verdict: tuple[str, ...]
    notes: tuple[str, ...] = ()


def run_checks[S](
    question: Question[S], official: Played, beside: Beside, each: Each[S] = one_by_one, notes: Sequence[str] = ()
) -> Checks:
    """Run every check.

    Parameters
    ----------
    question : Question
        What is asked of the backtest.
    official : Played
        The result that is checked.
    beside : Beside
        What the result is set beside.
    each : callable
        Plays the histories, here or beside each other.
    notes : sequence of str
        What could not be checked, and why.
    """
    span = question.span
    places = question.other_futures()
    later = [span.first + extra for extra in WARM_UPS if span.first + extra < span.stop]
    replays = [
        Replay(question.asked, Span(span.first, stop), future=future) for stop, futures in places for future in futures
    ]
    replays += [
        Replay(question.asked, Span(first, min(first + WARM_UP_SESSIONS, span.stop)), begin)
        for first in later
        # One bar more than a decision needs: shares that are there at the start were bought at the close before.
        for begin in (0, max(0, first - max(question.needed - 1, 1)))
    ]
    replays += [Replay(one.asked, Span(max(one.first, span.first), span.stop)) for one in question.others]
    found = iter(each(question, replays))
    pasts = [[same_past(next(found), official) for _ in futures] for _, futures in places]
    faults = sum(not all(past) for past in pasts)
    warm_up = sum(next(found).orders != next(found).orders for _ in later)
    variants = tuple(_variant(one, played) for one, played in zip(question.others, found, strict=True))
    moves = returns(from_capital(official.equity, official.capital_usd))
    held = returns(from_capital(beside.benchmark, official.capital_usd))
    spread = bootstrap(moves, held, parts=beside.parts)
    luck = luck_of(moves, held)
    return Checks(
        look_ahead_cuts=len(places),
        look_ahead_faults=faults,
        warm_up_faults=warm_up,
        variants=variants,
        bootstrap=spread,
        luck=luck,
        regimes=beside.regimes,
        verdict=verdict(official, beside, variants, spread, faults + warm_up),
        notes=tuple(notes),
    )


def cut_points(market: SessionHistory, span: Span, count: int = CUTS) -> list[int]:
    """Positions at which the future is cut off, spread over the span.

    None lies behind a session that a symbol lacks in the midst of its bars: who cuts there takes it for ended.

    Parameters
    ----------
    market : SessionHistory
        Bars per symbol, and extra series by session.
    span : Span
        Sessions decided: ``first <= t < stop``.
    count : int
        How many.
    """
    days = market.days[: span.stop]
    whole = np.ones(len(days), dtype=bool)
    for bars in market.bars.values():
        if len(bars):
            lacking = (days > bars.days[0]) & (days < bars.days[-1]) & ~np.isin(days, bars.days)
            whole &= ~lacking
    good = np.flatnonzero(whole[span.first : span.stop - 1]) + span.first + 1
    if not len(good):
        return []
    return sorted({int(good[int(place)]) for place in np.linspace(0, len(good) - 1, count)})


def cut(market: SessionHistory, first: int, stop: int) -> SessionHistory:
    """Return the sessions ``first <= t < stop`` of a market as a market of its own; series keep their past.

    Parameters
    ----------
    market : SessionHistory
        Bars per symbol, and extra series by session.
    first : int
        Position of the first session kept.
    stop : int
        Position to stop before.
    """
    begin, last = market.day(first), market.day(stop - 1)
    return SessionHistory(
        {symbol: _multiplied(bars.since(begin).until(last), last, 1.0) for symbol, bars in market.bars.items()},
        {name: {day: value for day, value in one.items() if day <= last} for name, one in market.series.items()},
        market.calendar,
        market.dividends,
        market.unquoted,
    )


def with_other_future(market: SessionHistory, stop: int, factor: float) -> SessionHistory:
    """Return a market in which prices, dividends, volumes and series are so many times as high from a session on.

    Parameters
    ----------
    market : SessionHistory
        Bars per symbol, and extra series by session.
    stop : int
        Position to stop before.
    factor : float
        How many times as high everything becomes.
    """
    begin = market.day(stop)
    low, high = _POSSIBLE
    return SessionHistory(
        {symbol: _multiplied(bars, begin, factor) for symbol, bars in market.bars.items()},
        {
            name: {day: value if day < begin else min(high, max(low, value * factor)) for day, value in one.items()}
            for name, one in market.series.items()
        },
        market.calendar,
        market.dividends,
        market.unquoted,
    )


def _multiplied(bars: Bars, begin: date, factor: float) -> Bars:
    # Copied, so that nothing of what is changed or cut off can be reached by way of an array.
    later = bars.days >= np.datetime64(begin)
    changed = {
        name: np.where(later, getattr(bars, name) * factor, getattr(bars, name))
        for name in (*PRICE_COLUMNS, "volume", "dividend")
    }
    return Bars.from_columns(bars.symbol, bars.source, bars.days, {**changed, "split": bars.split})


def same_past(shorter: Played, official: Played) -> bool:
    """Return whether the sessions of a shorter history went as they did in the whole one."""
    sessions = len(shorter.days)
    if not sessions:
        return True
    last: date = shorter.days[-1].astype(object)
    before = tuple(order for order in official.orders if order.session <= last)
    apart = float(np.max(np.abs(shorter.equity - official.equity[:sessions])))
    return apart <= SAME_USD and shorter.orders == before


def _variant[S](other: Other[S], played: Played) -> Variant:
    growth = played.final_equity_usd / played.capital_usd
    cagr = growth ** (SESSIONS_PER_YEAR / len(played.days)) - 1.0 if growth > 0 else -1.0
    sharpe = sharpe_of(returns(from_capital(played.equity, played.capital_usd)))
    return Variant(
        other.kind,
        other.change,
        len(played.trades),
        round(played.final_equity_usd, 2),
        cagr,
        None if sharpe is None else sharpe * SESSIONS_PER_YEAR**0.5,
        float(below_peak(played.equity / played.capital_usd).min()),
    )


def verdict(
    official: Played, beside: Beside, variants: Sequence[Variant], spread: BootstrapResult, faults: int
) -> tuple[str, ...]:
    """Say in plain words what the numbers say, and no more.

    Parameters
    ----------
    official : Played
        A history played: sessions decided, equity at each close in USD, trades in order.
    beside : Beside
        What the result is set beside.
    variants : sequence of Variant
        What the result is compared with.
    spread : BootstrapResult
        Yearly growth and max drawdown over resampled histories; against the benchmark where one is given.
    faults : int
        How many places showed a look-ahead.
    """
    mine, held = official.final_equity_usd, float(beside.benchmark[-1])
    lines = []
    if faults:
        lines.append(f"{faults} checks of look-ahead or warm-up failed: this result must not be used.")
    word = "more" if mine > held else "less"
    gap = f"{abs(mine - held):,.0f} USD {word} than buying and holding"
    lines.append(f"On official bars the rules ended at {mine:,.0f} USD, {gap}.")
    low, high = spread.cagr_frac.low, spread.cagr_frac.high
    lines.append(
        f"Resampled histories put the yearly return between {100 * low:.1f} % and {100 * high:.1f} % (9 of 10); "
        + ("a loss cannot be ruled out." if low < 0 else "none of these is a loss.")
    )
    if spread.behind_probability is not None:
        lines.append(f"In {100 * spread.behind_probability:.1f} % of them the rules made less than buying and holding.")
    lines += _of_variants(official, variants)
    closed = sum(trade.exit_session is not None for trade in official.trades)
    traded = len({order.symbol for order in official.orders})
    lines.append(
        f"{closed} closed trades on {'one symbol' if traded <= 1 else f'{traded} symbols'}: "
        "evidence about this past, no promise about the future."
    )
    return tuple(lines)


def _either(names: Sequence[str]) -> str:
    return " or ".join((*([", ".join(names[:-1])] if len(names) > 1 else ()), names[-1]))


def _of_variants(official: Played, variants: Sequence[Variant]) -> Iterable[str]:
    mine, capital = official.final_equity_usd, official.capital_usd
    for kind, what in (("drop_one", ""), ("drop_sleeve", "the sleeve "), ("drop_symbol", "")):
        better = [one.change for one in variants if one.kind == kind and one.final_equity_usd > mine]
        if better:
            yield f"Over this history the result would have been higher without {what}{_either(better)}."
    for one in variants:
        rest = one.final_equity_usd - capital
        if one.kind in ("drop_symbol", "drop_sleeve") and mine > capital and rest < (mine - capital) / 2:
            word = "loss" if rest < 0 else "gain"
            yield f"{one.change} made more than half of the gain: without it a {word} of {abs(rest):,.0f} USD is left."
        if one.change == "costs doubled" and mine > capital > one.final_equity_usd:
            yield f"At twice the costs the gain is a loss of {-rest:,.0f} USD."
        if one.kind == "fill" and mine > capital > one.final_equity_usd:
            yield f"With {one.change} the gain is a loss of {-rest:,.0f} USD."
