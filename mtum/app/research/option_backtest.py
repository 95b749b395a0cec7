"""Options over history: played at the model's level and a volatility point to either side, and what writes by rule."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from math import isfinite
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace

from mtum.app.bars.own_volatility import ranked_by
from mtum.app.model_chains import ModelChains
from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.steps import count_sessions
from mtum.config import option_rules
from mtum.core.canonical import as_table
from mtum.core.market.bars import Bars, Column, Days
from mtum.core.options.model.answer import CALENDAR_AFTER, CALENDAR_BEFORE
from mtum.core.options.model.levels import ILLUSTRATION, MODEL_PRICED, STANDS_FOR, level_of
from mtum.core.options.model.quotes import BAND
from mtum.core.options.model.writing import BXM_LIKE, PUT_LIKE, TOLD, WritingDay, bxm_like, put_like
from mtum.core.options.surface import class_of
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.research.metrics import curve_metrics
from mtum.core.research.session_grid import AccountCombination
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.options.terms import FILL_PART, OptionTerms
from mtum.core.simulation.played import FillModel, Played, PlayedAccount
from mtum.core.simulation.played_options import PlayedOptions
from mtum.core.simulation.session_path import play_with_options
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.option_words import own_volatility
from mtum.errors import DataError, UsageError
from mtum.ports.market_data import BarSource, TellsVolatility
from mtum.ports.options import ModelledChains
from mtum.ports.time import Calendar

ACCOUNT = "BACKTEST"
INDEX = "VIX"
SINCE = date(1990, 1, 1)
"""First day of the index."""

type ChainsAt = Callable[[float], ModelledChains]
"""Chains so many volatility points above the model's level."""


class OptionMarket(Struct, frozen=True):
    """Where options of a history are quoted.

    Parameters
    ----------
    chains : callable or None
        Chains at each level of the band; None for the model's over the same source.
    """

    source: BarSource
    calendar: Calendar
    chains: ChainsAt | None = None

    def at(self, points: float) -> ModelledChains:
        """Return the chains so many volatility points above the level."""
        if self.chains is not None:
            return self.chains(points)
        return ModelChains(self.source, self.calendar, points=points, official=True)


class OptionResults(Struct, frozen=True):
    """What a history with options came to.

    Parameters
    ----------
    runs : mapping of float to PlayedAccount
        By volatility points above the level, in the order of the band.
    writing : mapping of str to ndarray
        Indexes that write options by rule, 1 at the first close; none where they have no level.
    """

    runs: Mapping[float, PlayedAccount]
    writing: Mapping[str, Column]
    underlying: str

    @property
    def account(self) -> PlayedAccount:
        """The run at the model's own level."""
        return self.runs[0.0]

    @property
    def label(self) -> str:
        """What every figure is called: an illustration where one sleeve's prices are one."""
        return label_of(self.account.options.values())


def _with_volatilities(market: SessionHistory, sleeves: Sequence[Sleeve], chains: ModelledChains) -> SessionHistory:
    # Implied volatility as the chains themselves tell it; a model's is a fixed part of its index, which ranks the same.
    if not isinstance(chains, TellsVolatility):
        return market
    days = market.day(0), market.day(-1)
    symbols = ranked_by(one.strategy for one in sleeves)
    found = {own_volatility(one): told for one in symbols if (told := chains.volatility(one, *days))}
    return replace(market, series={**market.series, **found}) if found else market


def label_of(played: Iterable[PlayedOptions]) -> str:
    """Return what figures are called that hold these: the least honest label of them."""
    labels = {one.label for one in played}
    return ILLUSTRATION if ILLUSTRATION in labels else MODEL_PRICED if MODEL_PRICED in labels else min(labels)


def alone(asked: BacktestRequest, strategy: Strategy) -> Sleeve:
    """Return a strategy with all the money."""
    terms = asked.terms()
    return Sleeve("", strategy, 1.0, SleeveState.ON, 0.0, "", terms.rules, terms.loss_pause_sessions)


def play_options(
    asked: BacktestRequest, sleeves: Sequence[Sleeve], market: SessionHistory, span: Span, at: OptionMarket
) -> OptionResults:
    """Play an account with options once at each level of the band.

    Parameters
    ----------
    asked : BacktestRequest
        One question to history.
    sleeves : sequence of Sleeve
        Sleeves of the account.
    market : SessionHistory
        Bars per symbol, and extra series by session.
    span : Span
        Sessions decided: ``first <= t < stop``.
    at : OptionMarket
        Where options of a history are quoted.

    Raises
    ------
    UsageError
        If they are to fill at the next open, or shares are there at the start.
    DataError
        If no session has a chain.
    """
    terms = asked.terms()
    if terms.fill is not FillModel.SAME_CLOSE:
        raise UsageError("options are quoted and filled at the close they are decided at: leave out --fill next_open")
    market = _with_volatilities(market, sleeves, at.at(0.0))
    base = _played(asked, sleeves, market, span, (at, 0.0))
    if not any(one.quoted for one in base.options.values()):
        reasons = sum((Counter(one.unquoted) for one in base.options.values()), Counter[str]())
        raise DataError(reasons.most_common(1)[0][0] if reasons else "no chain of options was asked for")
    runs = {0.0: base, **{one: _played(asked, sleeves, market, span, (at, one)) for one in BAND if one}}
    first = next(one.strategy for one in sleeves if one.strategy.OPTIONS)
    underlying = first.universe()[0]
    honest = label_of(base.options.values()) != ILLUSTRATION
    writing = _writing(underlying, market, span, at) if honest else {}
    return OptionResults(dict(sorted(runs.items())), writing, underlying)


def _played(
    asked: BacktestRequest,
    sleeves: Sequence[Sleeve],
    market: SessionHistory,
    span: Span,
    quoted: tuple[OptionMarket, float],
) -> PlayedAccount:
    _, points = quoted
    step = f"playing options at {points:+g} volatility points" if points else "playing options"
    options = replace(_terms(asked, market, quoted), told=count_sessions(step, span.stop - span.first))
    return play_with_options(market, sleeves, asked.terms(), options, *span)


def _terms(asked: BacktestRequest, market: SessionHistory, quoted: tuple[OptionMarket, float]) -> OptionTerms:
    at, points = quoted
    chains, days = at.at(points), (market.day(0), market.day(-1))
    closes = at.source.series_history(INDEX, *days)
    practice = replace(asked.settings, mode="practice")  # its permission level is the simulation's
    return OptionTerms(
        chain=chains.quoted,
        index=lambda _, moment: closes.get(moment.date()),
        rules=lambda sleeve, account: option_rules(practice, ACCOUNT, sleeve, account),
        sessions=at.calendar.sessions(days[0], days[1] + timedelta(days=10)),
        rate=chains.rate,
        points=points,
        account=ACCOUNT,
    )


class KnownSeries(Struct, frozen=True):
    """Bars and series as they were read once: all that the model quotes with, to be sent to another process."""

    bars: Mapping[str, Bars]
    series: Mapping[str, Mapping[date, float]]

    @classmethod
    def of(cls, source: BarSource, symbols: Iterable[str]) -> "KnownSeries":
        """Return what the model needs to quote options on these symbols."""
        names = dict.fromkeys(symbols)
        indexes = (class_of(STANDS_FOR.get(one, one)).index for one in names)
        known = {one: source.series_history(one, SINCE, date.max) for one in (INDEX, *indexes) if one}
        return cls({one: source.history(one, date.min, date.max) for one in names}, known)

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Return the bars of a symbol from one day to another.

        Parameters
        ----------
        symbol : str
            Symbol to read.
        first, last : date
            Sessions it begins and ends with.
        """
        return self.bars[symbol].since(first).until(last)

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        """Return the closes of an index from one day to another, in points.

        Parameters
        ----------
        name : str
            Name of the index.
        first, last : date
            Sessions it begins and ends with.
        """
        return {day: value for day, value in self.series.get(name, {}).items() if first <= day <= last}


class ModelPlayer(Struct, frozen=True):
    """Plays accounts with options at the model's own level (core.research.session_grid.OptionPlayer)."""

    asked: BacktestRequest
    known: KnownSeries
    calendar: Calendar

    def __repr__(self) -> str:
        return sha256(repr((self.known.series, self.asked.settings.options)).encode()).hexdigest()[:12]

    def play(self, market: SessionHistory, one: AccountCombination, span: Span) -> Played:
        """Play one set of settings over some sessions of a market.

        Parameters
        ----------
        market : SessionHistory
            Bars per symbol, and extra series by session.
        one : AccountCombination
            The sleeves and the terms.
        span : Span
            Sessions decided: ``first <= t < stop``.

        Raises
        ------
        UsageError
            If its prices are an illustration, by which nothing is chosen.
        """
        at = OptionMarket(cast(BarSource, self.known), self.calendar)
        found = play_with_options(market, one.sleeves, one.terms, _terms(self.asked, market, (at, 0.0)), *span)
        if label_of(found.options.values()) == ILLUSTRATION:
            raise UsageError("calls on the VIX are priced as an illustration: nothing is swept or checked by them")
        return found.total


def player_of(
    asked: BacktestRequest,
    sleeves: Sequence[Sleeve],
    source: BarSource,
    calendar: Calendar,
    like: ModelPlayer | None = None,
) -> ModelPlayer:
    """Return what plays these sleeves of options many times, here or in another process.

    Parameters
    ----------
    asked : BacktestRequest
        One question to history.
    sleeves : sequence of Sleeve
        Those that trade options.
    source : BarSource
        Of the index and of past dividends.
    calendar : Calendar
        The exchange's trading sessions.
    like : ModelPlayer or None
        One whose series are taken over where it knows these symbols.

    Raises
    ------
    UsageError
        If they are to fill at the next open, or at chains of a folder.
    """
    if asked.terms().fill is not FillModel.SAME_CLOSE:
        raise UsageError("options are quoted and filled at the close they are decided at: leave out --fill next_open")
    if asked.settings.market.chain_dir:
        raise UsageError("sweeps and checks play options at prices of the model: leave out market.chain_dir")
    symbols = [symbol for one in sleeves for symbol in one.symbols]
    if like is not None and {*symbols} <= like.known.bars.keys():
        return replace(like, asked=asked)
    return ModelPlayer(asked, KnownSeries.of(source, symbols), calendar)


def _writing(underlying: str, market: SessionHistory, span: Span, at: OptionMarket) -> dict[str, Column]:
    index = class_of(STANDS_FOR.get(underlying, underlying)).index
    first, last = market.day(span.first), market.day(span.stop - 1)
    closes = at.source.series_history(index, first, last) if index else {}
    sessions = at.calendar.sessions(first - CALENDAR_BEFORE, last + CALENDAR_AFTER)
    days = []
    for t in range(*span):
        day, close, row = market.day(t), market.close(underlying, t), market.bar_row(underlying, t)
        session = sessions.get(day)
        if close is None or session is None:
            return {}
        paid = 0.0 if row is None else float(market.bars[underlying].dividend[row])
        points = {index: closes[day]} if day in closes else {}
        days.append(WritingDay(day, close, session.close, paid, level_of(underlying, points)))
    if all(isinstance(one.known, str) for one in days):
        return {}
    rate = at.at(0.0).rate
    return {
        PUT_LIKE: put_like(underlying, days, sessions, rate),
        BXM_LIKE: bxm_like(underlying, days, sessions, rate),
    }


def options_document(found: OptionResults) -> dict[str, Any]:
    """Return what the options came to, as plain values."""
    base = found.account
    days, capital = base.total.days, base.total.capital_usd
    return {
        "label": found.label,
        "told": list(dict.fromkeys(line for one in base.options.values() for line in one.told)),
        "fill_part": FILL_PART,
        "band": [_band_row(points, run) for points, run in found.runs.items()],
        "writing": {
            name: {"told": TOLD[name], "underlying": found.underlying, **_curve(capital * curve, days, capital)}
            for name, curve in found.writing.items()
        },
        "sleeves": {name: _sleeve(one) for name, one in base.options.items()},
    }


def _band_row(points: float, run: PlayedAccount) -> dict[str, Any]:
    total = run.total
    orders = [order for one in run.options.values() for order in one.orders]
    return {
        "points": points,
        **_curve(total.equity, total.days, total.capital_usd),
        "orders": len(orders),
        "filled": sum(order.net is not None for order in orders),
    }


def _curve(equity: Column, days: Days, capital_usd: float) -> dict[str, Any]:
    measured = curve_metrics(equity, days, capital_usd)
    return {
        "final_equity_usd": round(float(equity[-1]), 6),
        "cagr_frac": finite(measured.cagr_frac),
        "volatility_frac": finite(measured.volatility_frac),
        "max_drawdown_frac": round(measured.max_drawdown.frac, 6),
    }


def finite(frac: float) -> float | None:
    """Return a fraction rounded to 1e-6; None where a curve is too short to have one."""
    return round(frac, 6) if isfinite(frac) else None


def _sleeve(one: PlayedOptions) -> dict[str, Any]:
    lists = {
        name: [as_table(row) for row in rows]
        for name, rows in (("orders", one.orders), ("events", one.events), ("groups", one.groups))
    }
    kept = ("label", "fees_usd", "spread_usd", "held_back", "unquoted", "not_opened")
    return {**{name: getattr(one, name) for name in kept}, **lists}


def cautions_of(document: Mapping[str, Any]) -> list[str]:
    """Return what everything that shows a result with options has to say, one line each.

    Parameters
    ----------
    document : mapping
        What `options_document` returns.
    """
    low, high = (number(document["band"][at]["final_equity_usd"]) for at in (0, -1))
    label = document["label"]
    said = [
        f"{label}: no exchange quoted these options; a volatility point less and more end at {low} and {high} USD",
        f"orders in options fill {document['fill_part']:.0%} of the way from the middle to the far side, with fees",
    ]
    if label == ILLUSTRATION:
        said.insert(1, "an illustration is no result: it stands in no table beside others and approves nothing")
    return [*said, *document["told"]]


def number(usd: float) -> str:
    """Return an amount in USD as a person reads it."""
    return f"{usd:,.0f}"
