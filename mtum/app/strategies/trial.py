"""A strategy plays a made-up market, and each of its answers is asked for again in every way that must not matter."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import zip_longest
from typing import Any
from zlib import crc32

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from mtum.app.strategies.watch import Watch
from mtum.core.canonical import canonical, plain
from mtum.core.indicators import column_of
from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS, Bars, Column
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import Book, PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.record import book_of, frame_of, view_of
from mtum.core.simulation.played import Played, PlayTerms
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.play import walked
from mtum.core.simulation.walker.result import played_of
from mtum.core.strategies.answers import verdicts_of
from mtum.core.strategies.contract import Own, Shares, Strategy, SymbolVerdict, Target
from mtum.core.view import Asked, MarketView, calendar_around, values_before
from mtum.errors import StrategyError

SESSIONS = 250
"""Sessions decided in each made-up market."""
SAME = 2e-6
"""Values this near are the same: the order of summing decides their last digits."""
TERMS = PlayTerms(
    100_000.0, PortfolioRules(SizingRules(1.0, 1e12, 0.005, PercentCosts(Decimal("0.001"))), LossRules(None))
)
_UNCHANGEABLE = ("read-only", "does not support item assignment", "FrozenInstanceError")
"""How Python and its libraries say that something is not to be written to."""
_BEGINS = np.datetime64("2004-01-05")

type Document = dict[str, Any]
type Tell = Callable[[date], None]


class Finding(Struct, frozen=True):
    """What a strategy did that it may not do: the rule, the session (None for no single one), and the value."""

    rule: str
    session: date | None
    text: str


class Trial(Struct):
    """Stands for a strategy while it plays, and asks it more than it seems to be asked.

    Parameters
    ----------
    history : SessionHistory
        What is played, the future included.
    tell : callable
        Told each session before it is asked for.
    """

    strategy: Strategy
    history: SessionHistory
    watch: Watch
    tell: Tell
    findings: list[Finding] = field(default_factory=list)
    asked_for: list[tuple[MarketView, Own, Document]] = field(default_factory=list)
    wanted: int = 0
    day: date | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.strategy, name)

    def verdicts(self, view: MarketView, own: Own) -> tuple[SymbolVerdict, ...]:
        """Return the strategy's verdicts, and note what is wrong with them."""
        day = self.day = view.session
        self.tell(day)
        before = _snapshot(view, own)
        with self.watch.armed() as touched:
            given = verdicts_of(self.strategy, view, own)
        for what in sorted(touched, key=lambda one: one.startswith("asks the operating system")):
            self._note("purity", day, f"the decision {what}")
        changed = [place for place, state in _snapshot(view, own).items() if state != before[place]]
        if changed:
            self._note("mutation", day, f"the decision changed {changed[0]}, which it was only shown")
            return given
        said = document_of(given)
        self.wanted += any(isinstance(one.verdict, Target | Shares) and not one.sells_all for one in given)
        self._judge(day, given)
        again = document_of(verdicts_of(self.strategy, view, own))
        if not self._differ("purity", day, said, again, "asked twice with the same input it answers {0}, then {1}"):
            self._in_other_ways(view, own, said)
        return given

    def _in_other_ways(self, view: MarketView, own: Own, said: Document) -> None:
        day = view.session
        book = Book(own.holdings, own.cash_usd, own.cash_usd, last_fill=own.last_fill, memory=own.memory)
        frame = json.loads(canonical(frame_of(view, book, self.strategy)))
        stored, kept = view_of(frame), book_of(frame)
        own = replace(own, holdings=kept.holdings, memory=kept.memory)
        recorded = self._answer(stored, own)
        self.asked_for.append((stored, own, recorded))
        if difference(said, recorded):
            # The later bars are there in a backtest and not in the daily job: do they move it?
            other = self._answer(view_at(_ruined(self.history, day), self.strategy, day), own)
            text = "it looks ahead: {0} as the market went on, {1} where it goes on otherwise"
            if self._differ("look-ahead", day, said, other, text):
                return
        longer = self._answer(view_at(self.history, self.strategy, day, whole=True), own)
        count = self.strategy.history_sessions()
        text = f"with the {count} bars that history_sessions asks for it answers {{0}}, with more of them {{1}}"
        if not self._differ("history", day, recorded, longer, text):
            self._differ("paths", day, said, recorded, "a backtest answers {0}, the daily job and its replay {1}")

    def ask_later(self) -> None:
        """Ask everything again, the last session first: nothing may be kept from one decision to another."""
        for view, own, recorded in reversed(self.asked_for):
            text = "asked again after other sessions it answers {1}, at its time {0}: it keeps what no memory holds"
            self._differ("purity", view.session, recorded, self._answer(view, own), text)

    def in_columns(self, played: Played, span: tuple[int, int]) -> None:
        """Play the strategy's column form, if it has one: the orders must be those of its verdicts."""
        walk = walked(self.history, self.strategy, TERMS, span)
        if walk is None:
            return
        mine, others = (
            [(one.session, one.symbol, one.side.value, one.shares, one.reasons) for one in orders]
            for orders in (played_of(self.history, TERMS, walk).orders, played.orders)
        )
        for own, other in zip_longest(mine, others):
            if own != other:
                day = min(one[0] for one in (own, other) if one is not None)
                self._note("paths", day, f"its columns order {_told(own)}, its verdicts {_told(other)}")
                return

    def _answer(self, view: MarketView, own: Own) -> Document:
        try:
            return document_of(verdicts_of(self.strategy, view, own))
        except StrategyError as error:
            return {"an error": str(error)}

    def _judge(self, day: date, given: tuple[SymbolVerdict, ...]) -> None:
        names = {spec.name for spec in self.strategy.CONDITIONS}
        for one in given:
            unknown = [word for word in one.reasons if word not in self.strategy.REASONS]
            if unknown:
                text = f'{one.symbol}: the reason "{unknown[0]}" is not in REASONS, which has the words for it'
                self._note("reasons", day, text)
            strange = [each.name for each in one.conditions if each.name not in names]
            if strange:
                text = f'{one.symbol}: the condition "{strange[0]}" is not in CONDITIONS, which has the words for it'
                self._note("reasons", day, text)
        if view_lacks := {*self.strategy.universe()} - {one.symbol for one in given}:
            self._note("reasons", day, f"no verdict and so no reason for {', '.join(sorted(view_lacks))}")

    def _differ(self, rule: str, day: date, one: Document, other: Document, text: str) -> bool:
        # Whether they differ, which is noted.
        found = difference(one, other)
        if found:
            place, left, right = found
            self._note(rule, day, f"{place}: {text.format(left, right)}")
        return found is not None

    def _note(self, rule: str, day: date, text: str) -> None:
        # The first of a kind is enough: it tells where to look.
        if all(one.rule != rule for one in self.findings):
            self.findings.append(Finding(rule, day, text))


def played(strategy: Strategy, seed: int, watch: Watch, tell: Tell, sessions: int = SESSIONS) -> Trial:
    """Play one made-up market; an error ends it and is the last finding.

    Parameters
    ----------
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    seed : int
        Seed of the draws.
    watch : Watch
        Tells what is touched while it is armed: files, network, other processes, clock, randomness, environment.
    tell : Tell
        Told of each session that was played.
    sessions : int
        How many sessions.
    """
    trial = Trial(strategy, made_up(strategy, seed, sessions), watch, tell)
    needed = strategy.history_sessions()
    try:
        span = needed, needed + sessions
        made = play_sessions(trial.history, trial, TERMS, *span)  # type: ignore[arg-type]  # stands for it
        trial.ask_later()
        trial.in_columns(made, span)
    except StrategyError as error:
        rule = "mutation" if any(word in str(error) for word in _UNCHANGEABLE) else "raising"
        trial.findings.append(Finding(rule, trial.day, str(error).partition(f"{trial.day}: ")[2] or str(error)))
    except ValueError as error:
        trial.findings.append(Finding("raising", trial.day, str(error)))
    return trial


def _told(order: tuple[date, str, str, int, tuple[str, ...]] | None) -> str:
    if order is None:
        return "nothing more"
    day, symbol, side, shares, reasons = order
    return f"{side} {shares:,} {symbol} on {day} ({', '.join(reasons)})"


def made_up(strategy: Strategy, seed: int, sessions: int = SESSIONS) -> SessionHistory:
    """Return calm and stormy, rising and falling stretches for every symbol a strategy trades or reads.

    Parameters
    ----------
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    seed : int
        Seed of the draws.
    sessions : int
        How many sessions.
    """
    count = strategy.history_sessions() + sessions + 1
    days = np.busday_offset(_BEGINS, np.arange(count + 60))
    calendar = tuple(days.astype(object))
    bars = {one: _bars(one, seed, days[30 : 30 + count]) for one in (*strategy.universe(), *strategy.reads())}
    series = {name: _series(seed, days[: 30 + count]) for name in strategy.series()}
    return SessionHistory(bars, series, calendar)


def view_at(history: SessionHistory, strategy: Strategy, day: date, *, whole: bool = False) -> MarketView:
    """Return the view of a session, of the bars asked for or with the whole history before it.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    day : date
        The session's date.
    whole : bool
        Whether all the history before it is read.
    """
    needed = strategy.history_sessions()
    cut = {symbol: bars.until(day) for symbol, bars in history.bars.items()}
    count = max(map(len, cut.values())) if whole else needed
    days = history.calendar if strategy.CALENDAR or strategy.STANDING_PURCHASES else ()
    daily = [one for one in strategy.indicators() if one.by_day]
    columns: dict[tuple[str, Asked], Column] = {
        (symbol, one): column_of(bars, one.indicator, dict(one.parameters))[: len(cut[symbol])][-count:]
        for symbol, bars in history.bars.items()
        for one in daily
    }
    return MarketView(
        session=day,
        bars={symbol: bars.tail(count) for symbol, bars in cut.items()},
        series={name: history.series[name].get(day) for name in strategy.series()},
        provisional={},
        columns={} if whole else columns,
        calendar=calendar_around(days, day, needed),
        series_history={
            name: values_before(history.series[name], day, strategy.SERIES_SESSIONS - 1) for name in strategy.series()
        },
    )


def document_of(given: tuple[SymbolVerdict, ...]) -> Document:
    """Return verdicts as plain values, by symbol; the order counts too."""
    found: Document = {"the order of verdicts": " ".join(one.symbol for one in given)}
    for one in given:
        size: Any = getattr(one.verdict, "weight", getattr(one.verdict, "count", ""))
        found[one.symbol] = {
            "verdict": type(one.verdict).__name__,
            **({"size": size} if size != "" else {}),
            "reasons": list(one.reasons),
            "condition": {each.name: plain(each) for each in one.conditions},
            "indicator": dict(one.indicators),
            "remember": dict(one.remember),
            "memory": plain(one.memory),
            "confidence": one.confidence,
        }
    return found


def difference(one: object, other: object, place: str = "") -> tuple[str, object, object] | None:
    """Return the first place where two documents differ, and both values; None where they are the same.

    Parameters
    ----------
    one : object
        One of the two documents.
    other : object
        The other document.
    place : str
        Where in the document, dotted.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys((*one, *other)):
            found = difference(one.get(key, "nothing"), other.get(key, "nothing"), f"{place} {key}".strip())
            if found:
                return found
        return None
    if isinstance(one, float) and isinstance(other, float) and abs(one - other) <= SAME * max(1.0, abs(one)):
        return None
    return None if one == other else (place, one, other)


def _bars(symbol: str, seed: int, days: Any) -> Bars:
    # Stretches of 40 sessions, of another drift and unrest each.
    draw, count = np.random.default_rng([seed, crc32(symbol.encode())]), len(days)
    stretch = np.arange(count) // 40
    unrest = draw.choice([0.005, 0.011, 0.024], stretch[-1] + 1)[stretch]
    drift = draw.choice([-0.003, -0.0005, 0.0012, 0.003], stretch[-1] + 1)[stretch]
    close = np.round(80.0 * np.exp(np.cumsum(drift + unrest * draw.standard_normal(count))), 2).clip(0.5)
    open_ = np.round(np.r_[80.0, close[:-1]] * np.exp(unrest / 3 * draw.standard_normal(count)), 2)
    high = np.round(np.maximum(open_, close) * (1 + unrest / 2 * draw.random(count)), 2)
    low = np.round(np.minimum(open_, close) * (1 - unrest / 2 * draw.random(count)), 2)
    volume = np.round(np.exp(draw.normal(13.0, 0.5, count)))
    dividend = np.where(np.arange(count) % 63 == 40, np.round(0.003 * close, 2), 0.0)
    columns = {"open": open_, "high": high, "low": low, "close": close, "volume": volume, "dividend": dividend}
    return Bars.from_columns(symbol, "made-up", days, columns)


def _series(seed: int, days: Any) -> dict[date, float]:
    # It lingers where thresholds of fear are set; one session in fifty has no value.
    draw, level, found = np.random.default_rng([seed, 7]), 18.0, dict[date, float]()
    for day in days.astype(object):
        level = min(60.0, max(9.0, level + float(draw.normal(0, 1.6)) + 0.03 * (20.0 - level)))
        if draw.random() > 0.02:
            found[day] = round(level, 2)
    return found


def _ruined(history: SessionHistory, day: date) -> SessionHistory:
    bars: dict[str, Bars] = {}
    for symbol, one in history.bars.items():
        columns, after = {name: np.array(getattr(one, name)) for name in COLUMNS}, len(one.until(day))
        for name in PRICE_COLUMNS:
            columns[name][after:] = np.round(columns[name][after:] * 0.37 + 11.0, 2)
        bars[symbol] = Bars.from_columns(symbol, one.source, one.days, columns)
    series = {name: {at: value for at, value in each.items() if at <= day} for name, each in history.series.items()}
    return SessionHistory(bars, series, history.calendar)


def _snapshot(view: MarketView, own: Own) -> dict[str, object]:
    columns = {
        f"the column {name} of {symbol}": getattr(bars, name).tobytes()
        for symbol, bars in view.bars.items()
        for name in COLUMNS
    }
    asked_columns = {f"the column of {key[1].indicator}": one.tobytes() for key, one in view.columns.items()}
    texts = {"its own holdings": own.holdings, "its own memory": own.memory, "the series": view.series}
    shown = {"the symbols of the view": [*view.bars], "the earlier values of a series": view.series_history}
    return {**columns, **asked_columns, **{name: canonical(_keyed(one)) for name, one in (texts | shown).items()}}


_keyed = partial(plain, scalar=str)
