"""The decision record: every input and the outcome as plain JSON values, and the replay of it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import isclose

import numpy as np

from mtum.core.decide import decide
from mtum.core.market.bars import Bar, Bars, Column, ProvisionalBar
from mtum.core.market.coverage import Dividends
from mtum.core.portfolio.carried import memory_document, memory_of, standing_document, standing_of
from mtum.core.portfolio.decision import Book, Decision, PlannedOrder, PortfolioRules
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.strategies.contract import (
    Condition,
    Holding,
    Shares,
    Strategy,
    SymbolVerdict,
    Target,
)
from mtum.core.values import list_in, maybe_number, number_in, table_in, text_in
from mtum.core.view import MarketView, values_before

type Json = Mapping[str, object] | list[object] | str | float | int | bool | None
type Document = dict[str, object]

SAME_FLOAT = 4e-15
"""A mean of volumes beyond 1e8 has no sixth decimal: the order of summing decides its last bits."""
FRAME_COLUMNS = ("open", "high", "low", "close", "volume")


def frame_of(view: MarketView, book: Book, strategy: Strategy) -> Document:
    """Return every input of a decision: exactly the bars the strategy asks for, series, provisional bars, book.

    What only some strategies ask for is there only for them: calendar, dividends, earlier series, memory.
    """
    history = strategy.history_sessions()
    columns = (*FRAME_COLUMNS, "dividend") if strategy.TOTAL_RETURNS else FRAME_COLUMNS
    dated = strategy.CALENDAR or strategy.STANDING_PURCHASES
    return {
        "session": view.session.isoformat(),
        "bars": {symbol: _newest_bars(bars, history, columns) for symbol, bars in sorted(view.bars.items())},
        "series": dict(view.series),
        "provisional": {symbol: _provisional_document(seen) for symbol, seen in sorted(view.provisional.items())},
        "book": {
            **_book_document(book),
            **({"last_fill": book.last_fill.isoformat()} if dated and book.last_fill else {}),
        },
        **({"unfit": dict(view.unfit)} if view.unfit else {}),
        **({"calendar": _calendar_document(view.calendar)} if dated and view.calendar else {}),
        **({"dividends": dict(view.dividends)} if strategy.TOTAL_RETURNS and view.dividends else {}),
        **({"series_history": _series_document(view, strategy)} if strategy.SERIES_SESSIONS > 1 else {}),
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
    )


def book_of(frame: Mapping[str, object]) -> Book:
    """Return the book stored in a frame."""
    stored = table_in(frame["book"])
    return Book(
        holdings={symbol: _holding(symbol, row) for symbol, row in table_in(stored["holdings"]).items()},
        cash_usd=number_in(stored["cash_usd"]),
        available_usd=number_in(stored["available_usd"]),
        exit_pending=words_in(stored["exit_pending"]),
        forced_exits=words_in(stored["forced_exits"]),
        unsettled_usd=number_in(stored["unsettled_usd"]),
        receivable_usd=number_in(stored["receivable_usd"]),
        losses=losses_in(table_in(stored["losses"])),
        restriction=Restriction(text_in(stored["restriction"])),
        entries_barred=words_in(stored["entries_barred"]),
        exits_barred=words_in(stored["exits_barred"]),
        unsellable_shares=shares_in(stored.get("unsellable_shares", {})),
        buy_backs=shares_in(stored.get("buy_backs", {})),
        last_fill=date.fromisoformat(text_in(stored["last_fill"])) if "last_fill" in stored else None,
        settles_by=date.fromisoformat(text_in(stored["settles_by"])) if "settles_by" in stored else None,
        memory=memory_of(table_in(stored.get("memory", {}))),
        standing=standing_of(stored.get("standing", [])),
        stopped=words_in(stored.get("stopped", {})),
        in_fund=bool(stored.get("in_fund", False)),
    )


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
                "conditions": [condition_document(condition) for condition in verdict.conditions],
                "indicators": dict(verdict.indicators),
                "remember": dict(verdict.remember),
                **_size_document(verdict),
            }
            for verdict in decision.verdicts
        },
        "planned": [order_document(order) for order in decision.orders],
        "equity_usd": round(decision.equity_usd, 6),
        "daily_loss_hit": decision.daily_loss_hit,
        "drawdown_hit": decision.drawdown_hit,
        **({"memory": memory_document(decision.memory)} if decision.memory else {}),
        **({"standing": standing_document(decision.standing)} if decision.standing else {}),
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


def order_document(order: PlannedOrder) -> Document:
    """Return a planned order as plain JSON values."""
    return {
        "symbol": order.symbol,
        "side": order.side.value,
        "purpose": order.purpose.value,
        "shares": order.shares,
        "reasons": list(order.reasons),
    }


def condition_document(condition: Condition) -> Document:
    """Return a condition as plain JSON values."""
    return asdict(condition)


def replayed(frame: Mapping[str, object], strategy: Strategy, rules: PortfolioRules) -> Document:
    """Decide a stored frame again and return the outcome's document."""
    return decision_document(decide(view_of(frame), strategy, book_of(frame), rules))


def differences(stored: object, found: object, place: str = "") -> list[str]:
    """Return where two documents differ, one line per leaf: place, stored, found."""
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
def _newest_bars(bars: Bars, count: int, names: tuple[str, ...]) -> Document:
    # The sleeves of an account look at the same bars: one document of them, made and encoded once.
    return bars_document(bars.tail(count), names)


def bars_document(bars: Bars, names: tuple[str, ...]) -> Document:
    """Return these columns of bars as plain JSON values."""
    columns: Document = {name: _plain_column(getattr(bars, name)) for name in names}
    return {"source": bars.source, "days": bars.days.astype(str).tolist(), **columns}


def _plain_column(column: Column) -> list[object]:
    # Nearly every column is complete, and there are hundreds of thousands of numbers.
    values: list[object] = column.tolist()
    return [None if value != value else value for value in values] if np.isnan(column).any() else values  # noqa: PLR0124 - NaN


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


def _plain(value: float) -> float | None:
    # JSON has no NaN; a volume that is unproven or unknown is null.
    return None if value != value else value  # noqa: PLR0124 - the test for NaN


def bars_in(symbol: str, stored: object) -> Bars:
    """Return the bars of a frame."""
    table = table_in(stored)
    columns = {
        name: [float("nan") if value is None else value for value in list_in(table[name])]
        for name in (*FRAME_COLUMNS, *(("dividend",) if "dividend" in table else ()))
    }
    return Bars.from_columns(symbol, text_in(table["source"]), list_in(table["days"]), columns)


def _provisional_document(seen: ProvisionalBar) -> Document:
    bar = {name: _plain(getattr(seen.bar, name)) for name in FRAME_COLUMNS}
    return {
        "bar": {"day": seen.bar.day.isoformat(), **bar},
        "volume_so_far": _plain(seen.volume_so_far),
        "volume_share": seen.volume_share,
        "seen_at": seen.seen_at.isoformat(),
        "midpoint": seen.midpoint,
    }


def _provisional(stored: object) -> ProvisionalBar:
    table = table_in(stored)
    row = table_in(table["bar"])
    prices = {name: float("nan") if row[name] is None else number_in(row[name]) for name in FRAME_COLUMNS}
    return ProvisionalBar(
        bar=Bar(day=date.fromisoformat(text_in(row["day"])), **prices),
        volume_so_far=float("nan") if table["volume_so_far"] is None else number_in(table["volume_so_far"]),
        volume_share=maybe_number(table["volume_share"]),
        seen_at=datetime.fromisoformat(text_in(table["seen_at"])),
        midpoint=maybe_number(table["midpoint"]),
    )


def _book_document(book: Book) -> Document:
    return {
        "holdings": {
            symbol: {
                "shares": holding.shares,
                "entry_price": holding.entry_price,
                "entry_session": holding.entry_session.isoformat() if holding.entry_session else None,
                "remembered": dict(holding.remembered),
                "sessions_since_exit": holding.sessions_since_exit,
                **({"added": holding.added, "added_price": holding.added_price} if holding.added else {}),
            }
            for symbol, holding in sorted(book.holdings.items())
        },
        "cash_usd": book.cash_usd,
        "available_usd": book.available_usd,
        "exit_pending": dict(book.exit_pending),
        "forced_exits": dict(book.forced_exits),
        "unsettled_usd": book.unsettled_usd,
        "receivable_usd": book.receivable_usd,
        "losses": asdict(book.losses),
        "restriction": book.restriction.value,
        "entries_barred": dict(book.entries_barred),
        "exits_barred": dict(book.exits_barred),
        "unsellable_shares": dict(book.unsellable_shares),
        "buy_backs": dict(book.buy_backs),
        **({"settles_by": book.settles_by.isoformat()} if book.settles_by else {}),
        **({"memory": memory_document(book.memory)} if book.memory else {}),
        **({"standing": standing_document(book.standing)} if book.standing else {}),
        **({"stopped": dict(book.stopped)} if book.stopped else {}),
        **({"in_fund": True} if book.in_fund else {}),
    }


def _holding(symbol: str, stored: object) -> Holding:
    row = table_in(stored)
    since = row["sessions_since_exit"]
    entered = row["entry_session"]
    return Holding(
        symbol=symbol,
        shares=int(number_in(row["shares"])),
        entry_price=maybe_number(row["entry_price"]),
        entry_session=date.fromisoformat(text_in(entered)) if entered is not None else None,
        remembered={name: number_in(value) for name, value in table_in(row["remembered"]).items()},
        sessions_since_exit=None if since is None else int(number_in(since)),
        added=int(number_in(row.get("added", 0))),
        added_price=maybe_number(row.get("added_price")),
    )


def losses_in(row: Mapping[str, object]) -> LossState:
    """Return the state of the loss limits of a frame."""
    return LossState(
        last_change_usd=number_in(row["last_change_usd"]),
        change_since_usd=number_in(row["change_since_usd"]),
        paused=bool(row["paused"]),
        peak_equity_usd=number_in(row["peak_equity_usd"]),
        flows_since_usd=number_in(row.get("flows_since_usd", 0.0)),
    )


def shares_in(value: object) -> dict[str, int]:
    """Return a table of whole shares of a frame."""
    return {symbol: int(number_in(shares)) for symbol, shares in table_in(value).items()}


def words_in(value: object) -> dict[str, str]:
    """Return a table of words of a frame."""
    return {name: text_in(word) for name, word in table_in(value).items()}
