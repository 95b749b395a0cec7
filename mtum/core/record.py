"""The decision record: every input and the outcome as plain JSON values, and the replay of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from hashlib import sha256
from math import isclose

from mtum.core.decide import decide
from mtum.core.market.bars import Bar, Bars, ProvisionalBar
from mtum.core.portfolio.decision import Book, Decision, PortfolioRules
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.strategies.contract import Condition, Holding, Strategy
from mtum.core.view import MarketView

type Json = Mapping[str, object] | list[object] | str | float | int | bool | None
type Document = dict[str, object]

SAME_FLOAT = 4e-15
"""A mean of volumes beyond 1e8 has no sixth decimal: the order of summing decides its last bits."""
FRAME_COLUMNS = ("open", "high", "low", "close", "volume")


def canonical(document: object) -> str:
    """Return the one JSON text of a document: keys sorted, no spaces, floats in their shortest form."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(document: object) -> str:
    """Return the SHA-256 of a document's canonical text, in hexadecimal."""
    return sha256(canonical(document).encode()).hexdigest()


def frame_of(view: MarketView, book: Book, strategy: Strategy) -> Document:
    """Return every input of a decision: exactly the bars the strategy asks for, series, provisional bars, book."""
    history = strategy.history_sessions()
    return {
        "session": view.session.isoformat(),
        "bars": {symbol: _bars_document(bars.tail(history)) for symbol, bars in sorted(view.bars.items())},
        "series": dict(view.series),
        "provisional": {symbol: _provisional_document(seen) for symbol, seen in sorted(view.provisional.items())},
        "book": _book_document(book),
        **({"unfit": dict(view.unfit)} if view.unfit else {}),
    }


def view_of(frame: Mapping[str, object]) -> MarketView:
    """Return the market view a frame was made from, cut to the frame's history."""
    session = date.fromisoformat(_text(frame["session"]))
    provisional = {symbol: _provisional(seen) for symbol, seen in _table(frame["provisional"]).items()}
    bars = {symbol: _bars(symbol, stored) for symbol, stored in _table(frame["bars"]).items()}
    series = {name: _maybe(value) for name, value in _table(frame["series"]).items()}
    unfit = {symbol: _maybe(close) for symbol, close in _table(frame.get("unfit", {})).items()}
    return MarketView(session=session, bars=bars, series=series, provisional=provisional, unfit=unfit)


def book_of(frame: Mapping[str, object]) -> Book:
    """Return the book stored in a frame."""
    stored = _table(frame["book"])
    return Book(
        holdings={symbol: _holding(symbol, row) for symbol, row in _table(stored["holdings"]).items()},
        cash_usd=_number(stored["cash_usd"]),
        available_usd=_number(stored["available_usd"]),
        exit_pending=_words(stored["exit_pending"]),
        forced_exits=_words(stored["forced_exits"]),
        unsettled_usd=_number(stored["unsettled_usd"]),
        receivable_usd=_number(stored["receivable_usd"]),
        losses=_losses(_table(stored["losses"])),
        restriction=Restriction(_text(stored["restriction"])),
        entries_barred=_words(stored["entries_barred"]),
        exits_barred=_words(stored["exits_barred"]),
        unsellable_shares=_shares(stored.get("unsellable_shares", {})),
        buy_backs=_shares(stored.get("buy_backs", {})),
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
            }
            for verdict in decision.verdicts
        },
        "planned": [
            {
                "symbol": order.symbol,
                "side": order.side.value,
                "purpose": order.purpose.value,
                "shares": order.shares,
                "reasons": list(order.reasons),
            }
            for order in decision.orders
        ],
        "equity_usd": round(decision.equity_usd, 6),
        "daily_loss_hit": decision.daily_loss_hit,
        "drawdown_hit": decision.drawdown_hit,
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


def _bars_document(bars: Bars) -> Document:
    columns: Document = {name: [_plain(value) for value in getattr(bars, name).tolist()] for name in FRAME_COLUMNS}
    return {"source": bars.source, "days": [str(day) for day in bars.days], **columns}


def _plain(value: float) -> float | None:
    # JSON has no NaN; an unproven volume is null.
    return None if value != value else value  # noqa: PLR0124 - the test for NaN


def _bars(symbol: str, stored: object) -> Bars:
    table = _table(stored)
    columns = {
        name: [float("nan") if value is None else value for value in _rows(table[name])] for name in FRAME_COLUMNS
    }
    return Bars.from_columns(symbol, _text(table["source"]), _rows(table["days"]), columns)


def _provisional_document(seen: ProvisionalBar) -> Document:
    bar = {name: _plain(getattr(seen.bar, name)) for name in FRAME_COLUMNS}
    return {
        "bar": {"day": seen.bar.day.isoformat(), **bar},
        "volume_so_far": seen.volume_so_far,
        "volume_share": seen.volume_share,
        "seen_at": seen.seen_at.isoformat(),
        "midpoint": seen.midpoint,
    }


def _provisional(stored: object) -> ProvisionalBar:
    table = _table(stored)
    row = _table(table["bar"])
    prices = {name: float("nan") if row[name] is None else _number(row[name]) for name in FRAME_COLUMNS}
    return ProvisionalBar(
        bar=Bar(day=date.fromisoformat(_text(row["day"])), **prices),
        volume_so_far=_number(table["volume_so_far"]),
        volume_share=_maybe(table["volume_share"]),
        seen_at=datetime.fromisoformat(_text(table["seen_at"])),
        midpoint=_maybe(table["midpoint"]),
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
    }


def _holding(symbol: str, stored: object) -> Holding:
    row = _table(stored)
    since = row["sessions_since_exit"]
    entered = row["entry_session"]
    return Holding(
        symbol=symbol,
        shares=int(_number(row["shares"])),
        entry_price=_maybe(row["entry_price"]),
        entry_session=date.fromisoformat(_text(entered)) if entered is not None else None,
        remembered={name: _number(value) for name, value in _table(row["remembered"]).items()},
        sessions_since_exit=None if since is None else int(_number(since)),
    )


def _losses(row: Mapping[str, object]) -> LossState:
    return LossState(
        last_change_usd=_number(row["last_change_usd"]),
        change_since_usd=_number(row["change_since_usd"]),
        paused=bool(row["paused"]),
        peak_equity_usd=_number(row["peak_equity_usd"]),
        flows_since_usd=_number(row.get("flows_since_usd", 0.0)),
    )


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a table, found {value!r}")
    return value


def _rows(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"expected a list, found {value!r}")
    return value


def _shares(value: object) -> dict[str, int]:
    return {symbol: int(_number(shares)) for symbol, shares in _table(value).items()}


def _words(value: object) -> dict[str, str]:
    return {name: _text(word) for name, word in _table(value).items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, found {value!r}")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, found {value!r}")
    return value


def _maybe(value: object) -> float | None:
    return None if value is None else _number(value)
