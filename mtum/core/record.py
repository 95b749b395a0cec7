"""The decision record: every input and the outcome as plain JSON values, and the replay of it."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from math import isclose, isnan, nan

import numpy as np

from mtum.core.canonical import decode, list_in, maybe_number, number_in, plain, table_in, text_in
from mtum.core.decide import decide
from mtum.core.market.bars import Bars, Column, ProvisionalBar
from mtum.core.market.coverage import Dividends
from mtum.core.market.intraday import IntradayBars
from mtum.core.market.timeframes import Timeframe
from mtum.core.portfolio.decision import Book, Decision, PortfolioRules
from mtum.core.strategies.contract import Shares, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView, values_before

type Document = dict[str, object]

SAME_FLOAT = 4e-15
"""A mean of volumes beyond 1e8 has no sixth decimal: the order of summing decides its last bits."""
FRAME_COLUMNS = ("open", "high", "low", "close", "volume")


def frame_of(view: MarketView, book: Book, strategy: Strategy) -> Document:
    """Return every input of a decision: exactly the bars the strategy asks for, series, provisional bars, book.

    What only some strategies ask for is there only for them: calendar, dividends, earlier series, memory, bars within
    the sessions.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    book : Book
        What the sleeve holds and may spend at the decision.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    """
    history = strategy.history_sessions()
    columns = (*FRAME_COLUMNS, "dividend") if strategy.TOTAL_RETURNS else FRAME_COLUMNS
    dated = strategy.CALENDAR or strategy.STANDING_PURCHASES
    return {
        "session": view.session.isoformat(),
        "bars": {symbol: _newest_bars(bars, history, columns) for symbol, bars in sorted(view.bars.items())},
        "series": dict(view.series),
        "provisional": {symbol: _provisional_document(seen) for symbol, seen in sorted(view.provisional.items())},
        "book": _book_document(book, dated=dated),
        **({"unfit": dict(view.unfit)} if view.unfit else {}),
        **({"calendar": _calendar_document(view.calendar)} if dated and view.calendar else {}),
        **({"dividends": dict(view.dividends)} if strategy.TOTAL_RETURNS and view.dividends else {}),
        **({"series_history": _series_document(view, strategy)} if strategy.SERIES_SESSIONS > 1 else {}),
        **({"intraday": _intraday_document(view, asked)} if (asked := strategy.intraday_bars) else {}),
    }


def view_of(frame: Mapping[str, object]) -> MarketView:
    """Return the market view a frame was made from, cut to the frame's history."""
    session = date.fromisoformat(text_in(frame["session"]))
    provisional = {symbol: _provisional(seen) for symbol, seen in table_in(frame["provisional"]).items()}
    bars = {symbol: bars_in(symbol, stored) for symbol, stored in table_in(frame["bars"]).items()}
    series = {name: maybe_number(value) for name, value in table_in(frame["series"]).items()}
    return MarketView(
        session=session,
        bars=bars,
        series=series,
        provisional=provisional,
        unfit={symbol: maybe_number(close) for symbol, close in table_in(frame.get("unfit", {})).items()},
        calendar=_calendar(table_in(frame["calendar"])) if "calendar" in frame else (),
        dividends={symbol: Dividends(text_in(word)) for symbol, word in table_in(frame.get("dividends", {})).items()},
        series_history={
            name: {date.fromisoformat(day): number_in(value) for day, value in table_in(values).items()}
            for name, values in table_in(frame.get("series_history", {})).items()
        },
        intraday={
            (symbol, Timeframe(name)): _intraday(symbol, name, table_in(stored))
            for name, table in table_in(frame.get("intraday", {})).items()
            for symbol, stored in table_in(table).items()
        },
    )


def book_of(frame: Mapping[str, object]) -> Book:
    """Return the book stored in a frame."""
    stored = table_in(frame["book"])
    rows = table_in(stored["holdings"])
    holdings = {symbol: {"symbol": symbol, **table_in(row)} for symbol, row in rows.items()}
    return decode(Book, {**stored, "holdings": holdings}, "the book of a stored frame")


def decision_document(decision: Decision) -> Document:
    """Return the outcome of a decision: action, reasons, conditions, indicators and planned orders by symbol."""
    return {
        "session": decision.session.isoformat(),
        "strategy": decision.strategy,
        "action": decision.action.value,
        "reasons": list(decision.reasons),
        "symbols": {
            verdict.symbol: {
                "verdict": type(verdict.verdict).__name__.lower(),
                "reasons": list(verdict.reasons),
                "conditions": plain(verdict.conditions),
                "indicators": dict(verdict.indicators),
                "remember": dict(verdict.remember),
                **_size_document(verdict),
                **({"conflict": dict(verdict.conflict)} if verdict.conflict else {}),
            }
            for verdict in decision.verdicts
        },
        "planned": plain(decision.orders),
        "equity_usd": round(decision.equity_usd, 6),
        "daily_loss_hit": decision.daily_loss_hit,
        "drawdown_hit": decision.drawdown_hit,
        **({"memory": plain(decision.memory)} if decision.memory else {}),
        **({"standing": plain(decision.standing)} if decision.standing else {}),
        **({"stopped": dict(decision.stopped)} if decision.stopped else {}),
    }


def _size_document(verdict: SymbolVerdict) -> Document:
    # All or nothing is told by action and reasons; anything between is written down.
    confidence: Document = {} if verdict.confidence is None else {"confidence": verdict.confidence}
    match verdict.verdict:
        case Target(weight) if weight not in (0.0, 1.0):
            return {"weight": weight, **confidence}
        case Shares(count):
            return {"shares": count, **confidence}
        case _:
            return confidence


def replayed(frame: Mapping[str, object], strategy: Strategy, rules: PortfolioRules) -> Document:
    """Decide a stored frame again and return the outcome's document.

    Parameters
    ----------
    frame : mapping of str to object
        Inputs that were stored.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    rules : PortfolioRules
        Sizing, loss limits and stops of the sleeve.
    """
    view = view_of(frame)
    decided = decision_document(decide(view, strategy, book_of(frame), rules))
    if "options" not in frame:
        return decided
    from mtum.core.record_options import replayed_options  # nobody without options needs any of it
    from mtum.core.strategies.option_contract import OptionStrategy

    if not isinstance(strategy, OptionStrategy):
        raise ValueError(f"{strategy.name} trades no options, and its stored decision does")
    return replayed_options(table_in(frame["options"]), decided, view, strategy)


def differences(stored: object, found: object, place: str = "") -> list[str]:
    """Return where two documents differ, one line per leaf: place, stored, found.

    Parameters
    ----------
    stored : object
        What was stored.
    found : object
        What was found now.
    place : str
        Where in the document, dotted.
    """
    if isinstance(stored, Mapping) and isinstance(found, Mapping):
        keys = sorted({*stored, *found})
        return [line for key in keys for line in differences(stored.get(key), found.get(key), f"{place}.{key}")]
    if isinstance(stored, list) and isinstance(found, list) and len(stored) == len(found):
        pairs = enumerate(zip(stored, found, strict=True))
        return [line for index, (old, new) in pairs for line in differences(old, new, f"{place}[{index}]")]
    if (
        isinstance(stored, float)
        and isinstance(found, float)
        and isclose(stored, found, rel_tol=SAME_FLOAT, abs_tol=0.0)
    ):
        return []
    return [] if stored == found else [f"{place.lstrip('.')}: stored {stored!r}, found {found!r}"]


@lru_cache(maxsize=128)
def _newest_bars(bars: Bars, count: int, names: tuple[str, ...]) -> Mapping[str, object]:
    # The sleeves of an account look at the same bars: one document of them, encoded once.
    return BarsDocument(bars.tail(count), names)


class BarsDocument(Mapping[str, object]):
    """Columns of bars as plain JSON values, the numbers of each made when it is asked for.

    Those of a large frame are hundreds of thousands: its text is made of them column by column.

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first.
    names : tuple of str
        The columns.
    """

    def __init__(self, bars: Bars, names: tuple[str, ...]) -> None:
        self._bars = bars
        self._told = {"source": bars.source, "days": [*_day_texts(bars.days.tobytes())], **dict.fromkeys(names)}

    def __getitem__(self, name: str) -> object:
        """Return the source, the sessions, or the numbers of a column."""
        told = self._told[name]
        return _plain_column(getattr(self._bars, name)) if told is None else told

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a column, without its numbers."""
        return name in self._told

    def __iter__(self) -> Iterator[str]:
        """Name what there is."""
        return iter(self._told)

    def __len__(self) -> int:
        """Return how many columns there are, with source and sessions."""
        return len(self._told)


@lru_cache(maxsize=16)
def _day_texts(days: bytes) -> tuple[str, ...]:
    # Most symbols have the same sessions.
    return tuple(day.isoformat() for day in np.frombuffer(days, dtype="datetime64[D]").tolist())


def _plain_column(column: Column) -> list[object]:
    # Nearly every column is complete, and there are hundreds of thousands of numbers.
    values: list[object] = column.tolist()
    missing = isnan(column.dot(column))  # the sum of the squares is no number where one of them is none
    return [None if value != value else value for value in values] if missing else values  # noqa: PLR0124 - only NaN differs from itself


def _calendar_document(days: tuple[date, ...]) -> Document:
    # Weekdays without a session are few, and weekends with one fewer: both tell the whole run.
    known = set(days)
    run = [days[0] + timedelta(days=number) for number in range((days[-1] - days[0]).days + 1)]
    odd = [day.isoformat() for day in run if (day in known) is not (day.weekday() < 5)]
    return {"first": days[0].isoformat(), "last": days[-1].isoformat(), "odd": odd}


def _calendar(stored: Mapping[str, object]) -> tuple[date, ...]:
    first, last = (date.fromisoformat(text_in(stored[name])) for name in ("first", "last"))
    odd = {date.fromisoformat(text_in(day)) for day in list_in(stored["odd"])}
    run = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(day for day in run if (day.weekday() < 5) is not (day in odd))


def _series_document(view: MarketView, strategy: Strategy) -> Document:
    count = strategy.SERIES_SESSIONS - 1
    kept = {name: values_before(values, view.session, count) for name, values in sorted(view.series_history.items())}
    return {name: {day.isoformat(): value for day, value in values.items()} for name, values in kept.items()}


def bars_in(symbol: str, stored: object) -> Bars:
    """Return the bars of a frame."""
    table = table_in(stored)
    columns = {
        name: [float("nan") if value is None else value for value in list_in(table[name])]
        for name in (*FRAME_COLUMNS, *(("dividend",) if "dividend" in table else ()))
    }
    return Bars.from_columns(symbol, text_in(table["source"]), list_in(table["days"]), columns)


def _intraday_document(view: MarketView, asked: Mapping[Timeframe, int]) -> Document:
    # Bars by timeframe and symbol, each named by its begin in UTC and its minutes: the last of a session is shorter.
    return {
        timeframe.value: {
            symbol: _intraday_bars(bars, count, timeframe)
            for (symbol, found), bars in sorted(view.intraday.items())
            if found is timeframe
        }
        for timeframe, count in sorted(asked.items())
    }


@lru_cache(maxsize=512)
def _intraday_bars(whole: IntradayBars, count: int, timeframe: Timeframe) -> Document:
    bars = whole.tail(count)
    minutes = ((bars.ends - bars.begins) // np.timedelta64(1, "m")).tolist()
    begins = bars.begins.astype("datetime64[m]").astype(str).tolist()
    names = [f"{begin}/{length}" for begin, length in zip(begins, minutes, strict=True)]
    columns = {name: _plain_column(getattr(bars, name)) for name in FRAME_COLUMNS}
    # Sources tell bars of each length by themselves: they are rows of their own where frames are stored.
    return {"source": f"{bars.source} {timeframe}", "days": names, **columns}


def _intraday(symbol: str, timeframe: str, stored: Mapping[str, object]) -> IntradayBars:
    names = [text_in(name).split("/") for name in list_in(stored["days"])]
    begins = np.array([begin for begin, _ in names], dtype="datetime64[s]")
    ends = begins + np.array([int(length) * 60 for _, length in names], dtype="timedelta64[s]")
    columns = {name: [nan if one is None else one for one in list_in(stored[name])] for name in FRAME_COLUMNS}
    source = text_in(stored["source"]).removesuffix(f" {timeframe}")
    return IntradayBars.within(symbol, source, (begins.astype("datetime64[D]"), begins, ends), columns)


def _provisional_document(seen: ProvisionalBar) -> Document:
    bar = {name: _known(getattr(seen.bar, name)) for name in FRAME_COLUMNS}
    return {
        "bar": {"day": seen.bar.day.isoformat(), **bar},
        "volume_so_far": _known(seen.volume_so_far),
        "volume_share": seen.volume_share,
        "seen_at": seen.seen_at.isoformat(),
        "midpoint": seen.midpoint,
    }


def _known(value: float) -> float | None:
    # JSON has no NaN; a volume that is unproven or unknown is null.
    return None if isnan(value) else value


def _provisional(stored: object) -> ProvisionalBar:
    table = table_in(stored)
    bar = {name: nan if value is None else value for name, value in table_in(table["bar"]).items()}
    so_far = nan if table["volume_so_far"] is None else table["volume_so_far"]
    return decode(ProvisionalBar, {**table, "bar": bar, "volume_so_far": so_far}, "a provisional bar of a stored frame")


def _book_document(book: Book, *, dated: bool) -> Document:
    told: Document = {**table_in(plain(book))}
    if not dated:
        told.pop("last_fill", None)
    rows = {symbol: table_in(row) for symbol, row in table_in(told["holdings"]).items()}
    told["holdings"] = {symbol: {name: row[name] for name in row if name != "symbol"} for symbol, row in rows.items()}
    return told
