"""Lots and trades: what the fills of a strategy add up to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from mtum.core.market.sessions import Sessions
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import Side
from mtum.core.strategies.contract import Holding

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Lot:
    """Shares bought by one intent and not sold yet.

    Parameters
    ----------
    shares, opened_shares : int
        Shares left, and shares the intent bought in all.
    entry_price : Decimal
        Average fill price in USD, commission apart.
    cost_usd : Decimal
        Commission of the shares left, in USD.
    """

    intent_id: str
    strategy: str
    symbol: str
    session: date
    shares: int
    opened_shares: int
    entry_price: Decimal
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """A round trip from the first entry fill to flat; exit fields are None while open.

    `pnl_usd` includes commissions paid so far; `return_frac` is P&L over the cost of the entry.
    """

    strategy: str
    symbol: str
    entry_session: date
    entry_price: Decimal
    entry_intent_id: str
    shares: int
    exit_session: date | None = None
    exit_price: Decimal | None = None
    exit_intent_id: str | None = None
    pnl_usd: Decimal | None = None
    return_frac: float | None = None
    commission_usd: Decimal = ZERO


@dataclass(slots=True)
class _Open:
    # The only mutable thing here; it never leaves this module.
    lots: list[Lot] = field(default_factory=list)
    bought: list[Fill] = field(default_factory=list)
    sold: list[Fill] = field(default_factory=list)


def lots_of(fills: Iterable[Fill]) -> tuple[Lot, ...]:
    """Return the open lots after these fills, oldest first; sales take the oldest shares.

    Raises
    ------
    ValueError
        If more was sold than bought.
    """
    _, books = _played(fills)
    return tuple(lot for book in books for lot in book.lots)


def trades_of(fills: Iterable[Fill]) -> tuple[Trade, ...]:
    """Return every round trip of these fills, oldest first; an open one comes last per symbol."""
    closed, books = _played(fills)
    trades = [_trade(book.bought, book.sold) for book in (*closed, *books) if book.bought]
    return tuple(sorted(trades, key=lambda trade: (trade.entry_session, trade.symbol)))


def _played(fills: Iterable[Fill]) -> tuple[list[_Open], list[_Open]]:
    # Round trips that ended, and what is open.
    books: dict[tuple[str, str], _Open] = {}
    closed: list[_Open] = []
    for fill in fills:
        book = books.setdefault((fill.strategy, fill.symbol), _Open())
        if fill.side is Side.BUY:
            _bought(book, fill)
            continue
        _sold(book, fill)
        if not book.lots:
            closed.append(book)
            books[(fill.strategy, fill.symbol)] = _Open()
    return closed, list(books.values())


def _bought(book: _Open, fill: Fill) -> None:
    book.bought.append(fill)
    cost = fill.commission_usd or ZERO
    same = next((index for index, lot in enumerate(book.lots) if lot.intent_id == fill.intent_id), None)
    if same is None:
        book.lots.append(
            Lot(fill.intent_id, fill.strategy, fill.symbol, fill.session, fill.shares, fill.shares, fill.price, cost)
        )
        return
    lot = book.lots[same]
    shares = lot.shares + fill.shares
    price = (lot.entry_price * lot.shares + fill.price * fill.shares) / shares
    book.lots[same] = Lot(
        lot.intent_id,
        lot.strategy,
        lot.symbol,
        lot.session,
        shares,
        lot.opened_shares + fill.shares,
        price,
        lot.cost_usd + cost,
    )


def _sold(book: _Open, fill: Fill) -> None:
    book.sold.append(fill)
    left = fill.shares
    while left and book.lots:
        lot = book.lots[0]
        taken = min(left, lot.shares)
        left -= taken
        rest = lot.shares - taken
        if rest:
            cost = lot.cost_usd * rest / lot.shares
            book.lots[0] = Lot(
                lot.intent_id,
                lot.strategy,
                lot.symbol,
                lot.session,
                rest,
                lot.opened_shares,
                lot.entry_price,
                cost,
            )
        else:
            book.lots.pop(0)
    if left:
        raise ValueError(f"{fill.symbol}: fill {fill.exec_id} sells {left} shares more than {fill.strategy} holds")


def _trade(bought: Sequence[Fill], sold: Sequence[Fill]) -> Trade:
    shares = sum(fill.shares for fill in bought)
    paid = sum((fill.shares * fill.price for fill in bought), ZERO)
    commission = sum((fill.commission_usd or ZERO for fill in (*bought, *sold)), ZERO)
    first = bought[0]
    closed = sum(fill.shares for fill in sold) == shares
    received = sum((fill.shares * fill.price for fill in sold), ZERO)
    pnl = received - paid - commission if closed else None
    return Trade(
        strategy=first.strategy,
        symbol=first.symbol,
        entry_session=first.session,
        entry_price=paid / shares,
        entry_intent_id=first.intent_id,
        shares=shares,
        exit_session=sold[-1].session if closed else None,
        exit_price=received / shares if closed else None,
        exit_intent_id=sold[0].intent_id if sold else None,
        pnl_usd=pnl,
        return_frac=float(pnl / paid) if pnl is not None else None,
        commission_usd=commission,
    )


def holding_of(
    symbol: str,
    lots: Sequence[Lot],
    remembered: Mapping[str, Mapping[str, float]],
    sessions_since_exit: int | None,
) -> Holding:
    """Return what the strategy may know of its shares in one symbol.

    Parameters
    ----------
    lots : sequence of Lot
        Open lots of the strategy; other symbols are ignored.
    remembered : mapping of intent id to values
        What the strategy asked to keep with each entry, in today's shares.
    """
    own = [lot for lot in lots if lot.symbol == symbol]
    shares = sum(lot.shares for lot in own)
    if not shares:
        return Holding(symbol, sessions_since_exit=sessions_since_exit)
    price = sum((lot.entry_price * lot.shares for lot in own), ZERO) / shares
    return Holding(
        symbol=symbol,
        shares=shares,
        entry_price=float(price),
        entry_session=own[0].session,
        remembered=dict(remembered.get(own[0].intent_id, {})),
        sessions_since_exit=sessions_since_exit,
    )


def sessions_since_exit(symbol: str, fills: Iterable[Fill], sessions: Sessions, today: date) -> int | None:
    """Return how many sessions ago shares of the symbol were last sold; None if never."""
    sold = [fill.session for fill in fills if fill.symbol == symbol and fill.side is Side.SELL]
    return sessions.count(max(sold), today) if sold else None
