"""Lots and trades: what the fills of a strategy add up to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.market.sessions import Sessions
from mtum.core.portfolio.fills import Fill, fifo
from mtum.core.portfolio.orders import Side
from mtum.core.strategies.contract import Holding

ZERO = Decimal(0)


class Lot(Struct, frozen=True):
    """Shares that one intent opened and that are not closed yet: bought, or sold short where `shares` is negative.

    Parameters
    ----------
    symbol : str
        Id of the instrument, the ticker for shares.
    shares, opened_shares : int
        Shares or contracts left, and how many the intent opened in all; both negative for a short lot.
    entry_price : Decimal
        Average fill price in USD, commission apart.
    cost_usd : Decimal
        Commission of the shares left, in USD.
    multiplier : int
        Shares per contract, 1 for shares.
    """

    intent_id: str
    strategy: str
    symbol: str
    session: date
    shares: int
    opened_shares: int
    entry_price: Decimal
    cost_usd: Decimal
    multiplier: int = 1

    @property
    def paid_usd(self) -> Decimal:
        """What the shares left cost in USD, commission apart; negative for a short lot."""
        return self.value_usd(self.entry_price)

    def value_usd(self, price: Decimal) -> Decimal:
        """Return what the shares left are worth at a price; negative for a short lot."""
        return self.shares * price * self.multiplier


class Trade(Struct, frozen=True):
    """A round trip from the first entry fill to flat; exit fields are None while open.

    `symbol` is the instrument's id; `shares` is negative for a short sale and its buy-back. `pnl_usd` is
    after commissions and `return_frac` is P&L over the value of the entry; both are None, as
    `commission_usd` is, while the commission of one execution is not known.
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
    commission_usd: Decimal | None = None


class _Open(Struct):
    # The only mutable thing here; it never leaves this module. All lots are long, or all are short.
    lots: list[Lot] = field(default_factory=list)
    opening: list[Fill] = field(default_factory=list)
    closing: list[Fill] = field(default_factory=list)

    @property
    def shares(self) -> int:
        return sum(lot.shares for lot in self.lots)


def lots_of(fills: Iterable[Fill]) -> tuple[Lot, ...]:
    """Return the open lots after these fills, oldest first; a fill against them closes the oldest shares.

    The broker is believed: what is sold beyond the shares held opens a short lot, which the next
    purchase closes.
    """
    _, books = _played(fills)
    return tuple(lot for book in books for lot in book.lots)


def trades_of(fills: Iterable[Fill]) -> tuple[Trade, ...]:
    """Return every round trip of these fills, oldest first; an open one comes last per symbol."""
    closed, books = _played(fills)
    trades = [_trade(book.opening, book.closing) for book in (*closed, *books) if book.opening]
    return tuple(sorted(trades, key=lambda trade: (trade.entry_session, trade.symbol)))


def _played(fills: Iterable[Fill]) -> tuple[list[_Open], list[_Open]]:
    # Round trips that ended, and what is open.
    books: dict[tuple[str, str], _Open] = {}
    closed: list[_Open] = []
    for fill in fills:
        key = (fill.strategy, fill.symbol)
        book = books.setdefault(key, _Open())
        held = book.shares
        if held * fill.signed_shares >= 0:
            _opened(book, fill)
            continue
        against, beyond = _parted(fill, min(abs(held), fill.shares))
        _closed(book, against)
        if not book.lots:
            closed.append(book)
            books[key] = _Open()
        if beyond is not None:
            _opened(books[key], beyond)
    return closed, list(books.values())


def _parted(fill: Fill, shares: int) -> tuple[Fill, Fill | None]:
    """Return the first shares of a fill and the rest, None when there is none; the commission is shared out."""
    if shares == fill.shares:
        return fill, None
    against, beyond = replace(fill, shares=shares), replace(fill, shares=fill.shares - shares)
    if fill.commission_usd is not None:
        part = fill.commission_usd * shares / fill.shares
        against, beyond = (
            replace(against, commission_usd=part),
            replace(beyond, commission_usd=fill.commission_usd - part),
        )
    return against, beyond


def _opened(book: _Open, fill: Fill) -> None:
    book.opening.append(fill)
    cost, change = fill.commission_usd or ZERO, fill.signed_shares
    same = next((index for index, lot in enumerate(book.lots) if lot.intent_id == fill.intent_id), None)
    if same is None:
        book.lots.append(
            Lot(
                intent_id=fill.intent_id,
                strategy=fill.strategy,
                symbol=fill.symbol,
                session=fill.session,
                shares=change,
                opened_shares=change,
                entry_price=fill.price,
                cost_usd=cost,
                multiplier=fill.multiplier,
            )
        )
        return
    lot = book.lots[same]
    shares = lot.shares + change
    book.lots[same] = replace(
        lot,
        shares=shares,
        opened_shares=lot.opened_shares + change,
        entry_price=(lot.entry_price * lot.shares + fill.price * change) / shares,
        cost_usd=lot.cost_usd + cost,
    )


def _closed(book: _Open, fill: Fill) -> None:
    # No more shares than the book has open.
    book.closing.append(fill)
    for taken in fifo([abs(lot.shares) for lot in book.lots], fill.shares):
        lot = book.lots[0]
        rest = lot.shares - (taken if lot.shares > 0 else -taken)
        if rest:
            book.lots[0] = replace(lot, shares=rest, cost_usd=lot.cost_usd * rest / lot.shares)
        else:
            book.lots.pop(0)


def _trade(opening: Sequence[Fill], closing: Sequence[Fill]) -> Trade:
    shares = sum(fill.signed_shares for fill in opening)
    entered = sum((fill.value_usd for fill in opening), ZERO)
    paid = [fill.commission_usd for fill in (*opening, *closing)]
    known = [commission for commission in paid if commission is not None]
    commission = sum(known, ZERO) if len(known) == len(paid) else None
    first = opening[0]
    units = abs(shares) * first.multiplier
    closed = sum(fill.shares for fill in closing) == abs(shares)
    left = sum((fill.value_usd for fill in closing), ZERO)
    gain = left - entered if shares > 0 else entered - left
    pnl = gain - commission if closed and commission is not None else None
    return Trade(
        strategy=first.strategy,
        symbol=first.symbol,
        entry_session=first.session,
        entry_price=entered / units,
        entry_intent_id=first.intent_id,
        shares=shares,
        exit_session=closing[-1].session if closed else None,
        exit_price=left / units if closed else None,
        exit_intent_id=closing[0].intent_id if closing else None,
        pnl_usd=pnl,
        return_frac=float(pnl / entered) if pnl is not None else None,
        commission_usd=commission,
    )


def holding_of(
    symbol: str,
    fills: Iterable[Fill],
    remembered: Mapping[tuple[str, str], Mapping[str, float]],
    sessions_since_exit: int | None,
) -> Holding:
    """Return what the strategy may know of its shares in one symbol.

    Parameters
    ----------
    symbol : str
        Ticker.
    fills : iterable of Fill
        Of the strategy, in today's shares, from its last time flat on at least; other symbols are ignored.
    remembered : mapping of (intent id, symbol) to values
        What the strategy asked to keep with each entry, in today's shares.
    sessions_since_exit : int or None
        Sessions since the last exit; None if never.
    """
    _, books = _played(fill for fill in fills if fill.symbol == symbol)
    book = next((book for book in books if book.lots), None)
    if book is None:
        return Holding(symbol, sessions_since_exit=sessions_since_exit)
    # What was sent and what crossed of an order are two intents and one purchase.
    bought = list(dict.fromkeys(fill.session for fill in book.opening))
    last = [fill for fill in book.opening if fill.session == bought[-1]]
    return Holding(
        symbol=symbol,
        shares=book.shares,
        entry_price=_average(book.opening),
        entry_session=book.opening[0].session,
        remembered=dict(remembered.get((book.lots[0].intent_id, symbol), {})),
        sessions_since_exit=sessions_since_exit,
        added=len(bought) - 1,
        added_price=_average(last) if len(bought) > 1 else None,
    )


def first_purchases(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    """Return of each position that is held the first fill since it was flat, which may be sold by now."""
    _, books = _played(fills)
    return tuple(book.opening[0] for book in books if book.lots)


def _average(fills: Sequence[Fill]) -> float:
    units = sum(fill.signed_shares for fill in fills)
    return float(sum((fill.price * fill.signed_shares for fill in fills), ZERO) / units)


def sessions_since_exit(symbol: str, fills: Iterable[Fill], sessions: Sessions, today: date) -> int | None:
    """Return how many sessions ago shares of the symbol were last sold; None if never.

    Parameters
    ----------
    symbol : str
        Ticker.
    fills : iterable of Fill
        Fills, in time order.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    today : date
        The session being decided.
    """
    sold = [fill.session for fill in fills if fill.symbol == symbol and fill.side is Side.SELL]
    return sessions.count(max(sold), today) if sold else None
